# SPDX-License-Identifier: GPL-2.0-only
"""What a listener hears, as lines: for the log file, and for a stderr that is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.events import Ahead, Event, Finished, Note, Progress, Started
from harness.report import wording
from harness.report.plaintext import line
from harness.report.timeleft import TimeLeft

INTERVAL = 15.0
"""seconds between two lines of a log on the progress of one task"""
HEARTBEAT = 60.0
"""seconds without a line after which a stderr that is no terminal gets one: CI ends jobs that say nothing"""
_NAMED = 3
"""running tasks that a heartbeat names"""


class EventLines:
    """Turns events into the lines of a log, and keeps a task from filling it with its progress."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spoke: dict[str, float] = {}
        self._titles: dict[str, str] = {}
        self._stages: dict[str, str] = {}

    def line(self, event: Event) -> str:
        """*event* as one line; empty for progress too soon after the task's last line."""
        now = self._clock()
        match event:
            case Started(task, title):
                self._titles[task], self._spoke[task] = title, now
                return f"{line(title)}: started"
            case Finished(task, title, outcome, seconds):
                self._titles.pop(task, None)
                self._spoke.pop(task, None)
                self._stages.pop(task, None)
                return f"{line(title)}: {line(outcome)} in {wording.duration(seconds)}"
            case Progress():
                return self._progress(event, now)
            case Ahead(task):
                before, self._stages[task] = self._stages.get(task), stage(event)
                said = task in self._titles and before != self._stages[task]
                return f"{line(self._titles[task])}: {self._stages[task]}" if said else ""
            case Note(text, warning):
                return f"warning: {line(text)}" if warning else line(text)

    def _progress(self, event: Progress, now: float) -> str:
        if now - self._spoke.get(event.task, now - INTERVAL) < INTERVAL:
            return ""
        self._spoke[event.task] = now
        title = line(self._titles.get(event.task, event.task))
        if event.total:
            title += f": {min(100.0, 100 * event.done / event.total):.0f}%"
        return f"{title}, {line(event.text)}" if event.text else title


class PlainLines:
    """The lines of a CI log, each with the time since the beginning: a stage begins, a task ends, a note.

    While nothing of that happens, :meth:`beat` gives a line a minute.
    """

    def __init__(self, left: TimeLeft, clock: Callable[[], float] = time.monotonic) -> None:
        self._left = left
        self._clock = clock
        self._began = self._spoke = clock()
        self._lines = EventLines(clock)
        self._running: dict[str, tuple[str, str]] = {}
        """title of each task that runs, and how far it is"""

    def line(self, event: Event) -> str:
        """*event* as one line, or "" where it is none; to be told after ``left`` was."""
        said = self._lines.line(event)
        match event:
            case Started(task, title):
                self._running[task] = line(title), ""
                return ""
            case Progress(task, done, total, text):
                share = f"{min(100.0, 100 * done / total):.0f}%" if total else ""
                if task in self._running:
                    at = " ".join(part for part in (share, line(text)) if part)
                    self._running[task] = self._running[task][0], at
                return ""
            case Finished(task):
                self._running.pop(task, None)
            case Ahead(task) if task in self._running:
                self._running[task] = self._running[task][0], stage(event)
                said += self._time_left(task) if said else ""
        return self._stamped(said) if said else ""

    def beat(self) -> str:
        """A line on what is under way, where there was none for :data:`HEARTBEAT`; else ""."""
        if not self._running or self._clock() - self._spoke < HEARTBEAT:
            return ""
        said = [f"{title}: {at}" if at else title for title, at in self._running.values()]
        more = [f"and {len(said) - _NAMED} more"] if len(said) > _NAMED else []
        first = next(iter(self._running))
        return self._stamped("; ".join([*said[:_NAMED], *more]) + self._time_left(first))

    def _time_left(self, task: str) -> str:
        left = self._left.left(task)
        return "" if left is None else f", {wording.about(left)}"

    def _stamped(self, said: str) -> str:
        self._spoke = self._clock()
        minutes, seconds = divmod(int(self._spoke - self._began), 60)
        hours, minutes = divmod(minutes, 60)
        return f"[{hours}:{minutes:02}:{seconds:02}] {said}" if hours else f"[{minutes}:{seconds:02}] {said}"


def stage(event: Ahead) -> str:
    """``build (4 of 7)``."""
    return f"{line(event.stage)} ({event.number} of {event.total})"
