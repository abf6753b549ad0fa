# SPDX-License-Identifier: GPL-2.0-only
"""Run plans: the matrix of profiles and interfaces, and how long each workload has."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.pipeline.bench import Request
from harness.pipeline.plan import Plan, load_plan


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(f"name: p\ntree: debian\n{text}")
    return path


def test_without_cells_every_profile_meets_every_interface(tmp_path: Path) -> None:
    plan = load_plan(_written(tmp_path, "kconfig: [plain, see]\n"))
    assert plan.matrix == (("plain", "v1"), ("plain", "v2"), ("see", "v1"), ("see", "v2"))


def test_cells_leave_the_rest_out(tmp_path: Path) -> None:
    plan = load_plan(_written(tmp_path, "kconfig: [plain, see]\ncells: [plain-v1, see-v2]\n"))
    assert plan.matrix == (("plain", "v1"), ("see", "v2"))


def test_a_cell_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"plan.yaml: cells: 'sea-v1' is no PROFILE-IFACE"):
        load_plan(_written(tmp_path, "cells: [plain-v1, sea-v1]\n"))


@pytest.mark.parametrize(
    ("cell_seconds", "workloads", "each"), [(0.0, 20, 7.0), (40.0, 4, 7.0), (40.0, 20, 2.0), (40.0, 0, 7.0)]
)
def test_many_workloads_share_a_cells_time(
    tmp_path: Path, cell_seconds: float, workloads: int, each: float
) -> None:
    plan = Plan(name="p", seconds=7.0, cell_seconds=cell_seconds)
    request = Request(plan=plan, plan_path=tmp_path, results=tmp_path, cache=tmp_path, jobs=1)
    assert request.load(workloads).seconds == each
