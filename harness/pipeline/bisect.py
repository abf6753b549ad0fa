# SPDX-License-Identifier: GPL-2.0-only
"""From a series to its first bad patch: what fails, whether both ends are as they should be, and halving."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from msgspec.structs import replace

from harness.analysis.model import Analysis
from harness.build.kernel import BuildFailed
from harness.build.model import Kernel
from harness.errors import InfraError, UserError
from harness.events import Note, Task, Work, task
from harness.files import make_directory
from harness.pipeline.bench import Bench, Request, machine_of
from harness.pipeline.bisect_decide import End, confidence, decide, tries_ahead
from harness.pipeline.bisect_model import Bisection, Hunted, Told, Try
from harness.pipeline.bisect_trial import Snapshots, Trial, hunted_in
from harness.pipeline.cells import run_cells
from harness.pipeline.commands import one_step
from harness.pipeline.jobs import Jobs
from harness.pipeline.judge import blamed_cases
from harness.pipeline.life import CellJob
from harness.pipeline.model import Cell, Command, Run
from harness.pipeline.run import WORKLOADS, Surroundings, execute_on
from harness.pipeline.stages import RUN
from harness.series.digest import digest
from harness.tree.lineage import hunk_at
from harness.verdict import Verdict
from harness.workloads.catalogue import choose, every

_HUNTS = 2
"""runs of the whole series with all workloads before it counts as good"""
_AGAIN = 3
"""tries in a row that the machine may spoil"""
BISECTION = "bisection"
"""the task that it is"""
_STAGES = ("hunt", "ends", "halve")
WHOLE = "whole"
"""directory of the runs that look for a failure of the whole series"""


@dataclass(frozen=True)
class Around:
    """What a bisection is given by whoever started it."""

    surroundings: Callable[[], Surroundings]
    """for each run anew; of a bisection's own tries only the listener is told"""
    publish: Callable[[Path, Bisection], object]
    """told of all that is known, after each try, with the bisection's directory"""


def begin(request: Request, wanted: float, around: Around) -> tuple[Bisection, Path]:
    """Bisect the series of *request*; the end, and the directory that has it.

    *wanted* is how sure the answer is to be. UserError for input that is no good; InfraError when the
    machine fails: the directory holds what was tried, for :func:`resume`.
    """
    choose(WORKLOADS, request.plan.workloads, str(request.plan_path))
    surroundings = around.surroundings()
    surroundings.machines.require(machine_of(request.plan, "v2"))
    with Bench(request, surroundings.listener, surroundings.deadline) as bench:
        if not bench.series.patches:
            raise UserError(f"{request.plan_path}: nothing to bisect: give --series")
        now = datetime.now(UTC).astimezone()
        directory = request.results.resolve() / f"{now:%Y%m%d-%H%M%S}-bisect-{request.plan.name}"
        make_directory(directory, "the bisection's directory")
        known = Bisection(
            run=directory.name,
            plan=request.plan,
            plan_path=str(request.plan_path.resolve()),
            tree=f"{bench.tree.name} ({bench.tree.version.text})",
            tree_origin=bench.tree.origin,
            tree_fingerprint=bench.tree.fingerprint,
            series=bench.series.name,
            series_digest=digest(bench.series),
            subjects=tuple(patch.subject for patch in bench.series.patches),
            wanted=wanted,
            started=now.isoformat(timespec="seconds"),
            force=request.force,
        )
        around.publish(directory, known)
        return _Bisect(request, bench, known, directory, around, surroundings).go(), directory


def resume(directory: Path, read: Callable[[Path], Bisection], request: Request, around: Around) -> Bisection:
    """Go on with what *directory* has. UserError when tree or series are not what they were."""
    surroundings = around.surroundings()
    surroundings.machines.require(machine_of(request.plan, "v2"))
    with Bench(request, surroundings.listener, surroundings.deadline) as bench:
        known = read(directory)  # whoever was at it before has let go of the tree by now
        if known.finished:
            return known
        if bench.tree.fingerprint != known.tree_fingerprint:
            raise UserError(f"{bench.tree.origin}: not the tree of {known.started} any more; bisect anew")
        if digest(bench.series) != known.series_digest:
            raise UserError(f"{request.plan.series}: not the series of {known.started} any more; bisect anew")
        return _Bisect(request, bench, known, directory, around, surroundings).go()


