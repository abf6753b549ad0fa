# SPDX-License-Identifier: GPL-2.0-only
"""run.json, repeat.sh and the --json answer."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from harness.errors import InfraError, UserError
from harness.pipeline.model import Command, Run
from harness.report.answer import run_answer
from harness.report.commands import repeat_script, write_repeat
from harness.report.runfile import cut_off, read_run, write_run
from tests.unit.report_sample import LEAK, case, cell, green, hostile, red, run, unfinished


@pytest.mark.parametrize("value", [green(), red(), unfinished()], ids=["green", "red", "cut"])
def test_a_run_comes_back_as_it_was(tmp_path: Path, value: Run) -> None:
    path = write_run(tmp_path, value)
    assert path == tmp_path / "run.json"
    assert read_run(path) == read_run(tmp_path) == value
    assert cut_off(read_run(path)) is (not value.finished)
    assert os.listdir(tmp_path) == ["run.json"]  # noqa: PTH208 -- names, hidden ones too


def test_bytes_that_are_not_text_are_kept_as_escapes(tmp_path: Path) -> None:
    back = read_run(write_run(tmp_path, hostile()))
    assert "\\x80 \\ud800 \ufffe" in back.reason
    assert back.reason.startswith("\x1b[31m"), "run.json holds what was said; its readers make it printable"


def test_a_number_that_json_lacks_is_refused_not_written(tmp_path: Path) -> None:
    endless = msgspec.structs.replace(LEAK, tolerance=float("inf"))
    bad = run((cell("base-v1", (case("anon", checks=(endless,)),)),))
    with pytest.raises(ValueError, match=r"run\.cells\[0\]\.cases\[0\]\.checks\[0\]\.tolerance is inf"):
        write_run(tmp_path, bad)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'{"run": "x"}', b"\xff\xfe", b'{"run": "\xff"}', b"[]", b"null"]
)
def test_a_damaged_file_is_the_users_to_hear_of(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(damage)
    with pytest.raises(UserError) as caught:
        read_run(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_half_a_file_is_damaged(tmp_path: Path) -> None:
    path = write_run(tmp_path, red())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="not a run"):
        read_run(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.json: cannot be read: No such file"):
        read_run(tmp_path)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="cannot be written"):
        write_run(tmp_path / "gone", green())


def test_repeat_script_is_the_commands_in_order(tmp_path: Path) -> None:
    path = write_repeat(tmp_path, red())
    text = path.read_text()
    assert text.startswith("#!/bin/sh\n")
    first, second = (text.index(command.command) for command in red().commands)
    assert first < second
    assert "# 2. Boot patched-v1\nqemu-system-x86_64" in text
    assert os.access(path, os.X_OK)
    subprocess.run(["sh", "-n", path], check=True)


def test_a_step_cannot_leave_its_comment() -> None:
    text = repeat_script(
        run((), plan="p\nrm -rf /", commands=(Command(step="one\r\nrm -rf /", command="true"),))
    )
    assert [row for row in text.splitlines() if row and not row.startswith("#")] == ["set -e", "true"]


def test_a_path_that_is_not_utf8_goes_out_as_it_was(tmp_path: Path) -> None:
    value = run((), commands=(Command(step="look", command="ls '/t/\udce9'"),))
    assert b"ls '/t/\xe9'\n" in write_repeat(tmp_path, value).read_bytes()


def test_answer_keeps_the_contract() -> None:
    answer = run_answer(red())
    assert {"run", "verdict", "cells", "reports", "drift"} <= set(answer)
    assert answer["verdict"] == "fail"
    patched = answer["cells"][1]
    assert (patched["kernel"], patched["iface"], patched["verdict"]) == ("patched", "v1", "fail")
    assert patched["cases"][0]["reason"] == "kernel BUG in mem_cgroup_charge"
    assert {"name", "verdict", "reason"} <= set(patched["cases"][0])
    assert answer["reports"][0]["title"] == "kernel BUG in mem_cgroup_charge"
    assert answer["drift"][0]["check"]["measured"] == 2097152
    assert answer["blame"]["number"] == 2
    assert run_answer(unfinished())["finished"] is False
    assert run_answer(green(), Path("/r"))["directory"] == "/r"


def test_answer_is_json_in_utf8() -> None:
    answer = run_answer(hostile())
    assert json.loads(json.dumps(answer, ensure_ascii=False).encode()) == answer
