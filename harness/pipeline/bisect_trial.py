# SPDX-License-Identifier: GPL-2.0-only
"""One try of a bisection: a kernel with some of the patches on, a guest, one case, and what that tells."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.build.kernel import BuildFailed
from harness.build.model import Kernel
from harness.console.model import Report
from harness.errors import InfraError
from harness.guest.snapshot import Snapshot
from harness.pipeline.bench import Bench
from harness.pipeline.bisect_model import Hunted, Told, Try
from harness.pipeline.jobs import Built, Jobs
from harness.pipeline.life import CellJob
from harness.pipeline.model import Case, Cell
from harness.pipeline.signs import signs_of
from harness.verdict import Verdict
from harness.workloads.program import tells_of


class Snapshots:
    """A snapshot of the kernel that is being tried; gone with the next kernel's, or on leaving."""

    def __init__(self, directory: Path) -> None:
        self._parent = directory
        self._number = -1
        self._stack = ExitStack()
        self._kept: Snapshot | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.forget()

    def of(self, number: int) -> Snapshot:
        """That of the kernel with the first *number* patches on."""
        if self._kept is None or number != self._number:
            self.forget()
            room = tempfile.TemporaryDirectory(dir=self._parent, prefix=".snapshot-")
            self._kept = Snapshot(Path(self._stack.enter_context(room)))
            self._number = number
        return self._kept

    def forget(self) -> None:
        """Have the next guest boot."""
        self._stack.close()
        self._kept = None


@dataclass(frozen=True)
class Trial:
    """What each try is made with."""

    bench: Bench
    hunted: Hunted
    jobs: Callable[[Kernel], Jobs]
    """made once there is a kernel: the accelerator is chosen by booting one"""
    run: Callable[[Sequence[CellJob]], tuple[Cell, ...]]
    snapshots: Snapshots

    def once(self, number: int, name: str) -> Try:
        """The first *number* patches, in a guest of their own called *name*; InfraError if there is none."""
        began = time.monotonic()
        try:
            built = self.built(number, name)
        except BuildFailed as error:
            passed = time.monotonic() - began
            return Try(
                number=number,
                told=Told.SKIP,
                reason=f"does not build: {error}",
                seconds=passed,
                built=passed,
            )
        job = dataclasses.replace(self.job(built, name), snapshot=self.snapshots.of(number))
        (cell,) = self.run([job])
        told, reason, report = tell(cell, self.hunted)
        return Try(
            number=number,
            told=told,
            reason=reason,
            seconds=time.monotonic() - began,
            built=0.0 if built.kernel.cached else built.kernel.seconds,
            directory=name,
            report=report,
        )

    def built(self, number: int, name: str) -> Built:
        """The kernel with the first *number* patches on; BuildFailed when it does not compile."""
        profile = self.hunted.profile
        return Built(name, profile, number, self.bench.kernel(number, name, profile))

    def job(self, built: Built, name: str) -> CellJob:
        """The cell of that kernel, with nothing but what brings the hunted case."""
        job = self.jobs(built.kernel).job(built, self.hunted.iface, name)
        rows = tuple(row for row in job.workloads if tells_of(row, self.hunted.case))
        return dataclasses.replace(job, workloads=rows, lacking=())


def hunted_in(cell: Cell, case: Case) -> Hunted:
    """What is looked for when *case* of *cell* fails."""
    cause = next((report for report in case.reports if report.severity != "note"), None)
    return Hunted(
        profile=cell.profile,
        iface=cell.iface,
        case=case.name,
        signs=tuple(sign for sign in signs_of(case) if not sign.startswith("console: ")),
        cause=cause,
        reason=case.reason,
    )


def tell(cell: Cell, hunted: Hunted) -> tuple[Told, str, Report | None]:
    """What *cell* tells of the failure that is *hunted*, why, and by which report. InfraError: nothing."""
    failed = [case for case in cell.cases if case.verdict is Verdict.FAIL]
    for case in failed:
        known, report = _the_same(case, hunted)
        if known:
            return Told.BAD, case.reason, report
    if failed:
        return Told.OTHER, f"fails otherwise: {failed[0].name}: {failed[0].reason}", None
    for case in cell.cases:
        if case.verdict is Verdict.INFRA:
            raise InfraError(f"{cell.name} {case.name}: {case.reason}")
    found = next((case for case in cell.cases if case.name == hunted.case), None)
    if found is not None and found.verdict is Verdict.PASS:
        return Told.GOOD, found.reason, None
    found = found or cell.cases[-1]
    return Told.SKIP, f"{found.name}: {found.verdict}: {found.reason}", None


def _the_same(case: Case, hunted: Hunted) -> tuple[bool, Report | None]:
    """Whether *case* fails in the way that is hunted, and the report that says so.

    Where kernels report, the report decides: what else fails with it may be its consequence. Without one
    the checks do.
    """
    reports = [report for report in case.reports if report.severity != "note"]
    if hunted.cause is not None and reports:
        same = next((report for report in reports if alike(report, hunted.cause)), None)
        return same is not None, same
    if reports:
        return False, None
    return bool(hunted.signs) and not set(signs_of(case)).isdisjoint(hunted.signs), None


def alike(one: Report, other: Report) -> bool:
    """Two prints of one fault: the same fingerprint, or kind and title, or kind and function."""
    if one.fingerprint == other.fingerprint != "":
        return True
    named = one.title == other.title or (one.function == other.function != "")
    return one.kind == other.kind and named
