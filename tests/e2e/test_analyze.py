# SPDX-License-Identifier: GPL-2.0-only
"""Analysis on the distribution's own tree: quiet on good changes, loud on planted ones."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.deadline import Deadline
from harness.events import silent
from harness.paths import CONFIGS, PROJECT, cache
from harness.tree.peek import Peek, peek
from harness.workloads.catalogue import every

pytestmark = pytest.mark.e2e
FILE = "mm/memcontrol.c"


@pytest.fixture(scope="module")
def text() -> str:
    """mm/memcontrol.c of the distribution's tree; the tree is let go, for the command needs it."""
    with peek("debian", cache=cache(), listener=silent, deadline=Deadline.after(600)) as tree:
        return _read(tree)


def _read(tree: Peek) -> str:
    data = tree.read(FILE)
    assert data is not None
    return data.decode()


def patch(tmp_path: Path, before: str, after: str) -> Path:
    assert before != after
    sides = (before.splitlines(keepends=True), after.splitlines(keepends=True))
    path = tmp_path / "change.patch"
    path.write_text("".join(difflib.unified_diff(*sides, f"a/{FILE}", f"b/{FILE}")))
    return path


def errors(answer: Any) -> list[tuple[str, str]]:
    found = answer.json["findings"]
    return [(one["rule"], one["function"]) for one in found if one["severity"] == "error"]


def test_the_shipped_series_have_no_error_and_reach_most_workloads(harness: Callable[..., Any]) -> None:
    answer = harness("analyze", PROJECT / "patches/charge-checks", "--json")
    assert (answer.exit, errors(answer)) == (0, [])
    names = {row["name"] for row in answer.json["workloads"]}
    known = {row.name for row in every(CONFIGS / "workloads.yaml")}
    assert {
        "mixed",
        "anon",
        "file",
        "shm",
        "swap",
        "oom",
        "limits",
        "hierarchy",
        "lifecycle",
        "kmem",
    } <= names
    assert names <= known
    assert len(names) > len(known) // 2
    assert len(answer.json["assertions"]["added"]) > 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("memcg", "the_group"),
        ("\tlocal_irq_save(flags);\n", "\tlocal_irq_save(flags);\n\tbarrier();\n"),
        ("\treturn ret;\n", "\tif (ret)\n\t\treturn ret;\n\treturn 0;\n"),
        ("nr_pages", "pages"),
        ("\trcu_read_lock();\n", "\t/* readers only */\n\trcu_read_lock();\n"),
    ],
)
def test_changes_that_break_nothing_give_no_error(
    harness: Callable[..., Any], text: str, tmp_path: Path, old: str, new: str
) -> None:
    answer = harness("analyze", patch(tmp_path, text, text.replace(old, new)), "--json")
    assert errors(answer) == []


def test_a_lock_that_one_path_keeps_is_found(harness: Callable[..., Any], text: str, tmp_path: Path) -> None:
    start = text.index("struct mem_cgroup *get_mem_cgroup_from_mm(struct mm_struct *mm)\n{")
    at = text.index("\trcu_read_lock();\n", start)
    hurt = f"{text[:at]}\trcu_read_lock();\n\tif (mm->def_flags)\n\t\treturn root_mem_cgroup;\n"
    hurt += text[at + len("\trcu_read_lock();\n") :]
    answer = harness("analyze", patch(tmp_path, text, hurt), "--json", "--sarif", tmp_path / "out.sarif")
    assert answer.exit == 1
    assert errors(answer) == [("lock-imbalance", "get_mem_cgroup_from_mm")]
    assert '"ruleId": "lock-imbalance"' in (tmp_path / "out.sarif").read_text()
