# SPDX-License-Identifier: GPL-2.0-only
"""The page on the terminal: what it says, without colour too, and that nobody else can style it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.pipeline.model import Run
from harness.report.terminal import render
from harness.verdict import Verdict
from tests.unit.report_sample import BUG, case, cell, green, hostile, red, run, unfinished

XTERM = {"TERM": "xterm"}
"""instead of what the tests happen to run under (NO_COLOR, COLUMNS, a dumb terminal)"""
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def page(value: Run, width: int = 100, **options: bool) -> str:
    stream = io.StringIO()
    render(value, Path("/r/run"), Console(file=stream, width=width, _environ=XTERM, **options))  # type: ignore[arg-type]
    return stream.getvalue()


def rows(text: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in map(str.split, text.splitlines()) if words}


def test_base_and_patched_side_by_side() -> None:
    text = page(red(), 80)
    found = rows(text)
    assert found["case"] == ["base-v1", "patched-v1", "base-v2", "patched-v2"]
    assert found["anon"] == ["pass", "FAIL", "pass", "pass"]
    assert found["file"] == ["FAIL", "FAIL", "-", "INFRA"]
    assert found["shmem"] == ["skip", "BROKEN", "-", "-"]
    assert found["all"] == ["FAIL", "FAIL", "pass", "INFRA"]


def test_skips_of_one_reason_are_one_row() -> None:
    late = [case(name=name, verdict=Verdict.SKIP, reason="left out") for name in ("lru", "cow")]
    other = case(name="high", verdict=Verdict.SKIP, reason="for cgroup v2 only")
    cells = (cell("base-v1", (*late, other)), cell("patched-v1", tuple(late)))
    text = page(replace(green(), cells=cells))
    assert text.count("left out") == 1
    assert "skip  in 2 cells    lru, cow: left out" in text
    assert "skip  base-v1 high  for cgroup v2 only" in text


def test_a_stack_is_shown_once_it_has_places() -> None:
    text = page(red())
    for said in (
        "try_charge mm/memcontrol.c:264 [inlined]",
        "mem_cgroup_charge+0x1f/0x90 mm/memcontrol.c:301",
        "do_anonymous_page+0x10/0x200",
    ):
        assert said in text
    twice = replace(red(), reports=(BUG, BUG))
    assert page(twice).count("[inlined]") == 1
    bare = replace(red(), reports=(replace(BUG, stack=BUG.stack[2:]),))
    assert "Stacks" not in page(bare)


def test_everything_that_did_not_pass_has_its_reason() -> None:
    text = page(red(), 80)
    for said in (
        "FAIL  patched-v1 anon fails where the base passes",
        "patched-v1 file   usage stays 2 MiB above 0; the base fails here too",
        "BROKEN  patched-v1 shmem  worker 1 ended with exit code 127",
        "base-v1 shmem     the kernel has no tmpfs",
        "first bad patch: 2/3 memcg: charge twice",
        "OVER  usage-at-rest  patched-v1 anon  2,097,152         0    524,288  bytes",
        "kept  stat-sums",
        "tolerance of usage-at-rest: 2 CPUs x 64 pages of stock x 4096",
        "kernel BUG in mem_cgroup_charge  patched-v1 anon  mm/memcontrol.c:264",
        "cached (took 3 min 21 s to build)",
        "built in 42.3 s, 1 new compiler warning",
        "mm/memcontrol.c: unused variable 'x' -Wunused",
        "2 min 41 s",
        "/r/run",
    ):
        assert said in text


def test_a_green_page_has_nothing_to_explain() -> None:
    text = page(green())
    assert "\npass  all cases pass" in text
    for title in ("Not passed", "Drift", "Console reports"):
        assert title not in text
    assert "Checks, each where it came closest" in text
    assert "OVER" not in text


def test_cut_off() -> None:
    text = page(unfinished())
    assert "CUT OFF" in text
    assert rows(text)["anon"] == ["pass"]
    assert "CUT OFF" not in page(green())


def test_nothing_run_and_a_guest_that_never_came_up() -> None:
    panicked = run((cell("patched-v1", (), Verdict.FAIL),), Verdict.FAIL)
    assert "Nothing was run." in page(run((), Verdict.INFRA, "no QEMU"))
    assert "FAIL  patched-v1  no case ran here" in page(panicked)


@pytest.mark.parametrize("value", [red(), hostile()], ids=["red", "hostile"])
@pytest.mark.parametrize(
    ("width", "terminal", "most"), [(80, False, 80), (300, False, 100), (300, True, 120)]
)
def test_no_line_is_too_wide(value: Run, width: int, terminal: bool, most: int) -> None:
    text = ESCAPE.sub("", page(value, width, force_terminal=terminal))
    assert max(map(len, text.splitlines())) <= most


def test_many_cells_are_broken_into_tables() -> None:
    cells = tuple(cell(f"patched-v{number}", (case("anon"),)) for number in range(20))
    text = page(run(cells), 80)
    for number in range(20):
        assert f"patched-v{number}" in text
    assert max(map(len, text.splitlines())) <= 80


def test_colour_repeats_words_and_can_be_left_out() -> None:
    plain = page(red())
    assert "\x1b" not in plain
    assert "\x1b[1;31mFAIL" in page(red(), force_terminal=True)
    assert "31m" not in page(red(), force_terminal=True, no_color=True)
    assert ESCAPE.sub("", page(red(), force_terminal=True)) == plain


def test_markup_and_escapes_of_others_are_shown_not_obeyed() -> None:
    text = page(hostile(), 100)
    assert "[bold]markup[/bold]" in text
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
