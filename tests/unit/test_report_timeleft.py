# SPDX-License-Identifier: GPL-2.0-only
"""The time left: from plans and earlier builds, from a task's own pace; never negative, nothing unknown."""

from __future__ import annotations

import random

import pytest

from harness.events import Ahead, Event, Finished, Progress, Started, Work
from harness.report import wording
from harness.report.timeleft import TimeLeft
from harness.report.within import Within


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def _left(clock: Clock, *events: Event) -> TimeLeft:
    left = TimeLeft(clock)
    for event in events:
        left(event)
    return left


def test_what_is_ahead_adds_up_and_cells_share_lanes() -> None:
    work = (Work("k1", 10.0), Work("k2", 20.0)), tuple(Work(f"c{n}", 40.0) for n in range(3))
    left = _left(Clock(), Started("run", ""), Ahead("run", "build", 4, 7, *work, lanes=2))
    assert left.left("run") == 10 + 20 + 80
    left(Started("k1", ""))
    left(Finished("k1", "", "from the cache", 0.0))
    assert left.left("run") == 20 + 80


def test_one_unknown_thing_makes_all_unknown_until_its_own_pace_tells() -> None:
    clock = Clock()
    left = _left(
        clock,
        Started("run", ""),
        Ahead("run", "build", 4, 7, (Work("k"),), (Work("c", 40.0),)),
        Started("k", ""),
    )
    assert left.left("run") is None
    assert left.staged("run") is None
    clock.now += 20
    left(Progress("k", 50, 1000))
    assert left.left("run") is None, "a twentieth tells nothing"
    left(Progress("k", 200, 1000))
    assert left.left("run") == pytest.approx(80 + 40)
    left(Progress("k", 1100, 1000))
    assert left.left("run") is None, "more objects than were expected"


def test_what_takes_longer_than_it_ever_did_is_unknown_not_negative() -> None:
    clock = Clock()
    left = _left(clock, Started("run", ""), Ahead("run", "build", 4, 7, (Work("k", 10.0),)), Started("k", ""))
    clock.now += 9
    assert left.left("run") == pytest.approx(1)
    clock.now += 2
    assert left.left("run") is None


def test_the_pace_of_a_slow_task_corrects_what_was_expected() -> None:
    clock = Clock()
    left = _left(
        clock, Started("run", ""), Ahead("run", "cells", 5, 7, (), (Work("c", 60.0),)), Started("c", "")
    )
    clock.now += 60
    left(Progress("c", 30, 60))
    assert 40 < (left.left("run") or 0) < 60


def test_a_night_knows_what_its_entries_know() -> None:
    left = TimeLeft(Clock())
    inner = Within("debian/s", left)
    left(Started("night", ""))
    left(Ahead("night", "entries", 1, 2, (), (Work("debian/s: run", 500.0), Work("x/s: run", 70.0))))
    assert left.left("night") == 570
    inner(Started("run", ""))
    inner(Ahead("run", "tree", 1, 7, (Work("?"),)))
    assert left.left("night") == 570, "what it took last stands in for what the run does not know"
    inner(Ahead("run", "cells", 5, 7, (), (Work("base-v1", 30.0),)))
    assert left.left("night") == 100
    inner(Finished("base-v1", "", "pass", 30.0))
    assert left.left("night") == 70


def test_nothing_makes_it_negative() -> None:
    source, clock = random.Random(7), Clock()  # noqa: S311
    left = TimeLeft(clock)
    left(Started("run", ""))
    for _step in range(3_000):
        name, seconds = source.choice("abc"), source.choice([None, 0.0, source.uniform(0, 90)])
        events: list[Event] = [
            Started(name, ""),
            Progress(name, source.uniform(0, 120), source.choice([None, 0.0, 100.0])),
            Finished(name, "", "done", 1.0),
            Ahead("run", "cells", 5, 7, (Work(name, seconds),), (Work("b", 5.0),), source.randrange(3)),
        ]
        left(source.choice(events))
        clock.now += source.uniform(0, 20)
        for task in ("run", "a", "b", "c", "none"):
            known = left.left(task)
            assert known is None or known >= 0
        assert 0 <= (left.staged("run") or 0) <= 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "a few seconds left"),
        (5, "a few seconds left"),
        (8, "about 10 s left"),
        (44, "about 40 s left"),
        (94, "about 90 s left"),
        (96, "about 2 min left"),
        (150, "about 2 min left"),
        (9 * 60 + 10, "about 9 min left"),
        (13 * 60, "about 15 min left"),
        (57 * 60, "about 55 min left"),
        (58 * 60, "about 1 h left"),
        (4000, "about 1 h left"),
        (5000, "about 1 h 30 min left"),
        (30000, "about 8 h 15 min left"),
    ],
)
def test_no_finer_than_an_estimate_can_be(seconds: float, said: str) -> None:
    assert wording.about(seconds) == said
