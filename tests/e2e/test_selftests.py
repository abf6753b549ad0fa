# SPDX-License-Identifier: GPL-2.0-only
"""Test programs of others: one of the kernel's own, built from the tree, run in a guest, read and judged."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.console.endings import Machine
from harness.deadline import Deadline
from harness.events import silent
from harness.guest.accel import Accel
from harness.guest.extra import pack_extra
from harness.guest.image import prepare
from harness.guest.machine import Guest, Spec, booted
from harness.paths import CONFIGS, QEMU, cache
from harness.pipeline.judge_ending import Afterwards
from harness.pipeline.judge_program import Heard, judge_program
from harness.tree.model import Version
from harness.tree.source import open_tree
from harness.tree.workcopy import read
from harness.verdict import Verdict
from harness.workloads.program import RUN_SELFTEST, Program, program_of
from harness.workloads.runner import Delivered, deliver
from harness.workloads.selftest_build import Sources, build_selftests
from harness.workloads.selftests import load_external

pytestmark = pytest.mark.e2e
_KILL = "test_kill"


def _built(suite: str, name: str) -> tuple[Program, Path, Version]:
    """One selftest of the default tree, compiled."""
    (row,) = load_external(CONFIGS / "selftests.yaml").choose([suite], "x").suites
    (test,) = (one for one in row.programs if one.name == name)
    deadline = Deadline.after(600)
    with open_tree("debian", cache=cache(), listener=silent, deadline=deadline) as tree:
        sources = Sources(tree.source, lambda path: read(tree, path), {})
        built = build_selftests(row, [test], sources, cache=cache(), deadline=deadline)
        return program_of(row, test), built.programs[name], tree.version


def _run(guest: Guest, argv: tuple[str, ...], limit: float) -> Delivered:
    return deliver(
        guest, argv, limit, deadline=Deadline.never(), give_up=lambda _quiet: "", tick=lambda _passed: None
    )


def test_one_of_the_kernels_own_from_source_to_verdict(base_kernel: Path, tmp_path: Path) -> None:
    program, binary, version = _built("selftests-cgroup", _KILL)
    deadline = Deadline.after(300)
    image = prepare(cache(), QEMU, jobs=2, listener=silent, deadline=deadline)
    files = {RUN_SELFTEST: QEMU / "extra" / "run-selftest", program.path: binary}
    (tmp_path / "hangs").write_text("#!/bin/sh\nmkdir /cg/left /cg/left/below; echo ok 1 a; exec sleep 60\n")
    (tmp_path / "leaves").write_text("#!/bin/sh\nmkdir /cg/left /cg/left/below\necho 1..2; echo ok 1 a\n")
    files |= {"/extra/leaves": tmp_path / "leaves", "/extra/hangs": tmp_path / "hangs"}
    image = replace(image, extra=(pack_extra(files, tmp_path, deadline),))
    accel = Accel(name="tcg", why="works everywhere")
    console = tmp_path / "console.log"
    with booted(base_kernel, image, Spec(), accel, console=console, deadline=deadline) as guest:
        assert not guest.failure, guest.failure
        delivered = _run(guest, program.argv, program.test.seconds)
        cases = _judge(program, delivered, version)
        assert {case.verdict for case in cases} == {Verdict.PASS}, cases
        names = {case.name for case in cases}
        assert {f"selftests-cgroup.{_KILL}", f"selftests-cgroup.{_KILL}.test_cgkill_tree"} <= names
        assert f"case selftests-cgroup.{_KILL} begin" in console.read_text()

        short = _run(guest, (RUN_SELFTEST, "x.leaves", "/extra/leaves"), 20)
        assert short.ended.exit == 0
        assert _judge(program, short, version)[0].verdict is Verdict.BROKEN, "a result is missing"
        shell = guest.shell(deadline)
        assert shell.run(["ls", "-d", "/cg/left"], Deadline.after(20))[0].exit != 0, "its groups are gone"

        hung = _run(guest, (RUN_SELFTEST, "x.hangs", "/extra/hangs"), 2)
        own, told = _judge(program, hung, version)
        assert (own.verdict, told.verdict) == (Verdict.FAIL, Verdict.PASS)


def _judge(program: Program, delivered: Delivered, version: Version) -> tuple[Any, ...]:
    after = Afterwards(machine=Machine(runs=True, answers=True))
    heard = Heard(delivered=delivered, started="", reports=(), after=after)
    return judge_program(program, heard, version.numbers)


@pytest.mark.skipif(shutil.which("stress-ng") is None, reason="stress-ng is not installed")
def test_stress_ng_is_a_workload_like_ours(harness: Callable[..., Any], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    text = {"name": "s", "tree": "debian", "ifaces": ["v2"], "workloads": ["anon"], "external": ["stress-ng"]}
    plan.write_text(json.dumps({**text, "seconds": 4}))
    answer = harness("run", plan, "--results", tmp_path / "results", "--json", timeout=1200)
    (cell,) = answer.json["cells"]
    cases = {case["name"]: case["verdict"] for case in cell["cases"]}
    assert "fail" not in cases.values(), cell
    assert cases["stress-ng.brk"] == "pass"
    run = json.loads((tmp_path / "results" / "latest" / "run.json").read_text())
    case = next(one for one in run["cells"][0]["cases"] if one["name"] == "stress-ng.brk")
    assert int(case["facts"]["bogo_ops"]) > 0
    assert case["checks"]
    step = next(one for one in run["commands"] if one["step"] == "base-v2: stress-ng.brk")
    again = subprocess.run(shlex.split(step["command"]), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["type"] == "end"
