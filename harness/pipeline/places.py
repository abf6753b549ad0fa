# SPDX-License-Identifier: GPL-2.0-only
"""Places for the stacks of what failed: never more than a help, so never a reason to fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from harness.build.debug_objects import DebugObjects
from harness.build.symbols import placed
from harness.console.model import Report
from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.events import Listener, Note, task
from harness.pipeline.model import Case, Cell
from harness.verdict import Verdict

_SECONDS = 60.0
"""for all stacks of a run together; one takes some seconds, again none"""


def with_places(
    cells: Sequence[Cell],
    objects: Callable[[str, Deadline], DebugObjects],
    explain: Callable[[str, Report], Report],
    *,
    listener: Listener,
    deadline: Deadline,
    cancelled: threading.Event,
) -> tuple[Cell, ...]:
    """*cells* with file, line and inlined calls on the stack of each failed case's first report.

    *objects* are a cell's, by its name; *explain* holds a report of a cell against its sources, for one that
    has a line only now. What goes wrong is a note, and the stacks after it stay as they are.
    """
    found = list(cells)
    wanted = [(at, number) for at, cell in enumerate(cells) for number in _wanted(cell)]
    if not wanted:
        return tuple(found)
    within = deadline.within(_SECONDS)
    with task(listener, "symbols", "lines for the stacks", len(wanted)) as progress:
        for done, (at, number) in enumerate(wanted):
            cell = found[at]
            if cancelled.is_set():
                break
            progress.progress(done, f"{cell.name} {cell.cases[number].name}")
            try:
                case = _with_places(cell, cell.cases[number], objects(cell.name, within), explain, listener)
            except (HarnessError, OSError) as error:
                progress.outcome = "not all"
                listener(Note(f"stacks stay without lines from {cell.name} on: {error}", warning=True))
                break
            found[at] = replace(cell, cases=(*cell.cases[:number], case, *cell.cases[number + 1 :]))
    return tuple(found)


def _wanted(cell: Cell) -> list[int]:
    """The cases of *cell* that failed and have a stack to show for it."""
    return [
        number
        for number, case in enumerate(cell.cases)
        if case.verdict is Verdict.FAIL and (first := _first(case)) is not None and case.reports[first].stack
    ]


def _first(case: Case) -> int | None:
    """The report that the others may follow from."""
    return next((at for at, report in enumerate(case.reports) if report.severity != "note"), None)


def _with_places(
    cell: Cell,
    case: Case,
    objects: DebugObjects,
    explain: Callable[[str, Report], Report],
    listener: Listener,
) -> Case:
    at = _first(case)
    if at is None:
        return case
    report = case.reports[at]
    found = placed(replace(report, stack=objects.frames(report.stack)))
    for why in objects.said:
        listener(Note(f"{cell.name} {case.name}: {why}"))
    if found.file and not report.file:
        found = explain(cell.name, found)
    return replace(case, reports=(*case.reports[:at], found, *case.reports[at + 1 :]))
