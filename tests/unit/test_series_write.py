# SPDX-License-Identifier: GPL-2.0-only
"""Written and read again, a series is the same; and ``git am`` takes it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.paths import PROJECT
from harness.series.model import Patch, Series
from harness.series.read import read_series
from harness.series.write import as_mbox, as_quilt

WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
SUBJECTS = st.one_of(
    WORDS, st.sampled_from(["[memcg] x", "Re: x", "=?utf-8?q?x?=", "From: x", "v2: x", "é" * 200, ""])
)
AUTHORS = st.sampled_from(
    ["A B <a@b.c>", '"B, A" <a@b.c>', "Größe <g@x.y>", "KAMEZAWA Hiroyuki", "", "a@b.c"]
)
LINES = st.one_of(
    WORDS,
    st.sampled_from(
        [
            "From: x",
            "From me",
            "Subject: y",
            "--- 8< ---",
            "---",
            "[PATCH 1/2] z",
            " mm/x.c | 2 +-",
            "> q",
            "",
        ]
    ),
)
ENDS = st.sampled_from(["B", "\tB \t", "é", "From x", "B\r", "x" * 1000, "- B", "\u00a0", "&lt;"])


@st.composite
def patches(draw: st.DrawFn) -> str:
    """The text of a patch mail, of which nothing is sure but that it has a diff."""
    subject = " ".join(draw(SUBJECTS).split("\n"))
    body = "\n".join(draw(st.lists(LINES, max_size=6)))
    index = draw(st.sampled_from(["", "index 0123abc..4567def 100644\n"]))
    names = f"diff --git a/mm/x.c b/mm/x.c\n{index}--- a/mm/x.c\n+++ b/mm/x.c\n"
    diff = f"{names}@@ -1,2 +1,2 @@ f\n a\n-b\n+{draw(ENDS)}\n"
    head = f"Subject: [PATCH] {subject}\nFrom: {draw(AUTHORS)}\nDate: Wed, 20 Aug 2008 18:53:06 +0900\n"
    ident = f"Message-ID: <{draw(st.integers(1, 10**6))}@x>\n"
    return f"{head}{ident}Content-Type: text/plain; charset=utf-8\n\n{body}\n---\n{diff}-- \n2\n"


def without_place(series: Series, name: bool = True) -> list[Patch]:
    changed = {"origin": ""} if name else {"origin": "", "name": ""}
    return [msgspec.structs.replace(patch, **changed) for patch in series.patches]


def save(directory: Path, files: dict[str, bytes]) -> Path:
    directory.mkdir(exist_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


@given(st.lists(patches(), min_size=1, max_size=3))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_read_write_read(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    directory = tmp_path_factory.mktemp("w")
    mails = save(directory / "in", {f"{n}.patch": text.encode() for n, text in enumerate(texts)})
    series = read_series(mails)
    series = msgspec.structs.replace(series, base_commit="0" * 40)
    again = read_series(save(directory, {"s.mbox": as_mbox(series)}) / "s.mbox")
    assert without_place(again) == without_place(series)
    assert (again.version, again.base_commit) == (series.version, series.base_commit)
    stack = read_series(save(directory / "quilt", as_quilt(series)))
    assert without_place(stack, name=False) == without_place(series, name=False)


def test_numbers_version_names_and_folds_stay(tmp_path: Path) -> None:
    diff = "--- a/mm/x.c~x\n+++ a/mm/x.c\n@@ -1 +1 @@\n-a\n+b\n"
    (tmp_path / "q").mkdir()
    save(
        tmp_path / "q",
        {"series": b"x.patch\nx-fix.patch\n", "x.patch": diff.encode(), "x-fix.patch": diff.encode()},
    )
    series = msgspec.structs.replace(read_series(tmp_path / "q"), version=3)
    gap = msgspec.structs.replace(
        series,
        patches=(series.patches[0], msgspec.structs.replace(series.patches[1], number=5, total=12)),
        missing=(),
    )
    first = msgspec.structs.replace(gap.patches[0], total=12)
    gap = msgspec.structs.replace(gap, patches=(first, gap.patches[1]))
    again = read_series(save(tmp_path, {"s.mbox": as_mbox(gap)}) / "s.mbox")
    assert without_place(again) == without_place(gap)
    assert (again.version, again.missing[:2]) == (3, (2, 3))
    assert [patch.fixes for patch in again.patches] == ["", "x"]
    assert set(as_quilt(series)) == {"series", "x.patch", "x-fix.patch"}


def test_damaged_patch_is_refused() -> None:
    series = read_series(PROJECT / "patches" / "lockless-page_cgroup-4of7")
    for write in (as_mbox, as_quilt):
        with pytest.raises(UserError, match="repair it against a tree first"):
            write(series)


def test_git_am_takes_it(tmp_path: Path) -> None:
    repository = tmp_path / "r"
    repository.mkdir()

    def git(*words: str) -> str:
        config = (
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b.c",
            "-c",
            "init.defaultBranch=m",
            "-c",
            "core.autocrlf=false",
        )
        done = subprocess.run(["git", *config, *words], cwd=repository, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    git("init", "-q")
    (repository / "x.c").write_bytes(b"a\nb\nc\n")
    (repository / "old name.c").write_bytes(b"q\n" * 9)
    git("add", ".")
    git("commit", "-q", "-m", "base")
    contents = [b"a\nFrom x at 10:00:00 2020\nc\n", b"a\ncr\r\nc\n", b"a\n\xe9\nc\n", "a\né".encode()]
    for number, content in enumerate(contents):
        (repository / "x.c").write_bytes(content)
        (repository / f"n{number}.sh").write_text("new\n")
        (repository / f"n{number}.sh").chmod(0o755)
        git("add", ".")
        git(
            "commit",
            "-q",
            "-m",
            f"größe: step {number}\n\nFrom here on.\n\nFrom: x\n",
            "--author",
            "Ö, P <o@p.q>",
        )
    git("mv", "old name.c", "new.c")
    git("rm", "-q", "n0.sh")
    git("commit", "-q", "-m", "move")
    tree, tip = git("rev-parse", "HEAD^{tree}"), git("rev-parse", "HEAD~1").strip()
    git("format-patch", "-q", "-o", str(tmp_path / "p"), "HEAD~5")
    mailbox = save(tmp_path, {"s.mbox": as_mbox(read_series(tmp_path / "p"))}) / "s.mbox"
    log = git("log", "--format=%an|%ae|%ad|%B", "HEAD~5..")
    git("reset", "-q", "--hard", "HEAD~5")
    git("am", "-q", str(mailbox))
    assert git("rev-parse", "HEAD^{tree}") == tree
    assert git("log", "--format=%an|%ae|%ad|%B", "HEAD~5..") == log
    assert tip


def test_git_am_takes_a_patch_of_nobody(tmp_path: Path) -> None:
    (tmp_path / "x.patch").write_text("--- /dev/null\n+++ b/n.c\n@@ -0,0 +1 @@\n+n\n")
    (tmp_path / "s.mbox").write_bytes(as_mbox(read_series(tmp_path / "x.patch")))
    for words in (["init", "-q", "r"], ["-C", "r", "am", "-q", "../s.mbox"]):
        config = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *config, *words], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "r" / "n.c").read_text() == "n\n"
