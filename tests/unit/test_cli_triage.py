# SPDX-License-Identifier: GPL-2.0-only
"""``harness triage``: exit codes, the keys of the contract, and what is printed."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from harness.cli import main

DATA = Path(__file__).parent.parent / "data" / "console"
KEYS = {"title", "kind", "function", "file", "line", "offset", "corrupted"}


def test_reports_are_exit_1_and_have_the_contracts_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["triage", "--json", str(DATA / "6.1-counter-underflow.txt")]) == 1
    note, warning = json.loads(capsys.readouterr().out)["reports"]
    assert set(warning) >= KEYS
    assert warning["title"] == "WARNING in page_counter_cancel"
    assert (warning["file"], warning["line"]) == ("mm/page_counter.c", 55)
    assert [note["cause"], warning["cause"]] == [False, True]
    assert warning["stack"][0]["function"] == "page_counter_cancel"


@pytest.mark.parametrize("name", ["6.1-clean-boot.txt", "6.1-memcg-oom.txt", "harmless-bug-words.txt"])
def test_nothing_worse_than_a_note_is_exit_0(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["triage", str(DATA / name)]) == 0
    assert "BAD" not in capsys.readouterr().out


def test_several_logs_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(DATA / "2.6.27-bug.txt"), str(DATA / "6.1-clean-boot.txt")]
    assert main(["triage", *names]) == 1
    printed = capsys.readouterr().out
    assert printed.index(names[0]) < printed.index("FATAL  kernel BUG in mem_cgroup_charge_common")
    assert printed.index(names[1]) < printed.index("no kernel report")


def test_a_dash_is_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stdin = io.TextIOWrapper(io.BytesIO((DATA / "2.6.27-bug.txt").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["triage", "-", "--json"]) == 1
    assert [report["log"] for report in json.loads(capsys.readouterr().out)["reports"]] == ["-"]


def test_what_cannot_be_read_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["triage", str(tmp_path / "none")]) == 2
    assert main(["triage", str(tmp_path)]) == 2
    log = tmp_path / "log"
    log.write_text("x\n")
    assert main(["triage", str(log), "--vmlinux", str(log)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "Is a directory" in lines[1]
    assert "not an ELF file" in lines[2]


def test_kernel_text_is_printed_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    log.write_text("Kernel panic - not syncing: [bold]\x1b[31mred\x1b[0m[/bold] \u202e\n")
    assert main(["triage", str(log)]) == 1
    printed = capsys.readouterr().out
    assert "kernel panic: [bold]red[/bold]" in printed
    assert "\x1b" not in printed
