# SPDX-License-Identifier: GPL-2.0-only
"""The whole road on a tree of 2008 that the user brings: HARNESS_OLD_TREE, 2.6.26 to 2.6.28."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.paths import CONFIGS

OLD = os.environ.get("HARNESS_OLD_TREE", "")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not OLD, reason="HARNESS_OLD_TREE is unset: no tree of 2.6.26 to 2.6.28 to build"),
]
PLAN = CONFIGS / "mmotm-2.6.27.yaml"
MEMCONTROL = "mm/memcontrol.c"
LATER = {"hierarchy", "thp", "reclaim", "high", "stock", "kmem"}
"""workloads of what came later"""


def _run(harness: Callable[..., Any], tmp_path: Path, *words: str | Path, plan: Path = PLAN) -> Any:
    answer = harness(
        "run", plan, "--tree", OLD, "--kconfig", "plain", "--seconds", "4",
        "--results", tmp_path / "results", "--json", *words, timeout=2400,
    )  # fmt: skip
    assert answer.exit in (0, 1), answer.stderr
    return answer.json


def _patch(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """A patch of one file that adds *new* behind *old*, made against the tree at hand."""
    before = (Path(OLD) / MEMCONTROL).read_text(encoding="latin-1")
    assert before.count(old) == 1
    diff = difflib.unified_diff(
        before.splitlines(keepends=True),
        before.replace(old, old + new).splitlines(keepends=True),
        f"a/{MEMCONTROL}",
        f"b/{MEMCONTROL}",
    )
    path = tmp_path / f"{name}.patch"
    path.write_text("".join(diff), encoding="latin-1")
    return path


def test_the_controller_of_2008_passes_every_workload(harness: Callable[..., Any], tmp_path: Path) -> None:
    answer = _run(harness, tmp_path)
    (cell,) = answer["cells"]
    verdicts = {case["name"]: case["verdict"] for case in cell["cases"]}
    assert {name for name, verdict in verdicts.items() if verdict == "skip"} == LATER
    assert {verdict for name, verdict in verdicts.items() if name not in LATER} == {"pass"}
    assert {"boot", "anon", "lifecycle", "oom", "swapoff", "force-empty"} <= set(verdicts)
    assert cell["iface"] == "v1"
    assert len({edit["file"] for edit in answer["edits"]}) >= 6
    directory = (tmp_path / "results" / "latest").resolve()
    assert "Kbuild.include" in (directory / "junit.xml").read_text()
    run = json.loads((directory / "run.json").read_text())
    checks = {check["name"] for case in run["cells"][0]["cases"] for check in case["checks"]}
    assert {
        "parts-at-rest",
        "statistics-at-rest",
        "paged-in-at-rest",
        "usage-at-rest",
        "rmdir-in-time",
    } <= checks


def test_a_vm_bug_on_names_its_condition_and_its_patch(harness: Callable[..., Any], tmp_path: Path) -> None:
    """VM_BUG_ON is BUG_ON there: the console gives file and line, the source at hand the rest."""
    head = "void mem_cgroup_uncharge_cache_page(struct page *page)\n{\n"
    series = _patch(tmp_path, "bug", head, "\tVM_BUG_ON(PageUptodate(page));\n")
    answer = _run(harness, tmp_path, "--series", series)
    verdicts = {cell["kernel"]: {c["name"]: c["verdict"] for c in cell["cases"]} for cell in answer["cells"]}
    assert set(verdicts["base"].values()) == {"pass"}
    assert verdicts["patched"]["boot"] == "fail"  # mounting the scratch disk drops page cache already
    report = next(one for one in answer["reports"] if one["kind"] == "bug")
    assert report["title"] == "kernel BUG in mem_cgroup_uncharge_cache_page"
    assert report["file"] == MEMCONTROL
    assert report["condition"] == "VM_BUG_ON(PageUptodate(page))"
    assert report["patches"] == [1]


def test_a_leaked_charge_is_drift_and_no_word_on_the_console(
    harness: Callable[..., Any], tmp_path: Path
) -> None:
    """One charge in 64 is never given back. The counters tell; force_empty spins on it, told too."""
    uncharge = "\tmem = pc->mem_cgroup;\n\tres_counter_uncharge(&mem->res, PAGE_SIZE);\n"
    leak = "\tif (!(page_to_pfn(page) & 63))\n\t\tres_counter_charge(&mem->res, PAGE_SIZE);\n"
    series = _patch(tmp_path, "leak", uncharge, leak)
    plan = tmp_path / "plan.yaml"
    plan.write_text('{"name": "leak", "ifaces": ["v1"], "workloads": ["anon"]}')
    answer = _run(harness, tmp_path, "--series", series, plan=plan)
    assert answer["verdict"] == "fail"
    assert "parts-at-rest" in {one["check"]["name"] for one in answer["drift"]}
    assert {one["cell"] for one in answer["drift"]} == {"patched-v1"}
    assert {report["kind"] for report in answer["reports"]} <= {"stall", "hang"}


def test_v2_is_skipped_where_there_is_none(harness: Callable[..., Any], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text('{"name": "both", "ifaces": ["v1", "v2"], "workloads": ["anon"], "seconds": 2}')
    answer = harness("run", plan, "--tree", OLD, "--results", tmp_path / "results", "--json", timeout=2400)
    assert answer.exit == 0, answer.stderr
    cells = {cell["iface"]: cell for cell in answer.json["cells"]}
    assert cells["v1"]["verdict"] == "pass"
    assert cells["v2"]["verdict"] == "skip"
    assert "no cgroup v2: it came with 4.5" in cells["v2"]["cases"][0]["reason"]
