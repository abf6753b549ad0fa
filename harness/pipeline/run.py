# SPDX-License-Identifier: GPL-2.0-only
"""The whole road: a plan, a series and a tree become a Run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from harness.build.debug_objects import DebugObjects
from harness.build.kernel import BuildFailed
from harness.build.model import Kernel
from harness.build.warnings import new_against
from harness.console.model import Report
from harness.deadline import Deadline
from harness.errors import HarnessError, NoBase, UserError
from harness.events import Listener, Note, Work
from harness.memcg.interface import why_without
from harness.paths import CONFIGS
from harness.pipeline.ahead import cells_ahead, job_ahead, kernels_ahead, lanes_ahead
from harness.pipeline.bench import Bench, Request, machine_of
from harness.pipeline.cell import BOOT
from harness.pipeline.cells import Machines, ThisMachine, run_cells
from harness.pipeline.commands import repeat
from harness.pipeline.jobs import Built, Jobs
from harness.pipeline.judge import base_cases, blamed_cases, drifts, like, weigh, with_findings
from harness.pipeline.life import CellJob
from harness.pipeline.model import Case, Cell, KernelUsed, ProfileUsed, Run, Unbuilt
from harness.pipeline.patchtext import texts
from harness.pipeline.places import with_places
from harness.pipeline.stages import Stages
from harness.pipeline.trials import BLAME, Trials
from harness.series.digest import digest
from harness.verdict import Verdict
from harness.workloads.catalogue import Workload, choose, every

KERNELS = ("base", "patched")
WORKLOADS = CONFIGS / "workloads.yaml"


class Publisher(Protocol):
    """Whoever keeps the results; called from the thread that runs the road."""

    def begin(self, directory: Path) -> None:
        """The run's *directory* was made."""

    def update(self, run: Run) -> None:
        """This much is known now; ``run.finished`` is empty until the end."""


@dataclass(frozen=True)
class Surroundings:
    """What a run is given by whoever started it."""

    listener: Listener
    deadline: Deadline
    cancelled: threading.Event
    publisher: Publisher
    machines: Machines = field(default_factory=ThisMachine)
    """where the guests are"""


def execute(request: Request, around: Surroundings) -> Run:
    """Go the whole road. The result has been published, also when an error or an interrupt ends it.

    Raises UserError before anything is made when the input is no good, and at the end when the
    base kernel does not boot; InfraError when the machine fails under us.
    """
    named = choose(WORKLOADS, request.plan.workloads, str(request.plan_path))
    around.machines.require(machine_of(request.plan, "v2"))
    with Bench(request, around.listener, around.deadline) as bench:
        return execute_on(bench, request, around, named)


def execute_on(
    bench: Bench, request: Request, around: Surroundings, workloads: Sequence[Workload] = ()
) -> Run:
    """The same on a *bench* that is open already, with *workloads*; none: those that reach the series."""
    road = _Road(request, around, bench, workloads)
    try:
        road.go()
    except BaseException as error:
        road.cut_off(error)
        raise
    return road.run


