# SPDX-License-Identifier: GPL-2.0-only
"""Keeps a run's reports on disk while it goes on, so that a run that is killed has left its word."""

from __future__ import annotations

from pathlib import Path

from harness.errors import InfraError
from harness.events import Event, Listener
from harness.pipeline.model import Run
from harness.report.commands import write_repeat
from harness.report.drift import draw_drifts
from harness.report.html import write_html
from harness.report.junit import write_junit
from harness.report.progress import LogFile
from harness.report.runfile import write_run

LATEST = "latest"


class Reports:
    """The publisher of one run: run.json and what :func:`write_reports` makes of it, and harness.log."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._log: LogFile | None = None
        self.directory = Path()

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
        write_run(self.directory, run)
        write_reports(self.directory, run)


def write_reports(directory: Path, run: Run, *, again: bool = False) -> tuple[Path, ...]:
    """Write junit.xml, repeat.sh, report.html and a picture of each case; the first three are returned.

    *again*: pictures that are there already, too. InfraError when one cannot be written.
    """
    draw_drifts(directory, run, again=again)
    return write_junit(directory, run), write_repeat(directory, run), write_html(directory, run)


def _point_latest(directory: Path) -> None:
    """Replace the symbolic link at once; a reader never finds it gone."""
    fresh = directory.parent / f".{LATEST}.{directory.name}"
    try:
        fresh.symlink_to(directory.name)
        fresh.replace(directory.parent / LATEST)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise InfraError(f"{directory.parent / LATEST}: cannot be made: {error.strerror}") from error
