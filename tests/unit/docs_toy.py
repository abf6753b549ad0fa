# SPDX-License-Identifier: GPL-2.0-only
"""A workspace in which the commands of docs/ come to a verdict without a guest."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.test_cli_series import ONE

BAD = "bad.mbox"
"""a series that goes on the toy kernel and does not build: a failing kernel, as far as any caller can tell"""


def toy_workspace(tmp_path: Path, toy_source: Path) -> Path:
    """What a clone has, with small plans in place of its own: the toy kernel with :data:`BAD` on it."""
    workspace = tmp_path / "workspace"
    (workspace / "configs").mkdir(parents=True)
    (workspace / "results").mkdir()
    (workspace / BAD).write_text(f"From a@example.org Wed Aug 20 19:04:45 2008\n{ONE}")
    plan = {"name": "toy", "tree": str(toy_source), "ifaces": ["v1"], "workloads": ["anon"], "seconds": 1}
    night = {"name": "toy", "trees": [str(toy_source)], "series": [f"../{BAD}"], "plans": ["default.yaml"]}
    for name, value in (("default.yaml", plan), ("nightly.yaml", night)):
        (workspace / "configs" / name).write_text(json.dumps(value))  # JSON is YAML
    return workspace
