# SPDX-License-Identifier: GPL-2.0-only
"""Two nights of two entries on the distribution's kernel: a failure that is new, and then goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.paths import PROJECT

pytestmark = pytest.mark.e2e

_FAULT = PROJECT / "patches" / "faults" / "charge-last-of-stock.patch"
_CASE = "debian/leak/short/plain/patched/v1/anon"


def test_the_second_night_says_still(harness: Callable[..., Any], tmp_path: Path) -> None:
    plan = {"name": "short", "tree": "debian", "ifaces": ["v1"], "workloads": ["anon"], "seconds": 2,
            "findings": "report", "blame": False}  # fmt: skip
    (tmp_path / "short.yaml").write_text(json.dumps(plan))  # JSON is YAML
    shutil.copy(_FAULT, tmp_path / "leak.patch")
    night = {"name": "n", "trees": ["debian"], "series": ["", {"series": "leak.patch", "name": "leak"}],
             "plans": ["short.yaml"]}  # fmt: skip
    (tmp_path / "night.yaml").write_text(json.dumps(night))
    results = tmp_path / "results"
    for name in ("new", "still"):
        answer = harness("nightly", tmp_path / "night.yaml", "--results", results, "--json", timeout=2400)
        assert answer.exit == 1, answer.stderr
        assert answer.json["verdict"] == "fail"
        assert {one["entry"]: one["verdict"] for one in answer.json["entries"]} == {
            "debian/none/short/plain": "pass",
            "debian/leak/short/plain": "fail",
        }
        assert [one["case"] for one in answer.json["changed"][name]] == [_CASE]
        assert answer.stderr.splitlines()[-1] == f"FAIL  {answer.json['directory']}/report.html"
    history = harness("history", "--results", results, "--json")
    assert history.exit == 0
    (case,) = [one for one in history.json["cases"] if one["case"] == _CASE]
    assert case["standing"] == "still failing"
    assert case["first_bad"]["night"] == history.json["nights"][0]["night"]
    again = harness("resume", answer.json["directory"], "--json")
    assert again.json == answer.json, "a night that is over stays as it is"
