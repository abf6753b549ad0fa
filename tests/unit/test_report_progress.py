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
from harness.events import Ahead, Finished, Note, Progress, Started, Work
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
        "[0:00] warning: watch out",
        "[0:00] Build [red]base: done in 2.0 s",
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


def _live(clock: Clock, *, terminal: bool = False, quiet: bool = False) -> tuple[Live, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120, color_system=None, _environ=XTERM)
    return Live(console, {}, clock, quiet=quiet), stream


def test_a_ci_log_has_a_line_a_stage_and_a_cell_with_the_time_since_the_beginning() -> None:
    clock = Clock()
    live, stream = _live(clock)
    kernel, cells = Work("kernel-base", 100.0), (Work("base-v1", 40.0), Work("patched-v1", 40.0))
    live(Started("run", "run default"))
    live(Ahead("run", "tree", 1, 7, (Work("?"),)))
    clock.now += 4
    live(Ahead("run", "build", 4, 7, (kernel,), cells, 2))
    live(Started("kernel-base", "base kernel"))
    live(Ahead("run", "build", 4, 7, (kernel,), cells, 2))
    clock.now += 3700
    live(Finished("kernel-base", "base kernel", "built", 61))
    live(Ahead("run", "cells", 5, 7, (), cells, 1))
    live(Ahead("nobody", "cells", 5, 7))
    assert stream.getvalue().splitlines() == [
        "[0:00] run default: tree (1 of 7)",
        "[0:04] run default: build (4 of 7), about 2 min left",
        "[1:01:44] base kernel: built in 1 min 01 s",
        "[1:01:44] run default: cells (5 of 7), about 80 s left",
    ]


def test_a_silent_job_gives_a_sign_of_life_once_a_minute() -> None:
    clock = Clock()
    live, stream = _live(clock)
    live.beat()
    live(Started("run", "run default"))
    live(Ahead("run", "build", 4, 7, (Work("k", 300.0),)))
    live(Started("k", "base kernel"))
    live(Progress("k", 300, 600, "mm/\x1b[31mmemcontrol.o"))
    for _second in range(125):
        clock.now += 1
        live.beat()
    said = stream.getvalue().splitlines()[1:]
    assert said == [
        "[1:00] run default: build (4 of 7); base kernel: 50% mm/memcontrol.o, about 2 min left",
        "[2:00] run default: build (4 of 7); base kernel: 50% mm/memcontrol.o, about 2 min left",
    ]


def test_a_heartbeat_names_three_tasks_and_counts_the_others() -> None:
    clock = Clock()
    live, stream = _live(clock)
    for name in "abcde":
        live(Started(name, f"cell {name}"))
    clock.now += 61
    live.beat()
    assert stream.getvalue() == "[1:01] cell a; cell b; cell c; and 2 more\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_has_nothing_but_warnings(terminal: bool) -> None:
    clock = Clock()
    live, stream = _live(clock, terminal=terminal, quiet=True)
    drive(live)
    clock.now += 61
    live.beat()
    assert stream.getvalue() == "[0:00] warning: watch out\n"


def test_the_bar_of_a_task_with_stages_is_of_time() -> None:
    clock = Clock()
    live, stream = _live(clock, terminal=True)
    with live:
        live(Started("run", "run with a name that is longer than the bar has room for"))
        live(Ahead("run", "cells", 5, 7, (), (Work("a", 90.0),)))
        clock.now += 30
        live(Started("a", "base-v1"))
        live.beat()
        assert live._bars is not None
        (bar, *_others) = live._bars.tasks
        assert bar.description.startswith("cells (5 of 7) run with")
        assert len(bar.description) <= 44
        assert (bar.fields["left"], bar.total) == ("about 90 s left", 1.0)
        assert bar.completed == pytest.approx(0.25)
    assert "\x1b[?25h" in stream.getvalue()


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
    said = stream.getvalue().splitlines()
    assert len(said) == 150
    assert all(whole.fullmatch(row.removeprefix("[0:00] ")) for row in said)
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
