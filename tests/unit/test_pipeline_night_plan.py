# SPDX-License-Identifier: GPL-2.0-only
"""A night's plan: its matrix, what is set anew, and each mistake with file, line and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.paths import CONFIGS
from harness.pipeline.night_plan import budget_seconds, load_night

_NIGHT = """name: n
trees: [debian, {tree: ../linux, name: mine}]
series: ["", patches/x]
plans:
  - a.yaml
  - {plan: a.yaml, name: quick, set: {seconds: 2, workloads: [anon]}}
kconfig: [plain, see]
"""


@pytest.fixture
def night(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text("name: a\ntree: debian\ncells: [plain-v1]\nseconds: 30\n")
    path = tmp_path / "night.yaml"
    path.write_text(_NIGHT)
    return path


def test_the_matrix_is_the_product_and_paths_are_the_plans(night: Path, tmp_path: Path) -> None:
    _plan, entries = load_night(night)
    assert len(entries) == 16
    names = [one.name for one in entries]
    assert names[0] == "debian/none/a/plain"
    assert names[-1] == "mine/x/quick/see"
    last = entries[-1].plan
    assert (last.tree, last.series) == (str(tmp_path.parent / "linux"), str(tmp_path / "patches/x"))
    assert (last.seconds, last.workloads, last.kconfig) == (2, ("anon",), "see")
    assert entries[0].plan.cells == ("plain-v1",)
    assert last.cells == (), "the plan's cells are of another profile"


def test_without_takes_entries_out(night: Path) -> None:
    night.write_text(_NIGHT + "without: [{tree: mine, series: x}, {kconfig: see}]\n")
    assert {(one.tree, one.series) for one in load_night(night)[1]} == {
        ("debian", "none"), ("debian", "x"), ("mine", "none"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kconfig:", "kconfigs:", r"night.yaml:7: unknown key 'kconfigs'; did you mean 'kconfig'"),
        ("seconds: 2", "secnods: 2", r"night.yaml:6: unknown key 'secnods'; did you mean 'seconds'"),
        ("seconds: 2", "seconds: often", r"night.yaml:6: expected `float`"),
        ("name: mine", "name: debian", r"night.yaml: trees: two are named 'debian'"),
        ("- a.yaml", "- b.yaml", r"b.yaml: cannot be read"),
        ("[plain, see]", "[plain, plain]", r"names a profile twice"),
        ("name: n", "name: n\nbudget: long", r"budget: 'long' is no time; write '8 h' or '90 min'"),
        ("name: n", "name: n\nwithout: [{tree: none}]", r"without: tree: none matches no entry"),
        ("name: n", "name: n\nbisect: always", r"night.yaml:2: "),
        ("name: n", "name: n\nkeep: {days: -1}", r"night.yaml:2: "),
    ],
)
def test_mistakes_are_one_line_with_the_mend(night: Path, old: str, new: str, said: str) -> None:
    night.write_text(_NIGHT.replace(old, new, 1))
    with pytest.raises(UserError, match=said):
        load_night(night)


def test_the_plan_that_is_shipped(tmp_path: Path) -> None:
    plan, entries = load_night(CONFIGS / "nightly.yaml")
    assert len(entries) == 4
    assert budget_seconds(plan, tmp_path) == 8 * 3600
