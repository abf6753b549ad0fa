# SPDX-License-Identifier: GPL-2.0-only
"""Which symbols a profile asks of which version."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.build.profile import Row, load_profile
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.tree.model import Version

KCONFIG = CONFIGS / "kconfig"


def _names(profile: str, major: int, minor: int, patch: int) -> set[str]:
    wanted = load_profile(KCONFIG, profile).wanted(Version(major, minor, patch))
    return {one.row.name for one in wanted}


@pytest.mark.parametrize(
    ("version", "active"),
    [
        ((2, 6, 26), False),
        ((2, 6, 27), True),
        ((3, 0, 0), True),
        ((3, 5, 7), True),
        ((3, 6, 0), False),
        ((6, 1, 192), False),
    ],
)
def test_bounds_are_included_and_as_exact_as_written(version: tuple[int, int, int], active: bool) -> None:
    row = Row(name="X", value="y", why="a test", since="2.6.27", until="3.5")
    assert row.active(Version(*version)) is active


def test_a_candidate_counts_as_its_release() -> None:
    assert Row(name="X", value="y", why="a test", since="2.6.27").active(Version(2, 6, 27, 3))


def test_the_controller_has_its_name_of_the_time() -> None:
    old, middle, new = _names("plain", 2, 6, 27), _names("plain", 6, 1, 192), _names("plain", 6, 12, 0)
    assert {"CGROUP_MEM_RES_CTLR", "RESOURCE_COUNTERS", "DEBUG_SPINLOCK_SLEEP"} <= old
    assert not {"MEMCG", "MEMCG_V1", "DEVTMPFS"} & old
    assert {"MEMCG", "MEMCG_KMEM", "DEBUG_ATOMIC_SLEEP"} <= middle
    assert not {"CGROUP_MEM_RES_CTLR", "MEMCG_V1"} & middle
    assert {"MEMCG", "MEMCG_V1"} <= new
    assert "DEBUG_VM" in old & middle & new


@pytest.mark.parametrize("name", ["plain", "see", "kasan", "virtme"])
def test_every_shipped_profile_loads_and_has_each_symbol_once(name: str) -> None:
    profile = load_profile(KCONFIG, name)
    names = [one.row.name for one in profile.wanted(Version(6, 1, 0))]
    assert len(names) == len(set(names)) > 100


def test_a_kasan_kernel_is_not_started_by_the_way_that_it_dies_on() -> None:
    rows = {one.row.name: one.row for one in load_profile(KCONFIG, "kasan").wanted(Version(6, 1, 192))}
    assert (rows["KASAN"].value, rows["PVH"].value) == ("y", "n")


def _write(directory: Path, table: str) -> Path:
    (directory / "profiles.yaml").write_text("profiles:\n  - {name: p, tables: [a, b], why: a test}\n")
    (directory / "a.yaml").write_text(table)
    (directory / "b.yaml").write_text("symbols:\n  - {name: NINE_P, value: y, why: later}\n")
    return directory


def test_a_later_table_replaces_a_row_of_an_earlier_one(tmp_path: Path) -> None:
    directory = _write(tmp_path, "symbols:\n  - {name: NINE_P, value: n, why: earlier}\n")
    (wanted,) = load_profile(directory, "p").wanted(Version(6, 1, 0))
    assert wanted.row.line() == "CONFIG_NINE_P=y"
    assert wanted.where() == f"{directory / 'b.yaml'}:2"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{name: A, value: y, why: w, form: '3.5'}", "a.yaml:2: unknown key 'form'; did you mean 'from'?"),
        ("{name: A, value: y, why: w, until: 3.5}", "a.yaml:2: expected `str`, got `float`"),
        ("{name: A, value: y, why: w, until: 'v3'}", "a.yaml:2: 'v3' is not a version"),
        ("{name: A, value: y}", "a.yaml:2: object missing required field `why`"),
        ("{name: CONFIG-A, value: y, why: w}", "a.yaml:2: expected `str` matching"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, row: str, says: str) -> None:
    directory = _write(tmp_path, f"symbols:\n  - {row}\n")
    with pytest.raises(UserError) as caught:
        load_profile(directory, "p")
    assert says in str(caught.value)


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no profile 'fast'; it has plain, see, kasan, virtme"):
        load_profile(KCONFIG, "fast")


def test_values_are_written_as_a_config_writes_them() -> None:
    lines = [Row(name="X", value=value, why="a test").line() for value in ("y", "n", 18, "text")]
    assert lines == ["CONFIG_X=y", "# CONFIG_X is not set", "CONFIG_X=18", 'CONFIG_X="text"']
