# SPDX-License-Identifier: GPL-2.0-only
"""How long what is under way will still take: from what it took before, and from how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from harness.events import Ahead, Event, Finished, Progress, Started, Work

_ENOUGH = 0.1
"""the share of a task that has to be done before its own pace tells when it ends"""


class _Running:
    """A task that has begun: since when, and which share of it is done."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.share: float | None = None
        self.ahead: Ahead | None = None
        self.ended: set[str] = set()
        """tasks that have ended since ``ahead`` was said"""


class TimeLeft:
    """A listener that knows the seconds left of each running task: never below 0; None if nobody knows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[str, _Running] = {}

    def __call__(self, event: Event) -> None:
        """Take note of *event*."""
        match event:
            case Started(task):
                self._running[task] = _Running(self._clock())
            case Progress(task, done, total) if task in self._running:
                self._running[task].share = done / total if total and done < total else None
            case Ahead(task) if task in self._running:
                self._running[task].ahead, self._running[task].ended = event, set()
            case Finished(task):
                self._running.pop(task, None)
                for other in self._running.values():
                    other.ended.add(task)

    def left(self, task: str) -> float | None:
        """Seconds until *task* ends."""
        running = self._running.get(task)
        return None if running is None else self._left(running, None)

    def staged(self, task: str) -> float | None:
        """The share of *task* that is done, by time; None too where it has no stages."""
        running, left = self._running.get(task), self.left(task)
        if running is None or running.ahead is None or left is None:
            return None
        passed = self._clock() - running.began
        return passed / (passed + left) if passed + left > 0 else 0.0

    def _left(self, running: _Running, expected: float | None) -> float | None:
        if running.ahead is not None and (left := self._left_ahead(running.ahead, running.ended)) is not None:
            return left
        passed, share = self._clock() - running.began, running.share
        if share is None:
            # What takes longer than it ever did may end at any time, or not at all.
            return expected - passed if expected is not None and passed < expected else None
        by_pace = passed * (1 - share) / share if share >= _ENOUGH else None
        if expected is None or by_pace is None:
            return by_pace if expected is None else max(expected * (1 - share), expected - passed)
        return share * by_pace + (1 - share) * expected * (1 - share)

    def _left_ahead(self, ahead: Ahead, ended: set[str]) -> float | None:
        in_turn = self._each(ahead.in_turn, ended)
        beside = self._each(ahead.beside, ended)
        if in_turn is None or beside is None:
            return None
        lanes = [0.0] * max(1, ahead.lanes)
        for seconds in beside:
            lanes[lanes.index(min(lanes))] += seconds
        return sum(in_turn) + max(lanes)

    def _each(self, work: Iterable[Work], ended: set[str]) -> list[float] | None:
        """The seconds left of each of *work* that has not *ended*; None if one is not known."""
        known: list[float] = []
        for one in work:
            if one.task in ended:
                continue
            running = self._running.get(one.task)
            left = self._left(running, one.seconds) if running is not None else one.seconds
            if left is None:
                return None
            known.append(left)
        return known
