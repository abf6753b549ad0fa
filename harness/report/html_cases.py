# SPDX-License-Identifier: GPL-2.0-only
"""What became of each case, as a page shows it: a table of verdicts, the failures at length, the skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from markupsafe import Markup

from harness.console.model import Report
from harness.memcg.model import Check
from harness.pipeline.model import Case, Cell, Run
from harness.report import wording
from harness.report.closest import used
from harness.report.drift import draw_small
from harness.report.html_console import Excerpt, console_excerpt
from harness.report.html_limits import Budget, Limits
from harness.verdict import Verdict

_GRAVE = (Verdict.FAIL, Verdict.INFRA, Verdict.BROKEN)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the table of verdicts; ``verdict`` is empty where the case was not in that cell."""

    verdict: str = ""
    anchor: str = ""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The kernels that are held against each other: one interface, one Kconfig profile."""

    name: str
    cells: tuple[Cell, ...]


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Cases down, kernels across, base beside patched."""

    groups: tuple[Group, ...]
    totals: tuple[Mark, ...]
    rows: tuple[tuple[str, tuple[Mark, ...]], ...]
    skipped: int
    """cases that were skipped everywhere, which have no row"""
    left_out: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A check, and where it was measured."""

    where: str
    check: Check
    used: float
    """share of the tolerance, at most 9.99"""


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """A console report of a failed case."""

    report: Report
    place: str
    frames: tuple[str, ...]
    excerpt: Excerpt | None
    """None where there was no room"""
    opened: bool
    """it is the first of its kind"""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of drift."""

    title: str
    says: str
    svg: Markup


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A case that did not pass, with all that is known of it."""

    anchor: str
    cell: Cell
    case: Case
    blame: str
    complaints: tuple[Complaint, ...]
    unheard: int
    """console reports that are not shown"""
    notes: int
    """reports that are no complaint: a process killed by the OOM killer, …"""
    checks: tuple[Row, ...]
    kept: int
    figures: tuple[Figure, ...]


class Skips(msgspec.Struct, frozen=True, kw_only=True):
    """What was skipped for one reason: the cases, each with its cells."""

    reason: str
    cases: tuple[tuple[str, tuple[str, ...]], ...]


def grave(run: Run) -> list[tuple[Cell, Case]]:
    """The cases that are no pass and no skip: the gravest first, the patched kernels' before the base's."""
    found = [(cell, case) for cell in run.cells for case in cell.cases if case.verdict in _GRAVE]
    return sorted(found, key=lambda each: (_GRAVE.index(each[1].verdict), each[0].kernel == "base"))


def anchors(run: Run, limits: Limits) -> dict[tuple[str, str], str]:
    """The id of each case that is told at length, by names of cell and case."""
    return {
        (cell.name, case.name): f"case-{number}"
        for number, (cell, case) in enumerate(grave(run)[: limits.cases], 1)
    }


def matrix(run: Run, known: dict[tuple[str, str], str], limits: Limits) -> Matrix:
    """The verdicts at one glance."""
    groups: dict[str, list[Cell]] = {}
    for cell in run.cells[: limits.rows]:
        groups.setdefault(" ".join(filter(None, (cell.profile, cell.iface))), []).append(cell)
    cells = [cell for group in groups.values() for cell in group]
    verdicts = {(cell.name, case.name): case.verdict for cell in cells for case in cell.cases}
    names = list(dict.fromkeys(case.name for cell in cells for case in cell.cases))
    told = [
        name
        for name in names
        if any(verdicts.get((cell.name, name), Verdict.SKIP) is not Verdict.SKIP for cell in cells)
    ]
    return Matrix(
        groups=tuple(Group(name=name, cells=tuple(group)) for name, group in groups.items()),
        totals=tuple(Mark(verdict=cell.verdict.value) for cell in cells),
        rows=tuple(
            (name, tuple(_mark((cell.name, name), verdicts, known) for cell in cells))
            for name in told[: limits.rows]
        ),
        skipped=len(names) - len(told),
        left_out=max(0, len(told) - limits.rows) + max(0, len(run.cells) - limits.rows),
    )


def _mark(
    key: tuple[str, str], verdicts: dict[tuple[str, str], Verdict], known: dict[tuple[str, str], str]
) -> Mark:
    return Mark(verdict=verdicts[key].value, anchor=known.get(key, "")) if key in verdicts else Mark()


def counts(run: Run) -> dict[str, int]:
    """How many cases came to each verdict, gravest first, without those that none came to."""
    all_of = [case.verdict for cell in run.cells for case in cell.cases]
    order = (*_GRAVE, Verdict.PASS, Verdict.SKIP)
    return {verdict.value: all_of.count(verdict) for verdict in order if verdict in all_of}


def rows(measured: Iterable[tuple[str, Check]]) -> tuple[Row, ...]:
    """The checks with their places, in the order given."""
    return tuple(Row(where=where, check=check, used=min(used(check), 9.99)) for where, check in measured)


class Teller:
    """Tells the failures of one run, and draws; what it left out for want of room is counted."""

    def __init__(self, directory: Path, run: Run, limits: Limits) -> None:
        self._directory, self._run, self._limits = directory, run, limits
        self._consoles = Budget(limits.consoles)
        self._pictures = Budget(limits.pictures)
        self._seen: set[str] = set()
        self._drawn: set[tuple[str, str]] = set()

    def failures(self, known: dict[tuple[str, str], str]) -> tuple[Failure, ...]:
        """Those that *known* has an anchor for, in its order."""
        found = {(cell.name, case.name): (cell, case) for cell, case in grave(self._run)}
        return tuple(self._failure(anchor, *found[key]) for key, anchor in known.items())

    def others(self) -> tuple[Figure, ...]:
        """Pictures of the cases that were not drawn yet: the patched kernels' beside the base's."""
        cases = {
            (cell.name, case.name): (cell, case)
            for cell in self._run.cells
            for case in cell.cases
            if case.samples and (cell.name, case.name) not in self._drawn
        }
        order = sorted(cases.values(), key=lambda each: (each[1].name, each[0].profile, each[0].iface))
        return self._figures(order)

    @property
    def undrawn(self) -> int:
        """Pictures that there was no room for."""
        return self._pictures.left_out

    def _failure(self, anchor: str, cell: Cell, case: Case) -> Failure:
        heard = [report for report in case.reports if report.severity != "note"]
        over = [check for check in case.checks if not check.kept]
        return Failure(
            anchor=anchor,
            cell=cell,
            case=case,
            blame=wording.blame_of(self._run, cell, case),
            complaints=tuple(self._complaint(cell, one) for one in heard[: self._limits.reports]),
            unheard=max(0, len(heard) - self._limits.reports),
            notes=len(case.reports) - len(heard),
            checks=rows(("", check) for check in over[: self._limits.rows]),
            kept=len(case.checks) - len(over),
            figures=self._figures([(cell, case), *self._twins(cell, case)]),
        )

    def _complaint(self, cell: Cell, report: Report) -> Complaint:
        kind = report.fingerprint or report.title
        first = kind not in self._seen
        self._seen.add(kind)
        most = self._limits.one_console if first else self._limits.one_console // 4
        room = self._consoles.take(min(len(report.text), most) + 4_000)
        depth = self._limits.frames
        frames = [wording.frame(one) for one in report.stack]
        more = [f"and {len(frames) - depth} more"] if len(frames) > depth else []
        return Complaint(
            report=report,
            place=wording.place(report),
            frames=(*frames[:depth], *more),
            excerpt=console_excerpt(self._directory, cell.console, report, most) if room else None,
            opened=first,
        )

    def _twins(self, cell: Cell, case: Case) -> list[tuple[Cell, Case]]:
        """The same case on the other kernel: what it should have looked like."""
        return [
            (other, one)
            for other in self._run.cells
            for one in other.cases
            if (other.iface, other.profile) == (cell.iface, cell.profile)
            and other.kernel != cell.kernel
            and one.name == case.name
        ]

    def _figures(self, cases: Iterable[tuple[Cell, Case]]) -> tuple[Figure, ...]:
        drawn = []
        for cell, case in cases:
            key = (cell.name, case.name)
            if not case.samples or key in self._drawn or not self._pictures.take(1):
                continue
            svg = draw_small(self._directory, cell, case)
            if svg:
                self._drawn.add(key)
                drawn.append(_figure(cell, case, svg))
        return tuple(drawn)


def _figure(cell: Cell, case: Case, svg: bytes) -> Figure:
    says = next((check.says for check in case.checks if not check.kept), case.reason)
    # Our own drawing: ElementTree has escaped every text in it.
    element = Markup(svg.decode().partition("?>")[2].strip())  # noqa: S704
    return Figure(title=f"{cell.name} {case.name}: {case.verdict}", says=says, svg=element)


def skips(run: Run, limits: Limits) -> tuple[Skips, ...]:
    """What was skipped, by reason."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for cell, case in _skipped(run):
        reasons.setdefault(case.reason, {}).setdefault(case.name, []).append(cell.name)
    return tuple(
        Skips(
            reason=reason,
            cases=tuple((name, tuple(cells[: limits.rows])) for name, cells in names.items())[: limits.rows],
        )
        for reason, names in list(reasons.items())[: limits.rows]
    )


def _skipped(run: Run) -> list[tuple[Cell, Case]]:
    is_skip: Callable[[Case], bool] = lambda case: case.verdict is Verdict.SKIP  # noqa: E731
    return [(cell, case) for cell in run.cells for case in filter(is_skip, cell.cases)]
