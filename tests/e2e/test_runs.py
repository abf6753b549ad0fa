# SPDX-License-Identifier: GPL-2.0-only
"""Whole runs: a clean series passes, a planted fault fails and is laid at its patch, a BUG is heard."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import junitparser
import pytest
import xmlschema

from harness.paths import CONFIGS, PROJECT

pytestmark = pytest.mark.e2e

_SCHEMA = PROJECT / "tests" / "data" / "junit" / "jenkins-junit.xsd"
_SERIES = PROJECT / "tests" / "data" / "series"


def _plan(tmp_path: Path, **changes: object) -> Path:
    """A copy of the default plan, quicker, with *changes*."""
    plan: dict[str, object] = {
        "name": "test",
        "tree": "debian",
        "series": str(PROJECT / "patches" / "charge-checks"),
        "workloads": ["anon", "file"],
        "seconds": 4,
        **changes,
    }
    path = tmp_path / "plan.yaml"
    path.write_text(json.dumps(plan))  # JSON is YAML
    return path


def _cases(answer: Any, kernel: str) -> dict[tuple[str, str], str]:
    return {
        (cell["iface"], case["name"]): case["verdict"]
        for cell in answer["cells"]
        if cell["kernel"] == kernel
        for case in cell["cases"]
    }


def test_a_clean_series_passes_with_all_its_evidence(harness: Callable[..., Any], tmp_path: Path) -> None:
    plan = _plan(tmp_path, workloads=["anon", "anon-fork", "file", "shm"])
    answer = harness("run", plan, "--results", tmp_path / "results", "--json", timeout=2400)
    assert answer.exit == 0, answer.stderr
    assert answer.json["verdict"] == "pass"
    assert answer.json["drift"] == []
    names = {"boot", "anon", "anon-fork", "file", "shm"}
    for kernel in ("base", "patched"):
        cases = _cases(answer.json, kernel)
        assert set(cases) == {(iface, name) for iface in ("v1", "v2") for name in names}
        assert set(cases.values()) == {"pass"}

    directory = (tmp_path / "results" / "latest").resolve()
    run = json.loads((directory / "run.json").read_text())
    assert run["finished"]
    assert run["machine"]["accelerator"] in ("kvm", "tcg")
    xmlschema.XMLSchema(str(_SCHEMA)).validate(str(directory / "junit.xml"))
    suites = junitparser.JUnitXml.fromfile(str(directory / "junit.xml"))
    assert sum(suite.failures + suite.errors for suite in suites) == 0
    assert len([suite for suite in suites if suite.name.endswith("(static analysis)")]) == 1
    told = [(case.classname.split(".", 2)[2], case.name) for suite in suites for case in suite]
    assert len(set(told)) == len(told)
    expected = {(f"{iface}.{name}", f"{kernel} plain test{aspect}")
                for iface in ("v1", "v2") for kernel in ("base", "patched") for name in names
                for aspect in ("", " console", *(() if name == "boot" else (" drift",)))}  # fmt: skip
    assert {one for one in told if one[0].startswith("v")} == expected
    assert {("run", "test"), ("build", "base plain test"), ("build", "patched plain test")} <= set(told)
    assert f"[[ATTACHMENT|{directory}/patched-v1/anon.drift.svg]]" in (directory / "junit.xml").read_text()
    assert run["analysis"]["functions"]
    for cell in ("base-v1", "base-v2", "patched-v1", "patched-v2"):
        assert "memcg-harness: ready" in (directory / cell / "console.log").read_text()
        samples = (directory / cell / "anon.samples.jsonl").read_text().splitlines()
        assert {json.loads(line)["stage"] for line in samples} >= {"born", "run", "rest"}
    assert (directory / "repeat.sh").stat().st_mode & 0o100
    step = next(one for one in run["commands"] if one["step"] == "patched-v2: shm")
    assert step["command"] in (directory / "repeat.sh").read_text()
    again = subprocess.run(shlex.split(step["command"]), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["type"] == "end"


def test_the_same_inputs_build_nothing_twice(harness: Callable[..., Any], base_kernel: Path) -> None:
    before = base_kernel.stat().st_mtime_ns
    answer = harness("build", "--upto", "0", "--json")
    assert answer.exit == 0
    assert answer.json["cached"] is True
    assert Path(answer.json["image"]).stat().st_mtime_ns == before


def test_a_planted_fault_is_caught_and_laid_at_its_patch(harness: Callable[..., Any], tmp_path: Path) -> None:
    plan = CONFIGS / "planted-fault.yaml"
    answer = harness("run", plan, "--seconds", "5", "--results", tmp_path / "results", "--json", timeout=2400)
    assert answer.exit == 1, answer.stderr
    assert answer.json["verdict"] == "fail"
    assert set(_cases(answer.json, "base").values()) == {"pass"}
    patched = _cases(answer.json, "patched")
    for iface in ("v1", "v2"):
        assert patched[(iface, "boot")] == "pass"
        assert "fail" in {patched[(iface, "anon")], patched[(iface, "file")]}
    assert answer.json["drift"]
    assert answer.json["reports"] == []
    assert answer.json["blame"]["number"] == 2
    report = (tmp_path / "results" / "latest" / "junit.xml").read_text()
    assert answer.json["blame"]["subject"] in report


def test_a_bug_on_the_console_fails_its_case_and_the_rest_goes_on(
    harness: Callable[..., Any], tmp_path: Path
) -> None:
    """The planted VM_BUG_ON fires at a truncation, so only `file` meets it; `shm` gets a fresh guest."""
    plan = _plan(tmp_path, series=str(_SERIES / "vm-bug-on"), ifaces=["v2"], workloads=["file", "anon"])
    answer = harness("run", plan, "--results", tmp_path / "results", "--json", timeout=2400)
    assert answer.exit == 1, answer.stderr
    assert set(_cases(answer.json, "base").values()) == {"pass"}
    patched = _cases(answer.json, "patched")
    assert patched == {("v2", "boot"): "pass", ("v2", "file"): "fail", ("v2", "anon"): "pass"}
    title = answer.json["reports"][0]["title"]
    assert title.startswith("kernel BUG in ")
    assert answer.json["blame"]["number"] == 1
    directory = (tmp_path / "results" / "latest").resolve()
    assert (directory / "patched-v2" / "console-2.log").exists()
    report = answer.json["reports"][0]
    innermost = report["stack"][0]
    assert (innermost["file"], innermost["line"]) == (report["file"], report["line"])
    assert any(frame.get("inlined") and frame["line"] for frame in report["stack"])
    place = (
        f"{innermost['function']}+{innermost['at']:#x}/{innermost['size']:#x} mm/truncate.c:{report['line']}"
    )
    assert place in (directory / "junit.xml").read_text()
