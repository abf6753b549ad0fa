# SPDX-License-Identifier: GPL-2.0-only
"""Diffs with a header that cannot be seen: refused with its line, never read without its hunk."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.series.model import Series
from harness.series.read import read_series
from harness.series.repair import load_policy, repair

FIRST = "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
SECOND = "@@ -30,3 +30,3 @@ int f(void)\n d\n-e\n+E\n f\n"
OTHER = FIRST.replace("x.c", "y.c")


def read(tmp_path: Path, text: str, name: str = "x.patch") -> Series:
    path = tmp_path / name
    path.write_text(text)
    return read_series(path)


@pytest.mark.parametrize("before", ["\u2014", "\u2026", "* ", "\u00ad", "\u201c", "\u200d", "> ", "| ", "@"])
def test_hunk_header_with_something_before_it(tmp_path: Path, before: str) -> None:
    with pytest.raises(UserError, match=r"x\.patch:8: malformed diff: a hunk header that cannot be read"):
        read(tmp_path, FIRST + before + SECOND)


@pytest.mark.parametrize(
    "header", ["@@ 30,3 30,3 @@", "@ -30,3 +30,3 @@", "@@ 30,3 +30,3@@", "@@ -30,3 30,3 @@"]
)
def test_hunk_header_that_has_lost_a_sign(tmp_path: Path, header: str) -> None:
    with pytest.raises(UserError, match=r"x\.patch:8: malformed diff: a hunk header that cannot be read"):
        read(tmp_path, FIRST + SECOND.replace("@@ -30,3 +30,3 @@", header))


@pytest.mark.parametrize(
    "below",
    [
        "> @@ -30,3 +30,3 @@\n>  d\n> -e\n",
        "> @@ -30,3 +30,3 @@\nThis is not so.\n",
        "> @@ -30,3 +30,3 @@\n\n-- \n2.39\n",
        "See @@ -30,3 +30,3 @@\n",
        "* 2008-08-20 9:55\n@ 2008-08-20  9:55\n",
        "+++ ATH0\n",
    ],
)
def test_what_stands_below_a_diff_may_speak_of_one(tmp_path: Path, below: str) -> None:
    (patch,) = read(tmp_path, f"{FIRST}\n{below}").patches
    assert patch.files[0].hunks == 1


@pytest.mark.parametrize("git", ["", "diff --git a/mm/y.c b/mm/y.c\nindex 1234567..2345678 100644\n"])
@pytest.mark.parametrize("before", ["\u2014", "> ", "* "])
def test_file_header_that_cannot_be_seen(tmp_path: Path, git: str, before: str) -> None:
    with pytest.raises(UserError, match=r"x\.patch:\d+: malformed diff: a \+\+\+ line without its --- line"):
        read(tmp_path, FIRST + git + before + OTHER)
    assert [file.path for file in read(tmp_path, FIRST + git + OTHER).patches[0].files] == [
        "mm/x.c",
        "mm/y.c",
    ]


def test_file_header_that_cannot_be_seen_where_white_space_was_lost(tmp_path: Path) -> None:
    lost = (FIRST + OTHER).replace("\n ", "\n")
    assert len(read(tmp_path, lost).patches[0].damaged) == 2
    with pytest.raises(UserError, match=r"x\.patch:9: malformed diff: a \+\+\+ line without its --- line"):
        read(tmp_path, lost.replace("--- a/mm/y.c", "\u2014 a/mm/y.c"))


BEFORE = "int f(struct x *a)\n{\n\tint b;\n\n\tif (a) {\n\t\tb = 1;\n\t\tg(a);\n\t}\n\treturn b;\n}\n"
AFTER = BEFORE.replace("\t\tg(a);\n", '\t\tif (a)\n\t\t\tprintk("a\\n");\n')


def changed(name: str = "mm/x.c") -> str:
    lines = difflib.unified_diff(
        BEFORE.splitlines(keepends=True), AFTER.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(lines)


@pytest.mark.parametrize("by_column", [True, False])
def test_tabs_that_were_made_blanks_come_back(tmp_path: Path, by_column: bool) -> None:
    text = changed().expandtabs(8) if by_column else changed().replace("\t", " " * 8)
    series = read(tmp_path, text)
    assert series.notes == ("patch 1: tabs were made blanks",)
    (patch,) = series.patches
    assert (patch.diff, patch.files[0].added, patch.files[0].removed) == (b"", 2, 1)
    assert patch.damaged[0].hunks[0].lines[3:6] == ("- g(a);", "+ if (a)", '+ printk("a\\n");')
    mended = repair(patch, {"mm/x.c": BEFORE.encode()}.get, load_policy())
    assert mended.patch is not None
    assert mended.patch.diff.endswith(changed().encode())


def test_blanks_that_no_tab_was_are_left(tmp_path: Path) -> None:
    for text in (changed(), changed("x.py").replace("\t", " " * 8), changed().replace("\t", "    ")):
        series = read(tmp_path, text)
        assert series.notes == ()
        assert series.patches[0].diff.endswith(text.encode())


def test_strings_keep_their_blanks_where_tabs_were_lost(tmp_path: Path) -> None:
    text = changed().replace("a\\n", 'a  \\"b  c').expandtabs(8)
    (patch,) = read(tmp_path, text).patches
    assert '+ printk("a  \\"b  c");' in patch.damaged[0].hunks[0].lines
