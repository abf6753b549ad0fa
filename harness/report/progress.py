# SPDX-License-Identifier: GPL-2.0-only
"""The listeners of a run: bars on a terminal, lines elsewhere, and a log file."""

from __future__ import annotations

import datetime
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from harness.errors import InfraError
from harness.events import Ahead, Event, Finished, Note, Progress, Started
from harness.report import wording
from harness.report.eventlines import EventLines, PlainLines, stage
from harness.report.plaintext import line
from harness.report.timeleft import TimeLeft

_TITLE, _WIDE_TITLE = 30, 44
_TEXT = 24
_WIDE = 110
_TICK = 1.0
"""seconds between two looks at the time left, and at whether a heartbeat is due"""


class Live:
    """A listener for people, on *console* (stderr): one bar a running task, a line when it has ended.

    Plain lines instead where the console is no terminal, cannot move its cursor, or ``CI`` is set in
    *environ*; *quiet*, nothing but warnings. Cells run in threads and may all call it. Leaving the block,
    also by Ctrl-C, gives the terminal back as it was.
    """

    def __init__(
        self,
        console: Console,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        *,
        quiet: bool = False,
    ) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._left = TimeLeft(clock)
        self._plain = PlainLines(self._left, clock)
        self._quiet = quiet
        self._tasks: dict[str, TaskID] = {}
        self._titles: dict[str, str] = {}
        self._room = _WIDE_TITLE if console.width >= _WIDE else _TITLE
        plain = not console.is_terminal or console.is_dumb_terminal or bool(environ.get("CI"))
        self._bars = None if plain or quiet else _bars(console)
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        if not self._quiet:
            self._ticker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.rest()
        if self._ticker.is_alive():
            self._ticker.join()

    def rest(self) -> None:
        """Give the terminal back for good: what comes now is said in plain lines, between those of others."""
        self._over.set()
        with self._lock:
            if self._bars is not None:
                for bar in self._tasks.values():
                    self._bars.remove_task(bar)
                self._tasks.clear()
                self._bars.stop()
                self._bars = None

    def __call__(self, event: Event) -> None:
        """Show *event*."""
        with self._lock:
            self._left(event)
            said = self._plain.line(event)
            if self._quiet:
                self._say(said if isinstance(event, Note) and event.warning else "", event)
            elif self._bars is None:
                self._say(said, event)
            else:
                self._draw(self._bars, said, event)

    def beat(self) -> None:
        """Bring the time left up to date; where there are no bars, give a sign of life once a minute."""
        with self._lock:
            if self._bars is None:
                self._say("" if self._quiet else self._plain.beat(), None)
            else:
                for task in self._tasks:
                    self._show_left(self._bars, task)

    def _tick(self) -> None:
        while not self._over.wait(_TICK):
            self.beat()

    def _draw(self, bars: Bars, said: str, event: Event) -> None:
        match event:
            case Started(task, title, total):
                self._forget(bars, task)
                self._titles[task] = title
                self._tasks[task] = bars.add_task(_short(title, self._room), total=total, text="", left="")
            case Progress(task, done, total, text) if task in self._tasks:
                bars.update(self._tasks[task], completed=done, total=total, text=_short(text, _TEXT))
            case Ahead(task) if task in self._tasks:
                title = _short(f"{stage(event)} {self._titles[task]}", self._room)
                bars.update(self._tasks[task], description=title)
                self._show_left(bars, task)
            case Finished(task):
                self._forget(bars, task)
                self._say(said, event)
            case Note():
                self._say(said, event)

    def _show_left(self, bars: Bars, task: str) -> None:
        left, done = self._left.left(task), self._left.staged(task)
        bars.update(self._tasks[task], left="" if left is None else wording.about(left))
        if done is not None:
            bars.update(self._tasks[task], completed=done, total=1.0)

    def _forget(self, bars: Bars, task: str) -> None:
        bar = self._tasks.pop(task, None)
        if bar is not None:
            bars.remove_task(bar)

    def _say(self, said: str, event: Event | None) -> None:
        if said:
            style = "yellow" if isinstance(event, Note) and event.warning else ""
            self._console.print(Text(said, style=style), soft_wrap=True, highlight=False)


class LogFile:
    """A listener that appends each event to *path* as a line with its time (ISO 8601, with zone).

    InfraError when it cannot be written. Line by line, so that a run that is killed leaves its log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._lines = EventLines()

    def __call__(self, event: Event) -> None:
        """Append *event*."""
        with self._lock:
            said = self._lines.line(event)
            if not said:
                return
            now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
            try:
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(f"{now} {said}\n")
            except OSError as error:
                raise InfraError(f"{self._path}: cannot be written: {error.strerror}") from error


def _short(text: str, width: int) -> str:
    said = line(text)
    return said if len(said) <= width else f"{said[: width - 1]}…"


def _bars(console: Console) -> Bars:
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=14),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
    ]
    if console.width >= _WIDE:  # without room, rich would shorten the times instead
        columns.append(TextColumn("{task.fields[text]}", markup=False, style="dim"))
    return Bars(*columns, console=console, transient=True)
