# SPDX-License-Identifier: GPL-2.0-only
"""The listeners: lines where there is no terminal, bars where there is, a log that survives."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path

import pytest
from rich.console import Console

from harness.errors import InfraError
from harness.events import Finished, Note, Progress, Started
from harness.report.eventlines import EventLines
from harness.report.progress import Live, LogFile
from harness.report.publisher import Reports

XTERM = {"TERM": "xterm"}
"""instead of what the tests happen to run under (NO_COLOR, COLUMNS, a dumb terminal)"""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_lines_and_their_pace() -> None:
    clock = Clock()
    lines = EventLines(clock)
    assert lines.line(Started("b", "Build base", 200)) == "Build base: started"
    clock.now += 14
    assert lines.line(Progress("b", 50, 200, "mm/memcontrol.o")) == ""
    clock.now += 1
    assert lines.line(Progress("b", 100, 200, "mm/memcontrol.o")) == "Build base: 50%, mm/memcontrol.o"
    assert lines.line(Progress("other", 1)) == "other", "each task has a pace of its own"
    clock.now += 14
    assert lines.line(Progress("b", 150, 200)) == ""
    assert lines.line(Finished("b", "Build base", "cached", 61)) == "Build base: cached in 1 min 01 s"
    assert lines.line(Note("KVM\nhangs", warning=True)) == "warning: KVM hangs"


def test_progress_past_its_total_or_without_one() -> None:
    lines = EventLines(Clock())
    assert lines.line(Progress("a", 30, 20)) == "a: 100%"
    assert lines.line(Progress("b", 30, None, "reading")) == "b, reading"
    assert lines.line(Progress("c", 30, 0)) == "c"


def drive(live: Live) -> None:
    with live:
        live(Started("b", "Build [red]base", 200))
        live(Progress("b", 100, 200, "mm/[/red]"))
        live(Note("watch\x1b[31m out", warning=True))
        live(Progress("unknown", 1))
        live(Finished("b", "Build [red]base", "done", 2.0))
        live(Started("left", "Left running"))


@pytest.mark.parametrize(("terminal", "environ"), [(False, {}), (True, {"CI": "true"})])
def test_plain_lines_without_a_terminal_and_in_ci(terminal: bool, environ: dict[str, str]) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80, color_system=None, _environ=XTERM)
    drive(Live(console, environ, Clock()))
    assert stream.getvalue().splitlines() == [
        "Build [red]base: started",
        "warning: watch out",
        "unknown",
        "Build [red]base: done in 2.0 s",
        "Left running: started",
    ]


def test_bars_on_a_terminal_give_it_back() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, color_system=None, _environ=XTERM)
    drive(Live(console, {}, Clock()))
    text = stream.getvalue()
    assert "Build [red]base: done in 2.0 s" in text
    assert "⠋ Build [red]base " in text, "the bar's title is no markup either"
    assert "warning: watch out" in text
    assert ": started" not in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"


def test_an_interrupt_gives_the_terminal_back() -> None:
    stream = io.StringIO()
    live = Live(Console(file=stream, force_terminal=True, width=80, _environ=XTERM), {}, Clock())
    with pytest.raises(KeyboardInterrupt), live:
        live(Started("b", "Build", 200))
        raise KeyboardInterrupt
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_threads_do_not_tear_lines(tmp_path: Path) -> None:
    stream = io.StringIO()
    reports = Reports(Live(Console(file=stream, width=80, _environ=XTERM), {}))
    directory = tmp_path / "run"
    directory.mkdir()
    reports.begin(directory)
    listener = reports.listen

    def work(name: str) -> None:
        for _ in range(50):
            listener(Started(name, f"Boot {name}"))
            listener(Finished(name, f"Boot {name}", "done", 1.0))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("v1", "v2", "v3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = re.compile(r"Boot v[123]: (started|done in 1\.0 s)")
    assert len(stream.getvalue().splitlines()) == 300
    assert all(whole.fullmatch(row) for row in stream.getvalue().splitlines())
    logged = (directory / "harness.log").read_text().splitlines()
    assert len(logged) == 300
    assert all(whole.fullmatch(row.split(" ", 1)[1]) for row in logged)


def test_log_lines_have_their_time_and_are_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "harness.log"
    log = LogFile(path)
    log(Note("first"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d first\n", path.read_text())
    log(Progress("b", 1, 2))
    log(Progress("b", 2, 2))
    assert len(path.read_text().splitlines()) == 2


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match=r"harness\.log: cannot be written"):
        LogFile(tmp_path / "gone" / "harness.log")(Note("x"))