class _Road:
    """One run under way; ``run`` is what is known of it."""

    def __init__(
        self, request: Request, around: Surroundings, bench: Bench, workloads: Sequence[Workload]
    ) -> None:
        self._request = request
        self._around = around
        self._bench = bench
        self._workloads = tuple(workloads)
        self._enough = threading.Event() if request.fail_fast else None
        self._stages = Stages(around.listener)
        self._began = time.monotonic()
        now = datetime.now(UTC).astimezone()
        self._directory = _make_run_directory(request, now)
        self.run = Run(
            run=self._directory.name,
            verdict=Verdict.BROKEN,
            reason="the run did not end",
            plan=request.plan.name,
            started=now.isoformat(timespec="seconds"),
            tree=f"{bench.tree.name} ({bench.tree.version.text})",
            tree_origin=bench.tree.origin,
            tree_fingerprint=bench.tree.fingerprint,
            tree_revision=bench.tree.revision,
            series=bench.series.name,
            series_digest=digest(bench.series) if bench.series.patches else "",
            patches=bench.applied.landings,
            texts=texts(bench.applied.patches),
            findings_fail=request.plan.findings == "fail",
            edits=bench.mended,
            profiles=tuple(
                ProfileUsed(name=one.name, sees=one.sees, misses=one.misses)
                for one in bench.profiles.values()
            ),
            machine=bench.machine,
        )
        around.publisher.begin(self._directory)
        self._know()

    def go(self) -> None:
        """Analyse, build, boot, run, judge, blame."""
        if self._bench.series.patches:
            self._stages.at("analyse")
            self._know(analysis=self._bench.analysis())
        self._workloads = self._workloads or self._reaching()
        jobs: list[CellJob] = []
        cells: list[Cell] = []
        rounds = self._rounds()
        for number, profiles in enumerate(rounds, 1):
            self._ahead("build", rounds[number - 1 :])
            try:
                kernels = self._build(profiles)
            except _PatchedDoesNotBuild as failure:
                self._end(Verdict.FAIL, str(failure))
                return
            more, skipped = self._jobs(kernels)
            jobs += more
            self._know(commands=repeat(self._request, self._bench, jobs), cells=(*self.run.cells, *skipped))
            self._ahead("cells", rounds[number:], more)
            cells += self._run_cells(more, lambda cell: self._know(cells=(*self.run.cells, cell)))
            cells += skipped
            if self._enough is not None and self._enough.is_set():
                break
        self._weigh(cells, jobs)

    def _rounds(self) -> tuple[tuple[str, ...], ...]:
        """The profiles that are built and run together; one by one where the first failure is the end."""
        profiles = self._request.plan.profiles
        return tuple((name,) for name in profiles) if self._enough is not None else (profiles,)

    def _ahead(self, stage: str, rounds: Sequence[tuple[str, ...]], jobs: Sequence[CellJob] = ()) -> None:
        """Say that *stage* begins, with *jobs* and then the *rounds* of profiles ahead."""
        profiles = [profile for some in rounds for profile in some]
        kernels = kernels_ahead(self._bench, self._request, profiles, self._called)
        later = cells_ahead(self._bench, self._request, profiles, self._called, self._workloads)
        lanes = lanes_ahead(self._request, len(jobs or later), self._around.machines.room)
        self._stages.at(stage, kernels, (*map(job_ahead, jobs), *later), lanes)

    def _jobs(self, kernels: Sequence[Built]) -> tuple[list[CellJob], list[Cell]]:
        """A job for each cell of *kernels*; and the cells that this tree cannot have, skipped."""
        image = self._bench.image()
        accel = self._around.machines.accel(
            self._request.plan.accel,
            lambda: self._bench.accel(kernels[0].kernel, image, self._directory),
        )
        self._know(machine={**self.run.machine, "accelerator": accel.name, "why": accel.why})
        setup = Jobs(
            request=self._request,
            bench=self._bench,
            analysis=self.run.analysis,
            workloads=self._workloads,
            image=image,
            accel=accel,
            directory=self._directory,
            enough=self._enough,
        )
        jobs: list[CellJob] = []
        skipped: list[Cell] = []
        for profile, iface in self._request.plan.matrix:
            why = why_without(iface, self._bench.tree.version)
            for one in kernels:
                if one.profile != profile:
                    continue
                if why:
                    skipped.append(self._skipped(one, iface, why))
                else:
                    jobs.append(setup.job(one, iface, f"{self._called(one.name, profile)}-{iface}"))
        return jobs, skipped

    def cut_off(self, error: BaseException) -> None:
        """Leave word of what ended the run, unless it had come to its end already."""
        if not self.run.finished:
            said = str(error) if isinstance(error, HarnessError) else type(error).__name__
            self._know(reason="interrupted" if isinstance(error, KeyboardInterrupt) else said)

    def _build(self, profiles: Sequence[str]) -> list[Built]:
        return [
            built
            for profile in profiles
            for built in self._build_profile(profile, self._request.kernels(self._bench.series))
        ]

    def _build_profile(self, profile: str, names: Sequence[str]) -> list[Built]:
        built: list[Built] = []
        for name in names:
            one = Built(name, profile, self._patches_of(name), self._build_one(name, profile))
            built.append(one)
            warnings = new_against(built[0].kernel, one.kernel) if one is not built[0] else ()
            used = KernelUsed(
                name=self._called(name, profile),
                profile=profile,
                release=one.kernel.release,
                key=one.kernel.key,
                cached=one.kernel.cached,
                seconds=one.kernel.seconds,
                image=str(one.kernel.image),
                new_warnings=warnings,
            )
            self._know(kernels=(*self.run.kernels, used))
            if warnings:
                self._know(analysis=self._bench.warned(self.run.analysis, warnings))
        return built

    def _build_one(self, name: str, profile: str) -> Kernel:
        try:
            return self._bench.kernel(self._patches_of(name), self._called(name, profile), profile)
        except BuildFailed as error:
            verdict = Verdict.BROKEN if name == "base" else Verdict.FAIL
            failed = Unbuilt(kernel=name, profile=profile, verdict=verdict, reason=str(error))
            self._know(unbuilt=(*self.run.unbuilt, failed))
            if name == "base":
                raise NoBase(f"{self._bench.tree.origin}: the base does not build: {error}") from error
            raise _PatchedDoesNotBuild(f"the patched kernel does not build: {error}") from error

    def _patches_of(self, kernel: str) -> int:
        """How many patches are on in *kernel*."""
        return 0 if kernel == "base" else len(self._bench.series.patches)

    def _called(self, kernel: str, profile: str) -> str:
        """*kernel*, with its profile where the plan has several."""
        return f"{kernel}-{profile}" if len(self._request.plan.profiles) > 1 else kernel

    def _reaching(self) -> tuple[Workload, ...]:
        """The workloads that reach what the series touches; all there are, where none is known to."""
        names = [reach.workload for reach in self.run.analysis.workloads]
        if not names:
            self._around.listener(Note("no workload is known to reach what the series touches: all are run"))
        return choose(WORKLOADS, names, str(WORKLOADS)) if names else every(WORKLOADS)

    def _skipped(self, built: Built, iface: str, why: str) -> Cell:
        """A cell that this kernel cannot have."""
        return Cell(
            name=f"{self._called(built.name, built.profile)}-{iface}",
            kernel=built.name,
            iface=iface,
            profile=built.profile,
            verdict=Verdict.SKIP,
            cases=(Case(name=BOOT, verdict=Verdict.SKIP, reason=why),),
        )

    def _weigh(self, cells: Sequence[Cell], jobs: Sequence[CellJob]) -> None:
        self._stages.at("judge")
        weighed, verdict, reason = with_findings(weigh(cells), self.run)
        self._know(cells=weighed, drift=drifts(weighed), reports=_reports(weighed))
        named = {job.name: job for job in jobs}
        if self._request.plan.symbols:
            self._symbolise(named)
        if self._request.plan.blame:
            self._blame(weighed, named)
        self._end(verdict, reason)
        for cell in cells:
            boot = cell.cases[0]
            if cell.kernel == "base" and boot.verdict is Verdict.FAIL and not boot.reports:
                raise NoBase(f"{self._bench.tree.origin}: the base kernel does not boot: {boot.reason}")

    def _symbolise(self, jobs: Mapping[str, CellJob]) -> None:
        """Give places to the stacks of what failed; the verdict stands already."""

        def objects(cell: str, deadline: Deadline) -> DebugObjects:
            job = jobs[cell]
            return self._bench.debug_objects(
                job.kernel, self._patches_of(job.kernel_name), job.profile, deadline
            )

        cells = with_places(
            self.run.cells,
            objects,
            lambda cell, report: jobs[cell].explain(report),
            listener=self._around.listener,
            deadline=self._around.deadline,
            cancelled=self._around.cancelled,
        )
        self._know(cells=cells, reports=_reports(cells))

    def _blame(self, cells: Sequence[Cell], jobs: Mapping[str, CellJob]) -> None:
        """Look for the first bad patch of each profile's first case that the base passes."""
        trials = Trials(
            bench=self._bench,
            analysis=self.run.analysis,
            directory=self._directory,
            run=lambda some: self._run_cells(some, lambda _cell: None),
            listener=self._around.listener,
        )
        base = base_cases(cells)
        tried: set[str] = set()
        for cell, case in blamed_cases(cells, base):
            good = base.get(like(cell, case))
            if cell.profile not in tried and good is not None and good.verdict is Verdict.PASS:
                tried.add(cell.profile)
                self._stages.at("blame", (Work(BLAME),))
                blame = trials.blame(case, jobs[cell.name])
                self._know(blames=(*self.run.blames, *([blame] if blame else [])))

    def _run_cells(self, jobs: Sequence[CellJob], on_cell: Callable[[Cell], None]) -> tuple[Cell, ...]:
        return run_cells(
            jobs,
            self._around.machines,
            listener=self._around.listener,
            deadline=self._around.deadline,
            cancelled=self._around.cancelled,
            on_cell=on_cell,
        )

    def _end(self, verdict: Verdict, reason: str) -> None:
        self._know(
            verdict=verdict,
            reason=reason,
            finished=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        )

    def _know(self, **news: object) -> None:
        self.run = replace(self.run, seconds=time.monotonic() - self._began, **news)
        self._around.publisher.update(self.run)


class _PatchedDoesNotBuild(Exception):
    """A verdict on its way to the report."""


def _reports(cells: Sequence[Cell]) -> tuple[Report, ...]:
    return tuple(report for cell in cells for case in cell.cases for report in case.reports)


def _make_run_directory(request: Request, now: datetime) -> Path:
    """results/<time>-<plan>, a new one."""
    stem = f"{now:%Y%m%d-%H%M%S}-{request.plan.name}"
    for name in (stem, *(f"{stem}-{n}" for n in range(2, 100))):
        directory = request.results.resolve() / name
        try:
            directory.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"{directory}: cannot be made: {error.strerror}") from error
        return directory
    raise UserError(f"{request.results}: too many runs named {stem}; remove some")
