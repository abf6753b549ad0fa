# SPDX-License-Identifier: GPL-2.0-only
"""Numbers, times and findings in words: the same ones on the terminal, in JUnit and in the log."""

from __future__ import annotations

from harness.console.model import Frame, Report
from harness.memcg.model import Check
from harness.pipeline.model import Blame, Case, Cell, Run
from harness.report.plaintext import line

_MINUTE = 60
_HOUR = 3600


def duration(seconds: float) -> str:
    """``4.2 s``, ``2 min 41 s``, ``1 h 02 min``."""
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def about(seconds: float) -> str:
    """``about 2 min left``: no finer than an estimate can be."""
    if round(seconds, -1) < _MINUTE + 40:
        return f"about {round(seconds, -1):.0f} s left" if seconds > 5 else "a few seconds left"  # noqa: PLR2004
    minutes = round(seconds / _MINUTE)
    minutes = minutes if minutes < 10 else 5 * round(minutes / 5)  # noqa: PLR2004
    if minutes < _MINUTE:
        return f"about {minutes} min left"
    hours, quarters = divmod(round(seconds / _HOUR * 4), 4)
    return f"about {hours} h{f' {15 * quarters} min' if quarters else ''} left"


def number(value: float) -> str:
    """``2,097,152`` for a whole number, ``12.5`` otherwise."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def check(value: Check) -> str:
    """One line: the check, what was measured, and what was allowed, with the terms of the tolerance."""
    state = "kept" if value.kept else "NOT KEPT"
    return (
        f"{state:8}  {line(value.name)}: measured {number(value.measured)} {line(value.unit)}, "
        f"expected {number(value.expected)}, tolerance {number(value.tolerance)} ({line(value.terms)})"
    )


def place(report: Report) -> str:
    """``mm/memcontrol.c:264``, or the function, or nothing."""
    if report.file:
        return line(f"{report.file}:{report.line}" if report.line else report.file)
    return line(report.function)


def frame(value: Frame) -> str:
    """``mem_cgroup_charge+0x1f/0x90 mm/memcontrol.c:264``, as far as it is known."""
    where = f" {value.file}:{value.line}" if value.file else ""
    at = f"+{value.at:#x}/{value.size:#x}" if value.size else ""
    doubt = "? " if value.doubtful else ""
    return line(f"{doubt}{value.function}{at}{where}" + (" [inlined]" if value.inlined else ""))


def placed_stack(report: Report, depth: int) -> list[str]:
    """The *depth* innermost frames of its stack, a line each; nothing where none has a place."""
    if not any(one.file for one in report.stack):
        return []
    more = len(report.stack) - depth
    return [*map(frame, report.stack[:depth]), *([f"and {more} more"] if more > 0 else [])]


def blame_of(run: Run, cell: Cell, case: Case) -> str:
    """The first bad patch of *case*, or "" when it was not looked for."""
    found = (one for one in run.blames if (one.cell, one.case) == (cell.name, case.name))
    return next((blame(one, run) for one in found), "")


def blame(value: Blame, run: Run) -> str:
    """``first bad patch: 2/3 memcg: charge the huge page twice``."""
    total = len(run.patches)
    position = f"{value.number}/{total}" if total else str(value.number)
    return f"first bad patch: {position} {line(value.subject)}"
