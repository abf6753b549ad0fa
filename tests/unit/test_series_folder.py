# SPDX-License-Identifier: GPL-2.0-only
"""Directories: maildir, mails, quilt with guards, mmotm's broken-out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.series.quilt import folded
from harness.series.read import read_series

HUNK = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
DIFF = f"--- a/mm/x.c\n+++ b/mm/x.c\n{HUNK}"


def mail(subject: str, ident: str, diff: str = DIFF) -> str:
    return f"Subject: {subject}\nFrom: A <a@b.c>\nMessage-ID: <{ident}>\n\nWhy.\n---\n{diff}-- \n2\n"


def test_maildir(tmp_path: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).mkdir()
    (tmp_path / "cur" / "1600.a.host:2,S").write_text(mail("[PATCH v2 2/2] b", "b"))
    (tmp_path / "new" / "1700.b.host").write_text(mail("[PATCH v2 1/2] a", "a"))
    (tmp_path / "new" / "1500.c.host").write_text(mail("[PATCH v2 0/2] The cover", "c", ""))
    (tmp_path / "tmp" / "1.half").write_text("half a ma")
    series = read_series(tmp_path)
    assert [patch.subject for patch in series.patches] == ["a", "b"]
    assert (series.name, series.version) == ("The cover", 2)


def test_directory_of_mails_with_numbers_for_names(tmp_path: Path) -> None:
    for number in range(1, 11):
        (tmp_path / str(11 - number)).write_text(mail(f"[PATCH {number}/10] p{number}", str(number)))
    (tmp_path / ".mh_sequences").write_text("cur: 1\n")
    assert [patch.subject for patch in read_series(tmp_path).patches] == [f"p{n}" for n in range(1, 11)]


def test_directory_of_mails_by_suffix_leaves_answers_out(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_text(mail("[PATCH 1/1] a", "a"))
    (tmp_path / "2.eml").write_text(mail("Re: [PATCH 1/1] a", "r", "No.\n"))
    (tmp_path / "README.txt").write_text("words")
    series = read_series(tmp_path)
    assert (len(series.patches), series.notes) == (1, ("1 answer left out",))


def test_broken_out_directory(tmp_path: Path) -> None:
    names = [
        "x.patch",
        "y.patch",
        "x-fix.patch",
        "x-fix-fix.patch",
        "x-checkpatch-fixes.patch",
        "z-fix.patch",
    ]
    (tmp_path / "series").write_text("#NEXT_PATCHES_START mm\n" + "\n".join(names) + "\n#NEXT_PATCHES_END\n")
    for name in names:
        stem = name.removesuffix(".patch")
        text = f"From: A B <a@b.c>\nSubject: mm: {stem}\n\nWhy.\n\nSigned-off-by: A B <a@b.c>\n"
        text += "---\n\n mm/x.c |    2 +-\n\n"
        (tmp_path / name).write_text(f"{text}--- a/mm/x.c~{stem}\n+++ a/mm/x.c\n{HUNK}_\n")
    series = read_series(tmp_path)
    assert [(patch.name, patch.fixes) for patch in series.patches] == list(
        zip(names, ["", "", "x", "x", "x", ""], strict=True)
    )
    assert [patch.files[0].path for patch in series.patches] == ["mm/x.c"] * 6
    assert [patch.files[0].kind for patch in series.patches] == ["modified"] * 6
    assert series.patches[0].description == "Why.\n\nSigned-off-by: A B <a@b.c>"
    assert series.notes == tuple(f"'{name}' is to be folded into 'x'" for name in names[2:5])


@pytest.mark.parametrize(
    ("names", "into"),
    [
        (["a.patch", "a-b.patch", "a-b-fix.patch"], "a-b"),
        (["a.patch", "a-b-fix.patch"], "a"),
        (["a.patch", "a-fix-2.patch"], "a"),
        (["a.patch", "a-update.patch"], "a"),
        (["a.patch", "a-fixed-size.patch"], ""),
        (["a-fix.patch"], ""),
        (["", "-fix"], ""),
    ],
)
def test_what_is_folded_into_what(names: list[str], into: str) -> None:
    assert folded(names)[-1] == into


def test_guards_that_are_not_selected(tmp_path: Path) -> None:
    for name in ("a.patch", "b.patch", "c.patch", "d.patch"):
        (tmp_path / name).write_text(DIFF)
    (tmp_path / "series").write_text("+xen a.patch\n\t-rt b.patch\nc.patch #+later\nd.patch -p1 # kept #-x\n")
    series = read_series(tmp_path)
    assert [patch.name for patch in series.patches] == ["b.patch", "d.patch"]
    assert series.notes == (
        "series:1: 'a.patch +xen' left out, its guard is not selected",
        "series:3: 'c.patch +later' left out, its guard is not selected",
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("+xen p.patch", "'p.patch +xen' left out, its guard is not selected"),
        ("-xen p.patch", ""),
        ("+!xen p.patch", ""),
        ("-!xen p.patch", "'p.patch -!xen' left out, as its guard 'xen' is not selected"),
        ("+xen +!rt p.patch", ""),
        ("+!xen -!rt p.patch", "'p.patch +!xen -!rt' left out, as its guard 'rt' is not selected"),
        ("- p.patch", "'p.patch -' left out, as '-' before it says"),
        ("- +xen p.patch", "'p.patch - +xen' left out, as '-' before it says"),
        ("+xen -rt p.patch", "'p.patch +xen -rt' left out, its guard is not selected"),
        ("p.patch #+a", "'p.patch +a' left out, its guard is not selected"),
        ("p.patch #-a", ""),
        ("p.patch # why #-a#+b", "'p.patch -a +b' left out, its guard is not selected"),
        ("p.patch -p1 #-a #-b", ""),
        ("p.patch # C++ #++ #", ""),
        ("# p.patch #+a", "nothing"),
    ],
)
def test_guards(tmp_path: Path, line: str, says: str) -> None:
    for name in ("a.patch", "p.patch", "z.patch"):
        (tmp_path / name).write_text(DIFF)
    (tmp_path / "series").write_text(f"a.patch\n{line}\nz.patch\n")
    series = read_series(tmp_path)
    applied = ["a.patch", "z.patch"] if says else ["a.patch", "p.patch", "z.patch"]
    assert [patch.name for patch in series.patches] == applied
    assert series.notes == ((f"series:2: {says}",) if says and says != "nothing" else ())


def test_all_guarded_or_reversed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.patch").write_text(DIFF)
    (tmp_path / "series").write_text("+xen a.patch\n")
    with pytest.raises(UserError, match="names no patch that is selected"):
        read_series(tmp_path)
    (tmp_path / "series").write_text("a.patch -p1 -R\n")
    with pytest.raises(UserError, match=r"series:1: '-R' \(applied in reverse\)"):
        read_series(tmp_path)


@pytest.mark.parametrize(("level", "path"), [("-p0", "mm/x.c"), ("-p2", "mm/x.c"), ("-pab", "mm/x.c")])
def test_level_of_the_series_file(tmp_path: Path, level: str, path: str) -> None:
    old, new = {"-p0": ("mm/x.c", "mm/x.c"), "-p2": ("a/b/mm/x.c", "a/b/mm/x.c")}.get(
        level, ("a/mm/x.c", "b/mm/x.c")
    )
    (tmp_path / "a.patch").write_text(f"--- {old}\n+++ {new}\n{HUNK}")
    (tmp_path / "series").write_text(f"a.patch {level}\n")
    assert read_series(tmp_path).patches[0].files[0].path == path
