# SPDX-License-Identifier: GPL-2.0-only
"""What a listener hears, as lines: for the log file, and for a stderr that is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.events import Event, Finished, Note, Progress, Started
from harness.report import wording
from harness.report.plaintext import line

INTERVAL = 15.0
"""seconds between two lines on the progress of one task"""


class EventLines:
    """Turns events into lines, and keeps a task from filling the log with its progress."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spoke: dict[str, float] = {}
        self._titles: dict[str, str] = {}

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
                return f"{line(title)}: {line(outcome)} in {wording.duration(seconds)}"
            case Progress():
                return self._progress(event, now)
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
