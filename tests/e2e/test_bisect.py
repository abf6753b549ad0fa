# SPDX-License-Identifier: GPL-2.0-only
"""From a series to its first bad patch, cut off and resumed; and below a real ``git bisect run``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.paths import PROJECT
from tests.e2e.conftest import HARNESS

pytestmark = pytest.mark.e2e

_PATCHES = PROJECT / "patches"
_HARMLESS = ("harmless-assertions", "harmless-extra-ref")
_FAULT = "charge-last-of-stock"


def _series(directory: Path, *names: str) -> Path:
    """A quilt series of patches of the fault corpus."""
    directory.mkdir()
    for name in names:
        shutil.copy(_PATCHES / "faults" / f"{name}.patch", directory)
    (directory / "series").write_text("".join(f"{name}.patch\n" for name in names))
    return directory


def _plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    plan = {
        "name": "test", "tree": "debian", "kconfig": "plain", "ifaces": ["v1"], "workloads": ["anon"],
        "seconds": 3,
    }  # fmt: skip
    path.write_text(json.dumps(plan))  # JSON is YAML
    return path


def test_the_first_bad_patch_is_found_also_after_a_cut(harness: Callable[..., Any], tmp_path: Path) -> None:
    series = _series(tmp_path / "series", *_HARMLESS, _FAULT, "harmless-stock-full")
    words = ["bisect", str(_plan(tmp_path)), "--series", str(series), "--results", str(tmp_path / "results")]
    tries = _cut_off(words, tmp_path / "results", 3)
    directory = next((tmp_path / "results").glob("*-bisect-test"))
    answer = harness("resume", directory, "--json", timeout=2400)
    assert answer.exit == 1, answer.stderr
    found = answer.json
    assert found["first_bad"]["number"] == 3
    assert found["confidence"] >= 0.95
    assert found["hunted"]["case"] == "anon"
    assert found["tries"][: len(tries)] == tries
    assert [one["number"] for one in found["steps"]][:2] == [4, 0]
    again = subprocess.run([directory / "repeat.sh"], capture_output=True, text=True, check=False)
    assert again.stdout.count('"type":"end"') == 2, again.stderr
    assert harness("resume", directory, "--json").json == found


def _cut_off(words: list[str], results: Path, wanted: int) -> Any:
    """Start the command, end it by SIGKILL once *wanted* tries are known, and return those that it kept."""
    with subprocess.Popen([*HARNESS, *words], cwd=PROJECT, stderr=subprocess.DEVNULL) as started:
        tries: Any = []
        while len(tries) < wanted and started.poll() is None:
            time.sleep(0.2)
            for path in results.glob("*-bisect-test/bisect.json"):
                tries = json.loads(path.read_text())["tries"]
        assert started.poll() is None, "it ended before it was cut off"
        os.kill(started.pid, signal.SIGKILL)
    return tries


def test_a_whole_series_that_passes_leaves_nothing_to_look_for(
    harness: Callable[..., Any], tmp_path: Path
) -> None:
    series = _series(tmp_path / "series", *_HARMLESS)
    answer = harness(
        "bisect",
        _plan(tmp_path),
        "--series",
        series,
        "--results",
        tmp_path / "results",
        "--json",
        timeout=2400,
    )
    assert answer.exit == 0, answer.stderr
    assert answer.json["first_bad"] is None
    assert "the whole series passes" in answer.json["reason"]
