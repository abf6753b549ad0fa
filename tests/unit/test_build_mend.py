# SPDX-License-Identifier: GPL-2.0-only
"""Old trees with new tools: which rows apply, what an edit does, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.build.mend import mending_for
from harness.build.mend_table import load_mends
from harness.build.toolchain import Toolchain
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.tree.model import Version

TABLE = CONFIGS / "old-trees.yaml"
NEW = Toolchain(
    cc="gcc",
    version="gcc 12.2.0",
    linker="ld 2.40",
    ccache=False,
    family="gcc",
    tools={"gcc": (12, 2, 0), "binutils": (2, 40), "make": (4, 3), "perl": (5, 36, 0)},
)
RC3 = Version(2, 6, 27, 3, "2.6.27-rc3")
MINE = """
covered:
  - {from: "2.6.26", until: "2.6.28", compilers: [{name: gcc, from: "11", until: "12", why: t}], why: t}
edits:
  - {name: targets, file: Makefile, from: "2.6.26", until: "2.6.28", tool: make, since: "3.82",
     pattern: "^config %config:", replacement: "%config:", times: 1, why: make refuses both}
"""


@pytest.fixture(name="table")
def _table(tmp_path: Path) -> Path:
    path = tmp_path / "old-trees.yaml"
    path.write_text(MINE)
    return path


def test_edits_lie_on_top_of_what_the_series_left_and_the_tree_is_only_read(table: Path) -> None:
    mending = mending_for(RC3, NEW, table, force=False)
    given = b"config %config: FORCE\n\t# caf\xe9\n"
    laid, made = mending.lay({"mm/a.c": b"new"}, {"Makefile": given}.get, "the tree")
    assert laid == {"mm/a.c": b"new", "Makefile": b"%config: FORCE\n\t# caf\xe9\n"}
    assert [(one.name, one.file, one.times) for one in made] == [("targets", "Makefile", 1)]
    patched = {"Makefile": b"X = 1\n" + given}
    laid, _made = mending.lay(patched, {"Makefile": given}.get, "the tree")
    assert laid["Makefile"] == b"X = 1\n%config: FORCE\n\t# caf\xe9\n"
    assert patched["Makefile"] == b"X = 1\n" + given


@pytest.mark.parametrize("text", [None, b"", b"all:\n", b"config %config:\nconfig %config:\n"])
def test_a_pattern_that_does_not_match_so_often_is_refused_by_file_and_line(
    table: Path, text: bytes | None
) -> None:
    mending = mending_for(RC3, NEW, table, force=False)
    with pytest.raises(
        UserError, match=r"old-trees\.yaml:5: edit 'targets': its pattern is found [02] times"
    ):
        mending.lay({}, {"Makefile": text}.get, "the tree")


def test_forced_an_edit_that_does_not_match_is_left_out(table: Path) -> None:
    mending = mending_for(RC3, NEW, table, force=True)
    assert mending.lay({}, {"Makefile": b"all:\n"}.get, "the tree") == ({}, ())


def test_a_tool_of_the_time_needs_no_edit(table: Path) -> None:
    old = replace(NEW, tools={**NEW.tools, "make": (3, 81)})
    assert mending_for(RC3, old, table, force=False).edits == ()


@pytest.mark.parametrize("text", ["2.6.25", "2.6.29-rc1", "4.19.3"])
def test_a_version_that_no_range_holds_is_refused_with_those_that_are_known(table: Path, text: str) -> None:
    major, minor, patch = (int(part) for part in text.partition("-")[0].split("."))
    version = Version(major, minor, patch, text=text)
    with pytest.raises(UserError, match=rf"Linux {text} .* 2\.6\.26 to 2\.6\.28; --force tries anyway"):
        mending_for(version, NEW, table, force=False)
    forced = mending_for(version, NEW, table, force=True)
    assert len(forced.edits) == 1 and "--force" in forced.notes[0]


@pytest.mark.parametrize(
    ("family", "numbers"), [("gcc", (13, 2, 0)), ("gcc", (10, 2, 1)), ("clang", (14, 0, 6))]
)
def test_a_compiler_that_no_row_covers_is_refused_by_name(
    table: Path, family: str, numbers: tuple[int, ...]
) -> None:
    other = Toolchain(
        cc=family,
        version="x",
        linker="ld",
        ccache=False,
        family="clang" if family == "clang" else "gcc",
        tools={family: numbers, "make": (4, 3), "perl": (5, 36)},
    )
    said = rf"no row covers {family} {numbers[0]}.* for Linux 2\.6\.27-rc3; known: gcc 11 to 12"
    with pytest.raises(UserError, match=said):
        mending_for(RC3, other, table, force=False)
    assert mending_for(RC3, other, table, force=True).notes


def test_the_shipped_table_leaves_trees_of_today_alone() -> None:
    for version in (Version(6, 1, 192, text="6.1.192"), Version(5, 10, 1, text="5.10.1")):
        mending = mending_for(version, NEW, TABLE, force=False)
        assert (mending.flags, mending.edits, mending.notes) == ((), (), ())
        assert mending.dress(NEW) == NEW


@pytest.mark.parametrize(("patch", "files"), [(26, 7), (27, 6), (28, 6)])
def test_the_shipped_table_knows_the_time_around_2_6_27(patch: int, files: int) -> None:
    mending = mending_for(Version(2, 6, patch, text=f"2.6.{patch}"), NEW, TABLE, force=False)
    dressed = mending.dress(NEW)
    assert {"-fno-pie", "-mno-sse", "-mno-mmx"} <= set(dressed.cc_flags)
    assert dressed.host_flags == ("-fcommon",)
    assert len({edit.file for edit in mending.edits}) == files


def test_the_shipped_table_changes_nothing_for_a_compiler_of_the_time() -> None:
    """A new make and a new perl still need theirs: they are not the compiler's."""
    old = replace(NEW, cc="gcc-4.3", tools={**NEW.tools, "gcc": (4, 3, 2)})
    mending = mending_for(RC3, old, TABLE, force=False)
    assert mending.flags == ()
    assert {edit.tool for edit in mending.edits} == {"make", "perl"}


def test_every_row_says_why_and_has_a_name_of_its_own() -> None:
    table = load_mends(TABLE)
    names = [edit.name for edit in table.edits]
    assert len(set(names)) == len(names)
    assert all(row.why for row in table.covered)
    assert all(row.why for row in table.flags)
    assert all(row.why for row in table.edits)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('pattern: "^config %config:"', 'pattern: "("', "no regular expression"),
        ("times: 1", "times: 0", ">= 1"),
        ("file: Makefile", "file: ../Makefile", "matching regex"),
        ('until: "2.6.28", tool', 'until: "new", tool', "is not a version"),
    ],
)
def test_a_bad_row_is_named_by_line(table: Path, old: str, new: str, says: str) -> None:
    assert old in MINE
    table.write_text(MINE.replace(old, new))
    with pytest.raises(UserError, match=r"old-trees\.yaml:\d+: .*" + says):
        mending_for(RC3, NEW, table, force=False)