class _Bisect:
    """One bisection under way; ``known`` is all that it knows."""

    def __init__(
        self,
        request: Request,
        bench: Bench,
        known: Bisection,
        directory: Path,
        around: Around,
        surroundings: Surroundings,
    ) -> None:
        self._request = request
        self._bench = bench
        self._directory = directory
        self._around = around
        self._surroundings = surroundings
        self._before = known.seconds
        self._began = time.monotonic()
        self._analysis: Analysis | None = None
        self._jobs: Jobs | None = None
        self.known = known

    def go(self) -> Bisection:
        """Hunt, then try prefixes until there is no more to try."""
        with task(self._surroundings.listener, BISECTION, f"bisect {self.known.plan.name}") as overall:
            known = self._go(overall)
            overall.outcome = str(known.verdict)
        return known

    def _go(self, overall: Task) -> Bisection:
        overall.ahead("hunt", 1, len(_STAGES), (Work(RUN),))
        hunted = self.known.hunted or self._hunt()
        if hunted is None:
            return self.known
        with Snapshots(self._directory) as snapshots:
            trial = Trial(
                bench=self._bench, hunted=hunted, jobs=self._setup, run=self._run, snapshots=snapshots
            )
            while not isinstance(ahead := decide(self.known), End):
                self._say_ahead(overall, ahead.number)
                self._know(tries=(*self.known.tries, self._try(trial, ahead.number)))
            self._finish(ahead, trial)
        return self.known

    def _hunt(self) -> Hunted | None:
        """What fails on the whole series; None when nothing does or it cannot be told: that is the end."""
        where = self._directory / WHOLE
        make_directory(where, "the results directory")
        plan = replace(self._request.plan, blame=False, symbols=False)
        request = replace(self._request, plan=plan, results=where, only=("patched",), fail_fast=True)
        workloads = choose(WORKLOADS, plan.workloads, str(request.plan_path))
        for _hunt in range(_HUNTS):
            around = self._around.surroundings()
            with task(around.listener, RUN, "the whole series") as progress:
                run = execute_on(self._bench, request, around, workloads)
                progress.outcome = str(run.verdict)
            self._analysis = run.analysis
            blamed = blamed_cases(run.cells, {})
            if blamed:
                cell, case = blamed[0]
                hunted = hunted_in(cell, case)
                first = Try(
                    number=self.known.total,
                    told=Told.BAD,
                    reason=case.reason,
                    seconds=run.seconds,
                    built=sum(0.0 if kernel.cached else kernel.seconds for kernel in run.kernels),
                    directory=f"{WHOLE}/{run.run}/{cell.name}",
                    report=hunted.cause,
                )
                self._know(hunted=hunted, tries=(first,))
                self._surroundings.listener(Note(f"hunted: {hunted.title}"))
                return hunted
            if run.verdict is not Verdict.PASS:
                self._no_hunt(run)
                return None
        self._end(Verdict.PASS, f"the whole series passes, {_HUNTS} times: there is nothing to look for")
        return None

    def _no_hunt(self, run: Run) -> None:
        if run.verdict is Verdict.INFRA:
            raise InfraError(run.reason)
        self._end(Verdict.BROKEN, f"the whole series cannot be judged: {run.reason}")

    def _say_ahead(self, overall: Task, number: int) -> None:
        """Tell how far it is, about to try the first *number* patches. How long a try takes, tries tell."""
        tries, builds = tries_ahead(self.known)
        tried = self.known.tries[1:]  # the first was a run with all workloads
        built = [one.built for one in self.known.tries if one.built] or [0.0]
        each = mean(one.seconds - one.built for one in tried) if tried else None
        work = [Work(self._name(number), each), *[Work("", each)] * (tries - 1)]
        stage = "halve" if {0, self.known.total} <= {one.number for one in tried} else "ends"
        at = _STAGES.index(stage) + 1
        overall.ahead(stage, at, len(_STAGES), [*work, *[Work("", mean(built))] * builds])

    def _name(self, number: int) -> str:
        """The next try of the first *number* patches."""
        return f"{number:02}-{sum(one.number == number for one in self.known.tries) + 1}"

    def _try(self, trial: Trial, number: int) -> Try:
        """One try that the machine did not spoil."""
        count = sum(one.number == number for one in self.known.tries)
        name = self._name(number)
        title = f"{number} of {self.known.total} patches, try {count + 1}"
        for again in range(_AGAIN):
            with task(self._surroundings.listener, name, title, None) as progress:
                try:
                    tried = trial.once(number, f"{name}.{again}" if again else name)
                except InfraError:
                    progress.outcome = "infra"
                    trial.snapshots.forget()
                    if again == _AGAIN - 1:
                        raise
                    continue
                progress.outcome = str(tried.told)
                return tried
        raise AssertionError("unreachable")

    def _setup(self, kernel: Kernel) -> Jobs:
        """What all tries' cells have in common."""
        if self._jobs is None:
            image = self._bench.image()
            plan = replace(self._request.plan, cell_seconds=0.0)
            self._jobs = Jobs(
                request=replace(self._request, plan=plan),
                bench=self._bench,
                analysis=self._bench.analysis() if self._analysis is None else self._analysis,
                workloads=every(WORKLOADS),
                image=image,
                accel=self._surroundings.machines.accel(
                    plan.accel, lambda: self._bench.accel(kernel, image, self._directory)
                ),
                directory=self._directory,
            )
        return self._jobs

    def _run(self, jobs: Sequence[CellJob]) -> tuple[Cell, ...]:
        around = self._surroundings
        return run_cells(
            jobs,
            around.machines,
            listener=around.listener,
            deadline=around.deadline,
            cancelled=around.cancelled,
            on_cell=lambda _cell: None,
        )

    def _finish(self, end: End, trial: Trial) -> None:
        known = self.known
        self._know(
            first_bad=end.first_bad,
            candidates=end.candidates,
            confidence=confidence(known) if end.verdict is Verdict.FAIL else 0.0,
        )
        if end.first_bad is not None:
            self._know(hunk=self._hunk(end.first_bad), commands=self._commands(end.first_bad, trial))
        self._end(end.verdict, end.reason)

    def _hunk(self, number: int) -> str:
        """That of patch *number* with the line that the kernel names when it has it on."""
        report = next(
            (one.report for one in self.known.tries if one.number == number and one.report is not None), None
        )
        if report is None or not report.file:
            return ""
        before, after = self._bench.state(report.file, number - 1), self._bench.state(report.file, number)
        return hunk_at(before, after, report.file, report.line)

    def _commands(self, bad: int, trial: Trial) -> tuple[Command, ...]:
        """The two deciding steps; both kernels are in the cache, or are built again."""
        commands = []
        for number, told in ((bad - 1, Told.GOOD), (bad, Told.BAD)):
            try:
                built = trial.built(number, f"{number:02}")
            except BuildFailed:
                continue
            job = trial.job(built, f"{number:02}")
            said = f"the first {number} patches: {told}" if number else f"the base: {told}"
            commands.append(one_step(self._request, self._bench, job, number, said))
        return tuple(commands)

    def _end(self, verdict: Verdict, reason: str) -> None:
        now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        self._know(verdict=verdict, reason=reason, finished=now)

    def _know(self, **news: object) -> None:
        passed = self._before + time.monotonic() - self._began
        self.known = replace(self.known, seconds=passed, **news)
        self._around.publish(self._directory, self.known)
