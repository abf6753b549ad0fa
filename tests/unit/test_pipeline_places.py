# SPDX-License-Identifier: GPL-2.0-only
"""Which stacks of a run get places, and that trouble on the way is a note."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace

from harness.build.debug_objects import DebugObjects
from harness.console.model import Frame, Report
from harness.deadline import Deadline
from harness.errors import InfraError
from harness.events import Event, Note
from harness.pipeline.model import Case, Cell
from harness.pipeline.places import with_places
from harness.verdict import Verdict

BARE = Frame(function="charge", at=4, size=32)
PLACE = replace(BARE, file="mm/memcontrol.c", line=12)
NOTE = Report(title="a note", kind="note", severity="note", stack=(BARE,))
OOPS = Report(title="an oops", kind="oops", severity="fatal", function="charge", stack=(BARE,))
BUG = replace(OOPS, title="a bug", file="mm/swap.c", line=3)


class _Objects:
    """Knows one place. Says *why*, or fails with it."""

    def __init__(self, said: Sequence[str] = (), error: Exception | None = None) -> None:
        self.said = list(said)
        self._error = error

    def frames(self, stack: Sequence[Frame]) -> tuple[Frame, ...]:
        if self._error:
            raise self._error
        return tuple(PLACE for _frame in stack)


class _Places:
    """with_places, with what it told."""

    def __init__(self, objects: Any = None, cancelled: bool = False) -> None:
        self.events: list[Event] = []
        self._objects = objects or _Objects()
        self._cancelled = threading.Event()
        if cancelled:
            self._cancelled.set()

    def __call__(self, *reports: Report, verdict: Verdict = Verdict.FAIL) -> tuple[Report, ...]:
        case = Case(name="anon", verdict=verdict, reason="", reports=reports)
        cell = Cell(name="patched-v2", kernel="patched", iface="v2", verdict=verdict, cases=(case,))
        (found,) = with_places(
            [cell],
            lambda _cell, _deadline: cast(DebugObjects, self._objects),
            lambda name, report: replace(report, because=f"{name} wrote line {report.line}"),
            listener=self.events.append,
            deadline=Deadline.after(60),
            cancelled=self._cancelled,
        )
        return found.cases[0].reports

    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]


def test_the_first_report_that_is_a_verdict_gets_places() -> None:
    note, bug, after = _Places()(NOTE, BUG, OOPS)
    assert (note, after) == (NOTE, OOPS)
    assert bug == replace(BUG, stack=(PLACE,))


def test_a_report_that_had_no_line_is_held_against_the_sources() -> None:
    (oops,) = _Places()(OOPS)
    assert (oops.file, oops.line) == ("mm/memcontrol.c", 12)
    assert oops.because == "patched-v2 wrote line 12"


@pytest.mark.parametrize(
    ("reports", "verdict"),
    [((NOTE,), Verdict.FAIL), ((BUG,), Verdict.PASS), ((replace(BUG, stack=()),), Verdict.FAIL)],
)
def test_nothing_is_asked_for_what_is_no_failure_or_has_no_stack(
    reports: tuple[Report, ...], verdict: Verdict
) -> None:
    places = _Places(_Objects(error=AssertionError("asked")))
    assert places(*reports, verdict=verdict) == reports
    assert places.events == []


@pytest.mark.parametrize("error", [InfraError("ld: no space"), OSError("read-only")])
def test_trouble_is_a_note(error: Exception) -> None:
    places = _Places(_Objects(error=error))
    assert places(BUG) == (BUG,)
    assert places.notes() == [f"stacks stay without lines from patched-v2 on: {error}"]


def test_why_a_frame_is_bare_is_said() -> None:
    places = _Places(_Objects(said=["charge is another"]))
    places(BUG)
    assert places.notes() == ["patched-v2 anon: charge is another"]


def test_an_interrupted_run_does_not_wait_for_it() -> None:
    assert _Places(_Objects(error=AssertionError("asked")), cancelled=True)(BUG) == (BUG,)
