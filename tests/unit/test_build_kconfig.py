# SPDX-License-Identifier: GPL-2.0-only
"""Configuring the toy kernel: what is asked, what is checked, what is left alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

from harness.build.kconfig import Config, configure, install, parse
from harness.build.profile import Profile, Row, Wanted, load_profile
from harness.build.toolchain import Toolchain, find_toolchain
from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import Event, Note, silent
from harness.paths import CONFIGS
from harness.tree.model import Tree, Version

TABLE = CONFIGS / "kconfig" / "memcg.yaml"


@pytest.fixture(name="toolchain", scope="module")
def _toolchain() -> Toolchain:
    return find_toolchain("gcc", Deadline.after(30))


def _profile(*rows: Row) -> Profile:
    return Profile("test", tuple(Wanted(TABLE, row) for row in rows))


def _row(name: str, value: str | int = "y", needed: bool = True) -> Row:
    return Row(name=name, value=value, why="a test", needed=needed)


def _configure(
    tree: Tree, profile: Profile, toolchain: Toolchain, events: list[Event] | None = None
) -> Config:
    build_dir = tree.source.parent / "build"
    build_dir.mkdir(exist_ok=True)
    return configure(
        tree,
        build_dir,
        profile,
        toolchain,
        listener=events.append if events is not None else silent,
        deadline=Deadline.after(60),
        log=build_dir / "configure.log",
    )


def test_the_plain_profile_is_kept_whole_by_the_toy_kernel(toy_tree: Tree, toolchain: Toolchain) -> None:
    """Fails with the names to add to tests/toykernel/arch/x86/Kconfig when a table got a new row."""
    config = _configure(toy_tree, load_profile(CONFIGS / "kconfig", "plain"), toolchain)
    values = config.values()
    assert values["MEMCG"] == values["DEBUG_VM"] == "y"
    assert values["NR_CPUS"] == "8"
    assert config.enabled() > 50


def test_a_lost_symbol_is_named_with_what_it_depends_on(toy_tree: Tree, toolchain: Toolchain) -> None:
    profile = _profile(_row("CGROUPS"), _row("SWAP", "n"), _row("MEMCG"))
    with pytest.raises(UserError) as caught:
        _configure(toy_tree, profile, toolchain)
    said = str(caught.value)
    assert "memcg.yaml:" in said
    assert "MEMCG=y is lost in toy-source 6.1.0 (it is n): depends on CGROUPS && SWAP" in said
    assert "[CGROUPS=y, SWAP=n] (init/Kconfig:7)" in said
    assert "\n" not in said


def test_a_symbol_nobody_defines_is_named_too(toy_tree: Tree, toolchain: Toolchain) -> None:
    with pytest.raises(UserError, match=r"MEMCG_V9=y is lost .*: no Kconfig file of this tree defines it"):
        _configure(toy_tree, _profile(_row("MEMCG_V9")), toolchain)


def test_a_tree_from_before_kasan_is_refused_by_that_name_alone(toy_tree: Tree, toolchain: Toolchain) -> None:
    rows = load_profile(CONFIGS / "kconfig", "kasan").rows
    profile = Profile("kasan", tuple(one for one in rows if one.table.name == "kasan.yaml"))
    old = msgspec.structs.replace(toy_tree, version=Version(2, 6, 27, text="2.6.27"))
    with pytest.raises(UserError) as caught:
        _configure(old, profile, toolchain)
    assert re.fullmatch(
        r"\S+/kasan\.yaml:\d+: KASAN=y is lost in toy-source 2\.6\.27 \(it is n\): "
        r"no Kconfig file of this tree defines it",
        str(caught.value),
    )


def test_one_that_is_not_needed_is_only_noted(toy_tree: Tree, toolchain: Toolchain) -> None:
    events: list[Event] = []
    config = _configure(toy_tree, _profile(_row("MEMCG_V9", needed=False)), toolchain, events)
    assert config.notes == ("toy-source: MEMCG_V9 is n, wanted y",)
    assert Note(config.notes[0]) in events


def test_rows_of_other_versions_are_not_asked(toy_tree: Tree, toolchain: Toolchain) -> None:
    row = Row(name="MEMCG_V1", value="y", why="a test", since="6.11")
    assert "MEMCG_V1" not in _configure(toy_tree, _profile(row), toolchain).values()


def test_a_tree_without_tinyconfig_and_olddefconfig_is_configured(
    toy_tree: Tree, toolchain: Toolchain
) -> None:
    (toy_tree.source / "scripts/kconfig/Makefile").write_text("# allnoconfig oldconfig\n")
    makefile = toy_tree.source / "Makefile"
    makefile.write_text(makefile.read_text() + "\noldconfig: olddefconfig\n")
    config = _configure(toy_tree, _profile(_row("DEBUG_KERNEL"), _row("DEBUG_VM")), toolchain)
    assert config.values()["DEBUG_VM"] == "y"


def test_what_is_not_asked_stays_off_whatever_its_default(toy_tree: Tree, toolchain: Toolchain) -> None:
    assert _configure(toy_tree, _profile(_row("CGROUPS")), toolchain).values()["SPARE"] == "n"


def test_configuring_leaves_the_config_in_use_alone(toy_tree: Tree, toolchain: Toolchain) -> None:
    in_use = toy_tree.source.parent / "build" / ".config"
    in_use.parent.mkdir()
    in_use.write_text("CONFIG_IN_USE=y\n")
    config = _configure(toy_tree, _profile(_row("CGROUPS")), toolchain)
    assert in_use.read_text() == "CONFIG_IN_USE=y\n"
    assert "IN_USE" not in config.values()


def test_a_make_that_fails_is_the_trees_fault(toy_tree: Tree, toolchain: Toolchain) -> None:
    (toy_tree.source / "mm/Kconfig").unlink()
    with pytest.raises(UserError, match=r"make tinyconfig failed: .*mm/Kconfig"):
        _configure(toy_tree, _profile(_row("CGROUPS")), toolchain)


def test_an_equal_config_keeps_its_time(tmp_path: Path) -> None:
    install(Config(text="CONFIG_A=y\n"), tmp_path)
    os.utime(tmp_path / ".config", (1, 1))
    install(Config(text="CONFIG_A=y\n"), tmp_path)
    assert (tmp_path / ".config").stat().st_mtime == 1
    install(Config(text="# CONFIG_A is not set\n"), tmp_path)
    assert (tmp_path / ".config").stat().st_mtime > 1


def test_parse_reads_strings_numbers_and_unset() -> None:
    text = '# a remark\nCONFIG_A=y\nCONFIG_B="x y"\nCONFIG_C=18\n# CONFIG_D is not set\n'
    assert parse(text) == {"A": "y", "B": '"x y"', "C": "18", "D": "n"}
