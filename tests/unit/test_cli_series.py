# SPDX-License-Identifier: GPL-2.0-only
"""The commands that need no kernel: what they answer, what they write, and that they write nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main

ONE = """\
From: A Developer <a@example.org>
Date: Wed, 20 Aug 2008 19:04:45 +0900
Subject: [PATCH 1/2] mm: count failures of a second kind
Message-ID: <1@example.org>

A second counter.
---
--- a/mm/memcontrol.c
+++ b/mm/memcontrol.c
@@ -3,12 +3,14 @@

 static int try_charge(struct mem_cgroup *memcg, long nr_pages)
 {
 \tif (memcg->usage + nr_pages > memcg->limit) {
 \t\tmemcg->failcnt++;
-\t\treturn -1;
+\t\tmemcg->seconds++;
+\t\treturn -12;
 \t}
 \tmemcg->usage += nr_pages;
+\tVM_BUG_ON(memcg->usage < 0);
 \treturn 0;
 }

 int mem_cgroup_charge(struct mem_cgroup *memcg, long nr_pages)
"""
TWO = """\
From: A Developer <a@example.org>
Date: Wed, 20 Aug 2008 19:05:45 +0900
Subject: [PATCH 2/2] mm: uncharge says what is left
Message-ID: <2@example.org>

And another.
---
--- a/mm/memcontrol.c
+++ b/mm/memcontrol.c
@@ -21,4 +21,5 @@ int mem_cgroup_charge(struct mem_cgroup *memcg, long nr_pages)
 void mem_cgroup_uncharge(struct mem_cgroup *memcg, long nr_pages)
 {
 \tmemcg->usage -= nr_pages;
+\tVM_BUG_ON(memcg->usage < 0);
 }
"""


@pytest.fixture
def series(tmp_path: Path) -> Path:
    path = tmp_path / "two.mbox"
    start = "From a@example.org Wed Aug 20 19:04:45 2008\n"
    path.write_text(f"{start}{ONE}\n{start}{TWO}\n")
    return path


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The first patch as a web archive shows it: context without marker, blanks run together."""
    _head, _, diff = ONE.partition("---\n--- a/")
    lines = []
    for text in f"--- a/{diff}".splitlines():
        line = re.sub(r"[ \t]+", " ", text)
        lines.append(line.strip() if line.startswith(" ") else line.rstrip())
    path = tmp_path / "archive.txt"
    title = "[PATCH 1/2] mm: count failures of a second kind\n\nFrom: A Developer\nDate: Wed Aug 20 2008\n\n"
    path.write_text(f"{title}A second counter.\n\n---\n" + "\n".join(lines) + "\n")
    return path


