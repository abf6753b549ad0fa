# SPDX-License-Identifier: GPL-2.0-only
"""Run plans: the matrix of profiles and interfaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.pipeline.plan import load_plan


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
