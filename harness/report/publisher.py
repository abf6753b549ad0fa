# SPDX-License-Identifier: GPL-2.0-only
"""Keeps a run's reports on disk while it goes on, so that a run that is killed has left its word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from rich.text import Text

from harness.errors import InfraError
from harness.events import Event, Listener
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.model import Run
from harness.pipeline.night_model import Night
from harness.report.bisect import write_bisection
from harness.report.commands import write_repeat
from harness.report.drift import draw_drifts
from harness.report.html import NAME as PAGE
from harness.report.html import write_html
from harness.report.html_bisect import write_bisection_page
from harness.report.html_night import write_night_page
from harness.report.junit import write_junit
from harness.report.junitnight import write_junit_of_night
from harness.report.night import write_night
from harness.report.progress import LogFile
from harness.report.runfile import write_run
from harness.report.terminal import last_line
from harness.verdict import Verdict

LATEST = "latest"


class Ends(Protocol):
    """A night, a bisection or a run; ``finished`` is empty until it ended."""

    @property
    def verdict(self) -> Verdict:
        """What it came to."""

    @property
    def finished(self) -> str:
        """When."""


T = TypeVar("T", bound=Ends)


class Latest(Generic[T]):
    """A publisher of nights or bisections that has *write* keep each, and knows the last one."""

    def __init__(self, write: Callable[[Path, T], object]) -> None:
        self._write = write
        self._known: T | None = None
        self._directory = Path()

    def __call__(self, directory: Path, known: T) -> None:
        """Keep *known* in *directory*."""
        self._known, self._directory = known, directory
        self._write(directory, known)

    def last_line(self) -> Text | None:
        """What the command says last, whatever ends it; None while nothing is kept yet."""
        return None if self._known is None else closing_line(self._directory, self._known)


def closing_line(directory: Path, known: Ends) -> Text:
    """The verdict of *known*, which *directory* keeps, and where its page is."""
    return last_line(known.verdict if known.finished else None, directory / PAGE)


class Reports:
    """The publisher of one run: run.json and what :func:`write_reports` makes of it, and harness.log."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._log: LogFile | None = None
        self.directory = Path()
        self._known: Run | None = None

    def listen(self, event: Event) -> None:
        """Pass *event* on, and to harness.log once there is a directory for it."""
        self._listener(event)
        if self._log is not None:
            self._log(event)

    def begin(self, directory: Path) -> None:
        """The run's *directory* was made; ``latest`` beside it points to it from now on."""
        self.directory = directory
        self._log = LogFile(directory / "harness.log")
        _point_latest(directory)

    def update(self, run: Run) -> None:
        """Write all reports of what is known of *run* by now."""
        self._known = run
        write_run(self.directory, run)
        write_reports(self.directory, run)

    def last_line(self) -> Text | None:
        """What the command says last, whatever ends it; None while nothing is kept yet."""
        return None if self._known is None else closing_line(self.directory, self._known)


def write_reports(directory: Path, run: Run, *, again: bool = False) -> tuple[Path, ...]:
    """Write junit.xml, repeat.sh, report.html and a picture of each case; the first three are returned.

    *again*: pictures that are there already, too. InfraError when one cannot be written.
    """
    draw_drifts(directory, run, again=again)
    return write_junit(directory, run), write_repeat(directory, run), write_html(directory, run)


def keep_night(directory: Path, night: Night) -> None:
    """Write ``night.json`` and its reports; ``latest`` beside *directory* points to it from now on."""
    write_night(directory, night)
    write_night_reports(directory, night)
    _point_latest(directory)


def write_night_reports(directory: Path, night: Night) -> tuple[Path, ...]:
    """Write ``junit.xml`` and ``report.html`` of a night, which are returned."""
    return write_junit_of_night(directory, night), write_night_page(directory, night)


def write_bisection_reports(directory: Path, known: Bisection) -> Path:
    """Write ``bisect.json``, ``repeat.sh`` once there is an answer, and ``report.html``: that is returned."""
    write_bisection(directory, known)
    return write_bisection_page(directory, known)


def _point_latest(directory: Path) -> None:
    """Replace the symbolic link at once; a reader never finds it gone."""
    fresh = directory.parent / f".{LATEST}.{directory.name}"
    try:
        fresh.symlink_to(directory.name)
        fresh.replace(directory.parent / LATEST)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise InfraError(f"{directory.parent / LATEST}: cannot be made: {error.strerror}") from error
