# SPDX-License-Identifier: GPL-2.0-only
"""A fixed sample of the corpus: one fault that only counters show, one on the console, a harmless change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

_COUNTERS, _CONSOLE, _HARMLESS = "charge-last-of-stock", "reclaim-free-charged", "harmless-undo-in-loop"


def test_a_sample_of_the_corpus(harness: Callable[..., Any], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        json.dumps(
            {
                "name": "sample",
                "tree": "debian",
                "kconfig": "plain",
                "cells": ["plain-v1"],
                "workloads": ["anon", "file"],
                "seconds": 4,
            }
        )
    )
    only = ",".join((_COUNTERS, _CONSOLE, _HARMLESS))
    answer = harness("faults", plan, "--only", only, "--results", tmp_path, "--json", timeout=2400)
    assert answer.exit == 0, answer.stderr
    assert (answer.json["killed"], answer.json["total"]) == (2, 2)
    assert answer.json["survivors"] == answer.json["false_alarms"] == answer.json["left_out"] == []
    assert answer.json["as_stated"] == 2
    by_name = {one["name"]: one for one in answer.json["outcomes"]}
    assert by_name["base"]["fate"] == by_name[_HARMLESS]["fate"] == "quiet"
    assert "console: bad-page" in by_name[_CONSOLE]["signs"]
    assert not any(sign.startswith("console") for sign in by_name[_COUNTERS]["signs"])
    kept = Path(answer.json["directory"])
    assert json.loads((kept / "faults.json").read_text())["finished"]
    run = json.loads((kept / by_name[_CONSOLE]["run"] / "run.json").read_text())
    assert run["reports"]


def test_a_name_that_is_not_in_the_corpus_is_one_line(harness: Callable[..., Any], tmp_path: Path) -> None:
    answer = harness("faults", "--only", "charge-last-of-stick", "--results", tmp_path)
    assert answer.exit == 2
    assert answer.stderr.strip().endswith("did you mean 'charge-last-of-stock'?")
    assert not list(tmp_path.iterdir())
