# SPDX-License-Identifier: GPL-2.0-only
"""An analysis on the terminal and as JSON."""

from __future__ import annotations

import io
import json
import re

import msgspec
import pytest
from rich.console import Console

from harness.analysis.model import Analysis
from harness.report.analysis import analysis_answer, render_analysis
from tests.unit.analysis_sample import FILE, UNBALANCED, UNSIGNED, analysis, hostile_analysis, series

XTERM = {"TERM": "xterm"}
"""instead of what the tests happen to run under (NO_COLOR, COLUMNS, a dumb terminal)"""
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def page(value: Analysis, width: int = 100, **options: bool) -> str:
    stream = io.StringIO()
    render_analysis(value, series(), Console(file=stream, width=width, _environ=XTERM, **options))  # type: ignore[arg-type]
    return stream.getvalue()


def test_findings_come_first_by_patch() -> None:
    text = page(analysis())
    at = [
        text.index(part)
        for part in (
            "1 error  1 warning  1 note",
            "Patch 1/2 memcg: flags",
            "note  the patch as a whole  Missing Signed-off-by: line(s)  (checkpatch)",
            "Patch 2/2 memcg: lockless page_cgroup",
            f"ERROR  unbalanced-section  {FILE}:120  in mem_cgroup_cache_charge  (harness, sparse)",
            "returns with rcu_read_lock() held",
            "warning  plain-integer-pointer",
            "Functions",
        )
    ]
    assert at == sorted(at)


def test_a_finding_shows_its_line_and_the_way_there() -> None:
    rows = [row.strip() for row in page(analysis()).splitlines()]
    assert ">   120         return 0;" in rows
    assert "117         pc = get(page);" in rows
    assert "123     rcu_read_unlock();" in rows
    assert rows.index("116  rcu_read_lock() is taken here") < rows.index("119  pc is not NULL")
    assert ">     2 page->pc = 0;" in rows, "near the top the surroundings begin at line 1"


def test_a_rule_is_explained_once_and_a_note_takes_one_line() -> None:
    note = msgspec.structs.replace(UNSIGNED, message="long " * 100)
    text = page(Analysis(findings=(UNBALANCED, UNBALANCED, note)))
    assert text.count(UNBALANCED.why) == 1
    (row,) = (row for row in text.splitlines() if "long" in row)
    assert row.rstrip().endswith("\u2026")


def test_what_the_series_does_is_in_tables() -> None:
    rows = [
        " ".join(row.split()) for row in page(analysis(), 120, force_terminal=True, no_color=True).split("\n")
    ]
    for row in (
        f"2 changed mem_cgroup_cache_charge {FILE}:100",
        "CONFIG_CGROUP_MEM_RES_CTLR",
        f"1 changed struct page_cgroup {FILE}:30 +flags -ref_cnt ~lru",
        f"1 added VM_BUG_ON(!pc) f {FILE}:40",
        f"2 removed BUG_ON(page->flags) g {FILE}:50",
        f"2 moved rcu_read_lock() g -> f {FILE}:60",
        "shm mem_cgroup_cache_charge ← new tmpfs page",
        "mem_cgroup_destroy",
        f"{FILE}:700",
        "sparse: not used: not installed",
    ):
        assert row in [ESCAPE.sub("", one) for one in rows]


def test_nothing_found() -> None:
    text = page(Analysis())
    assert "0 errors  0 warnings  0 notes  in lockless, 2 patches" in text
    assert len(text.splitlines()) == 2


def test_long_lists_are_cut_and_counted_graver_ones_last() -> None:
    value = Analysis(findings=(UNSIGNED,) * 30 + (UNBALANCED,) * 60)
    text = page(value)
    assert text.count("ERROR") == 50
    assert text.count("Missing Signed-off-by") == 10
    assert "and 10 errors, 20 notes more; --json has all" in text


@pytest.mark.parametrize(
    ("width", "terminal", "most"), [(80, False, 80), (300, False, 100), (300, True, 120)]
)
def test_no_line_is_too_wide_and_nothing_is_obeyed(width: int, terminal: bool, most: int) -> None:
    text = ESCAPE.sub("", page(hostile_analysis(), width, force_terminal=terminal))
    assert max(map(len, text.splitlines())) <= most
    assert len(text) < 1_000_000
    assert "[bold]markup[/bold]" in text
    for code in ("\x1b", "\x00", "\u202e"):
        assert code not in text


def test_colour_repeats_words_and_can_be_left_out() -> None:
    assert "\x1b" not in page(analysis())
    assert ESCAPE.sub("", page(analysis(), force_terminal=True)) == page(analysis())


def test_the_answer_keeps_the_contract() -> None:
    answer = analysis_answer(analysis())
    found = answer["findings"][1]
    assert {
        name: found[name] for name in ("rule", "severity", "patch", "file", "line", "function", "message")
    } == {
        "rule": "unbalanced-section",
        "severity": "error",
        "patch": 2,
        "file": FILE,
        "line": 120,
        "function": "mem_cgroup_cache_charge",
        "message": "returns with rcu_read_lock() held",
    }
    assert found["tools"] == ["harness", "sparse"]
    assert answer["functions"][0]["name"] == "mem_cgroup_cache_charge"
    assert [one["condition"] for one in answer["assertions"]["added"]] == ["!pc"]
    assert [one["condition"] for one in answer["assertions"]["removed"]] == ["page->flags"]
    assert "assertions_added" not in answer
    assert answer["workloads"][0]["name"] == "shm"
    assert answer["workloads"][0]["because"] == "mem_cgroup_cache_charge ← new tmpfs page"


def test_the_answer_is_json_in_utf8() -> None:
    value = msgspec.structs.replace(hostile_analysis(), findings=hostile_analysis().findings[:1])
    answer = analysis_answer(value)
    assert json.loads(json.dumps(answer, ensure_ascii=False).encode()) == answer