def manifest(root: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in root.rglob("*") if path.is_file() and ".memcg-harness" not in path.parts)
    return {str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def answered(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> dict[str, Any]:
    assert main([*map(str, words), "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_show_has_the_keys_of_the_contract(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, 0, "series", "show", series)
    assert {"name", "version", "patches", "missing"} <= found.keys()
    first = found["patches"][0]
    assert {"number", "total", "subject", "author", "message_id", "damaged", "files"} <= first.keys()
    assert first["files"][0]["path"] == "mm/memcontrol.c"
    assert (first["files"][0]["added"], first["files"][0]["removed"]) == (3, 1)
    assert not first["damaged"]


def test_apply_reports_and_writes_nothing(
    series: Path, toy_source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = manifest(toy_source)
    found = answered(capsys, 0, "apply", series, "--tree", toy_source)
    assert found["applied"] is True
    assert [patch["status"] for patch in found["patches"]] == ["applied", "applied"]
    hunk = found["patches"][0]["hunks"][0]
    assert {"file", "status", "offset", "fuzz", "reason"} <= hunk.keys()
    assert manifest(toy_source) == before


def test_prefixes_go_on_and_off_in_a_copy_and_times_stay(
    series: Path, toy_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = manifest(toy_source)
    out = tmp_path / "patched"
    words = ("apply", series, "--tree", toy_source, "--output", out)
    assert answered(capsys, 0, *words)["output"]["changed"] == ["mm/memcontrol.c"]
    assert b"VM_BUG_ON" in (out / "mm/memcontrol.c").read_bytes()
    whole = manifest(out)
    assert answered(capsys, 0, *words)["output"]["changed"] == []
    assert manifest(out) == whole
    assert answered(capsys, 0, *words, "--upto", 0)["output"]["changed"] == ["mm/memcontrol.c"]
    assert (out / "mm/memcontrol.c").read_bytes() == before["mm/memcontrol.c"][1]
    assert (out / "mm/swap.c").stat().st_mtime_ns == whole["mm/swap.c"][0]
    assert manifest(toy_source) == before


def test_a_series_that_does_not_go_on_writes_no_copy(
    series: Path, toy_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    series.write_text(series.read_text().replace("memcg->usage -= nr_pages", "memcg->usage -= 2"))
    out = tmp_path / "patched"
    found = answered(capsys, 1, "apply", series, "--tree", toy_source, "--output", out)
    assert found["applied"] is False
    assert [patch["status"] for patch in found["patches"]] != ["applied", "applied"]
    assert not out.exists()


def test_upto_out_of_range_is_one_line(
    series: Path, toy_source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", str(series), "--tree", str(toy_source), "--upto", "3"]) == 2
    assert "--upto 3: the series has 2 patches" in capsys.readouterr().err


def test_a_damaged_patch_is_shown_repaired_and_applied(
    damaged: Path, toy_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answered(capsys, 0, "series", "show", damaged)["patches"][0]["damaged"] is True
    out = tmp_path / "out.mbox"
    found = answered(capsys, 0, "series", "repair", damaged, "--tree", toy_source, "-o", out)
    assert {"status", "lines_recovered", "lines_guessed"} <= found["patches"][0].keys()
    again = answered(capsys, 0, "series", "show", out)["patches"][0]
    assert (again["damaged"], again["subject"]) == (False, "mm: count failures of a second kind")
    assert "+\t\tmemcg->seconds++;\n" in out.read_text()
    applied = answered(capsys, 0, "apply", damaged, "--tree", toy_source)
    assert {hunk["status"] for hunk in applied["patches"][0]["hunks"]} == {"repaired"}
    subprocess.run(["git", "init", "-q"], cwd=toy_source, check=True)
    subprocess.run(["git", "apply", "--check", str(out)], cwd=toy_source, check=True)


def test_a_repair_against_the_wrong_tree_is_refused_and_writes_nothing(
    damaged: Path, toy_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy_source / "mm/memcontrol.c").write_text("int nothing_like_it;\n" * 30)
    out = tmp_path / "quilt"
    found = answered(capsys, 1, "series", "repair", damaged, "--tree", toy_source, "-o", out)
    assert found["patches"][0]["status"] == "refused"
    assert found["patches"][0]["reason"]
    assert not out.exists()


def test_analysis_of_what_cannot_be_repaired_is_one_line(
    damaged: Path, toy_source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy_source / "mm/memcontrol.c").write_text("int nothing_like_it;\n" * 30)
    assert main(["analyze", str(damaged), "--tree", str(toy_source)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "give the tree that it was made for" in said.err
    assert "Traceback" not in said.err


def test_analyze_has_the_keys_of_the_contract(
    series: Path, toy_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = manifest(toy_source)
    out = tmp_path / "out.sarif"
    found = answered(capsys, 0, "analyze", series, "--tree", toy_source, "--sarif", out)
    assert {"findings", "functions", "assertions", "workloads"} <= found.keys()
    assert {one["name"] for one in found["functions"]} == {"try_charge", "mem_cgroup_uncharge"}
    assert [one["kind"] for one in found["assertions"]["added"]] == ["VM_BUG_ON", "VM_BUG_ON"]
    assert json.loads(out.read_text())["version"] == "2.1.0"
    assert manifest(toy_source) == before


def test_repair_does_not_write_over_a_directory(
    series: Path, toy_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("mine")
    words = ["series", "repair", str(series), "--tree", str(toy_source), "-o", str(tmp_path / "mine")]
    assert main(words) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "mine/file").read_text() == "mine"


def test_base_finds_the_commit(series: Path, toy_source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", *identity, *words], cwd=toy_source, check=True, capture_output=True)

    file = toy_source / "mm/memcontrol.c"
    right = file.read_text()
    git("init", "-q")
    for text in (right.replace("failcnt", "failures"), right, right.replace("usage", "used")):
        file.write_text(text)
        git("add", "-A", "-f")
        git("commit", "-qm", "a state")
    found = answered(capsys, 0, "base", series, "--git", toy_source)["candidates"]
    assert {"commit", "describe", "applied", "clean", "fuzzy", "rejected"} <= found[0].keys()
    head = subprocess.run(
        ["git", "rev-parse", "HEAD~1"], cwd=toy_source, check=True, capture_output=True, text=True
    )
    assert (found[0]["commit"], found[0]["applied"]) == (head.stdout.strip(), True)


@pytest.mark.parametrize(
    "words",
    [
        ["series", "show", "nowhere.mbox"],
        ["series", "repair", "nowhere.mbox", "-o", "x.mbox"],
        ["apply", "nowhere.mbox"],
        ["base", "nowhere.mbox", "--git", "."],
        ["series", "show", "nowhere@A..B"],
    ],
)
def test_a_series_that_is_not_there_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert sum(line.startswith("harness: ") for line in said.err.splitlines()) == 1


@pytest.mark.parametrize("path", ["mm", "mm/memcontrol.c/x.c"])
def test_new_file_where_there_is_no_room_does_not_apply(
    tmp_path: Path, toy_source: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = tmp_path / "new.diff"
    patch.write_text(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
    assert main(["apply", str(patch), "--tree", str(toy_source)]) == 2
    assert "in this tree; " in capsys.readouterr().err


def test_sarif_replaces_no_link_or_directory_and_is_refused_before_the_work(
    tmp_path: Path, toy_source: Path, series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    for place, word in (
        (link, "no regular file"),
        (tmp_path, "no regular file"),
        (link / "x", "make it first"),
    ):
        assert main(["analyze", str(series), "--tree", str(toy_source), "--sarif", str(place)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert word in line
    assert link.is_symlink()
