# SPDX-License-Identifier: GPL-2.0-only
"""The base of a series: the reckoning is GNU patch's, the ranking follows it, the repository runs nothing."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.deadline import Deadline
from harness.errors import DeadlineExpired, UserError
from harness.events import Event, Note, silent
from harness.series.model import DamagedFile, DamagedHunk, FileChange, Patch, Series
from harness.tree.base import Candidate, find_base
from harness.tree.base_course import courses_of
from harness.tree.base_score import HunkScore, revert, score

FILE = "mm/charge.c"
LINES = [f"\tline({number});\n" for number in range(60)]
EPOCH = 1_219_000_000
"""August 2008"""


def edited(lines: list[str], at: int, *new: str, gone: int = 0) -> list[str]:
    return [*lines[:at], *new, *lines[at + gone :]]


def patch(old: list[str], new: list[str], path: str = FILE, number: int = 1, **more: str) -> Patch:
    kind = "modified" if old else "added"
    names = (f"a/{path}" if old else "/dev/null", f"b/{path}")
    diff = "".join(difflib.unified_diff(old, new, *names))
    change = FileChange(
        path=path, kind=kind, old_path=path, added=0, removed=0, hunks=0, old_blob=more.pop("blob", "")
    )
    return Patch(
        number=number,
        total=1,
        subject="s",
        author="a",
        message_id="",
        diff=diff.encode(),
        files=(change,),
        origin="o",
        **more,  # type: ignore[arg-type]
    )


def series(*patches: Patch, base_commit: str = "") -> Series:
    return Series(name="s", version=1, patches=patches, base_commit=base_commit)


def reckoned(wanted: Series, data: str | None) -> tuple[HunkScore, ...]:
    (course,) = courses_of(wanted)
    return score(course, None if data is None else data.encode(), Deadline.never())


def git(repository: Path, *words: str, when: int = EPOCH) -> str:
    date = f"{when} +0000"
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *words],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
    )
    return done.stdout.strip()


class History:
    """A repository that gets a commit a day."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ids: dict[str, str] = {}
        git(root, "init", "-q")

    def commit(self, name: str, lines: list[str], path: str = FILE) -> None:
        target = self.root / path
        target.parent.mkdir(exist_ok=True)
        target.write_text("".join(lines))
        when = EPOCH + 86400 * len(self.ids)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", name, when=when)
        self.ids[name] = git(self.root, "rev-parse", "HEAD")


HEADED = edited(LINES, 0, "#include <a>\n", "#include <b>\n")
CHANGED = edited(HEADED, 32, "\tother();\n", gone=1)
"""line(30) of LINES is other()"""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """first, apart, headed, apart2, changed, apart3: ``apart`` ones touch another file."""
    made = History(tmp_path_factory.mktemp("repository"))
    made.commit("first", LINES)
    made.commit("apart", ["x\n"], "mm/apart.c")
    made.commit("headed", HEADED)
    made.commit("apart2", ["y\n"], "mm/apart.c")
    made.commit("changed", CHANGED)
    made.commit("apart3", ["z\n"], "mm/apart.c")
    return made


def found(history: History, wanted: Series, range_: str = "") -> tuple[Candidate, ...]:
    return find_base(wanted, history.root, range_=range_, deadline=Deadline.after(60), listener=silent)


AT_30 = patch(HEADED, edited(HEADED, 33, "\tcharge();\n"))
"""its context has line(30), which the commit ``changed`` took away"""


def test_the_best_is_a_run_of_commits(history: History) -> None:
    best, *others = found(history, series(AT_30))
    assert (best.first, best.last, best.commit) == (
        *(history.ids[n] for n in ("headed", "apart2", "apart2")),
    )
    assert (best.applied, best.clean, best.offset, best.fuzzy, best.rejected) == (True, 1, 0, 0, 0)
    assert best.subject == "apart2"
    assert best.reason == "context"
    assert best.virtual is None
    assert [one.commit for one in others] == [history.ids["apart"], history.ids["apart3"]]
    assert [(one.offset, one.rejected) for one in others] == [(1, 0), (0, 1)]


def test_without_a_range_the_search_is_around_the_date_of_the_series(history: History) -> None:
    quarter = 90 * 86400
    sent = msgspec.structs.replace(AT_30, date=formatdate(EPOCH + int(2.5 * 86400) - quarter))
    ids = history.ids
    assert [one.commit for one in found(history, series(sent))] == [ids["headed"], ids["apart"]]
    for odd in ("yesterday", "Wed, 99 Aug 2008 99:99:99 +9999", "\x00"):
        assert len(found(history, series(msgspec.structs.replace(AT_30, date=odd)))) == 3


def test_branch_merged_later_does_not_hide_what_it_was_not_made_on(tmp_path: Path) -> None:
    """Its commit is the newest by date, and no end of a walk that would see the main line."""
    made = History(tmp_path)
    made.commit("first", LINES)
    git(tmp_path, "branch", "topic")
    made.commit("headed", HEADED)
    main = git(tmp_path, "symbolic-ref", "--short", "HEAD")
    git(tmp_path, "checkout", "-q", "topic")
    made.commit("aside", ["x\n"], "mm/apart.c")
    git(tmp_path, "checkout", "-q", main)
    git(tmp_path, "merge", "-q", "--no-ff", "-m", "merged", "topic", when=EPOCH + 30 * 86400)
    git(tmp_path, "branch", "-q", "-D", "topic")
    sent = msgspec.structs.replace(AT_30, date=formatdate(EPOCH + int(2.5 * 86400) - 90 * 86400))
    best, *_ = found(made, series(sent))
    assert (best.commit, best.clean) == (made.ids["headed"], 1)


def test_a_range_leaves_the_rest_out(history: History) -> None:
    ids = history.ids
    candidates = found(history, series(AT_30), f"{ids['apart']}..{ids['headed']}")
    assert [one.commit for one in candidates] == [ids["headed"], ids["apart"]]


@pytest.mark.parametrize(
    "range_", ["nowhere..HEAD", "HEAD..nowhere", "HEAD...HEAD", "--all", "HEAD~99..HEAD"]
)
def test_a_range_that_is_not_there(history: History, range_: str) -> None:
    with pytest.raises(UserError, match="--range"):
        found(history, series(AT_30), range_)


def test_base_commit_is_believed_where_the_series_goes_on(history: History) -> None:
    first, last = history.ids["first"], history.ids["apart3"]
    best = found(history, series(AT_30, base_commit=first))[0]
    assert (best.commit, best.reason, best.applied) == (first, "base-commit trailer", True)
    doubtful = found(history, series(AT_30, base_commit=last))
    assert doubtful[0].commit == history.ids["apart2"]
    assert [one.reason for one in doubtful if one.commit == last] == ["base-commit trailer"]


@pytest.mark.parametrize("base", ["0123456789abcdef0123456789abcdef01234567", "--all", "HEAD", "x\x1b[31m"])
def test_base_commit_that_is_not_there(history: History, base: str) -> None:
    said: list[Event] = []
    best = find_base(
        series(AT_30, base_commit=base),
        history.root,
        range_="",
        deadline=Deadline.after(60),
        listener=said.append,
    )[0]
    assert best.reason == "context"
    notes = [event.text for event in said if isinstance(event, Note)]
    assert any("is not in the repository" in text and text.isprintable() for text in notes)


def test_index_lines_tell_the_base_whatever_the_context_says(history: History) -> None:
    blob = git(history.root, "rev-parse", "--short", f"{history.ids['first']}:{FILE}")
    best = found(history, series(patch(HEADED, edited(HEADED, 33, "\tcharge();\n"), blob=blob)))[0]
    assert best.reason == "index lines"
    assert (best.first, best.last) == (history.ids["first"], history.ids["apart"])


def test_the_virtual_base_leaves_out_what_the_author_did_not_have(history: History) -> None:
    range_ = f"{history.ids['apart2']}..{history.ids['apart3']}"
    best = found(history, series(AT_30), range_)
    bad = next(one for one in best if one.commit == history.ids["apart3"])
    assert bad.rejected == 1
    alone = found(history, series(AT_30), f"{history.ids['changed']}..{history.ids['apart3']}")[0]
    assert alone.differing == (HunkScore(patch=1, file=FILE, hunk=1, status="rejected"),)
    assert alone.virtual is not None
    assert [one.commit for one in alone.virtual.commits] == [history.ids["changed"]]
    assert (alone.virtual.clean, alone.virtual.rejected) == (1, 0)


def test_one_change_of_a_commit_is_left_out_where_the_others_are_needed(tmp_path: Path) -> None:
    made = History(tmp_path)
    made.commit("first", LINES)
    both = edited(edited(LINES, 10, "\tneeded();\n", gone=1), 40, "\talien();\n", gone=1)
    made.commit("both", both)
    wanted = edited(both, 40, LINES[40], gone=1)
    new = edited(edited(wanted, 42, "\tone();\n"), 9, "\ttwo();\n")
    best = found(made, series(patch(wanted, new)), f"{made.ids['first']}..")[0]
    assert best.virtual is not None
    (left_out,) = best.virtual.commits
    assert (left_out.commit, left_out.changes) == (made.ids["both"], "2 of 2")
    assert best.virtual.rejected == 0


def test_white_space_that_is_lost_is_not_compared(history: History) -> None:
    lines = ("line(28);", "line(29);", "line(30);", "+ charge();", "line(31);", "line(32);", "line(33);")
    hunk = DamagedHunk(old_start=31, old_count=6, new_start=31, new_count=7, section="", lines=lines, place=1)
    damaged = msgspec.structs.replace(
        AT_30, diff=b"", damaged=(DamagedFile(path=FILE, kind="modified", hunks=(hunk,)),)
    )
    best = found(history, series(damaged))[0]
    assert (best.commit, best.clean) == (history.ids["apart2"], 1)


def test_a_repository_s_settings_start_nothing(tmp_path: Path) -> None:
    made = History(tmp_path)
    made.commit("first", LINES)
    made.commit("changed", CHANGED)
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    evil.chmod(0o755)
    for name in ("core.fsmonitor", "gpg.program", "diff.external", "core.pager", "diff.c.textconv"):
        git(tmp_path, "config", name, str(evil))
    git(tmp_path, "config", "diff.c.command", str(evil))
    git(tmp_path, "config", "log.showSignature", "true")
    (tmp_path / ".git/info/attributes").write_text("*.c diff=c\n")
    best = found(made, series(AT_30), f"{made.ids['changed']}..")[0]
    assert best.virtual is not None  # so that git was asked for a diff
    assert not (tmp_path / "started").exists()


def test_what_cannot_be_searched(history: History, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no git repository"):
        find_base(series(AT_30), tmp_path, range_="", deadline=Deadline.after(60), listener=silent)
    empty = msgspec.structs.replace(AT_30, diff=b"", files=())
    with pytest.raises(UserError, match="no hunk"):
        found(history, series(empty))
    with pytest.raises(DeadlineExpired):
        find_base(series(AT_30), history.root, range_="", deadline=Deadline.after(0), listener=silent)


@pytest.mark.parametrize("path", ["mm/new\nline.c", "mm/sp ace.c", ":(top)x", "-x"])
def test_odd_paths_are_files_like_others(history: History, path: str) -> None:
    change = FileChange(path=path, kind="modified", old_path=path, added=1, removed=0, hunks=1)
    odd = msgspec.structs.replace(AT_30, files=(change,))
    candidates = found(history, series(odd))
    assert all(one.rejected == 1 for one in candidates)


def test_later_patches_go_on_what_earlier_ones_left() -> None:
    first = edited(LINES, 20, "\tone();\n")
    second = edited(first, 21, "\ttwo();\n")
    both = series(patch(LINES, first), patch(first, second, number=2))
    assert [one.status for one in reckoned(both, "".join(LINES))] == ["clean", "clean"]
    assert [one.status for one in reckoned(both, "".join(HEADED))] == ["offset", "offset"]
    # the second patch's context has a line of the first, which was rejected
    lacking = "".join(edited(LINES, 20, "\tnot();\n", "\tat();\n", "\tall();\n", gone=3))
    assert [one.status for one in reckoned(both, lacking)] == ["rejected", "rejected"]


def test_a_file_that_is_added_must_not_be_there() -> None:
    added = series(patch([], ["new\n"]))
    assert [one.status for one in reckoned(added, None)] == ["clean"]
    assert [one.status for one in reckoned(added, "old\n")] == ["rejected"]
    modified = series(patch(LINES, HEADED))
    assert [one.status for one in reckoned(modified, None)] == ["rejected"]


def test_a_rename_is_followed() -> None:
    change = FileChange(path="new.c", kind="renamed", old_path=FILE, added=0, removed=0, hunks=0)
    header = b"diff --git a/mm/charge.c b/new.c\nrename from mm/charge.c\nrename to new.c\n"
    moved = msgspec.structs.replace(patch(LINES, HEADED), files=(change,))
    moved = msgspec.structs.replace(
        moved, diff=header + moved.diff.replace(b"+++ b/mm/charge.c", b"+++ b/new.c")
    )
    later = patch(HEADED, edited(HEADED, 20, "\tone();\n"), "new.c", 2)
    (course,) = courses_of(series(moved, later))
    assert course.path == FILE
    assert [step.file for step in course.steps] == ["new.c", "new.c"]


def test_revert_takes_back_all_or_nothing() -> None:
    (course,) = courses_of(series(patch(CHANGED, HEADED)))
    hunks = course.steps[0].hunks
    assert revert("".join(CHANGED).encode(), hunks, Deadline.never()) == "".join(HEADED).encode()
    assert revert("".join(LINES).encode(), hunks, Deadline.never()) is None


WORDS = st.sampled_from(["a\n", "b\n", "c\n", "d\n", "{\n", "}\n", "\n"])
FILES = st.lists(WORDS, min_size=12, max_size=40)
EDITS = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2), st.lists(WORDS, max_size=2)), max_size=4)
SAID = re.compile(r"Hunk #\d+ (FAILED|succeeded) at \d+(?: with fuzz (\d))?(?: \(offset (-?\d+) lines?\))?")


def edits_on(lines: list[str], edits: list[tuple[int, int, list[str]]]) -> list[str]:
    for at, gone, new in edits:
        lines = edited(lines, min(at, len(lines)), *new, gone=gone)
    return lines


def by_gnu_patch(diff: bytes, data: str) -> Iterator[tuple[str, int, int]]:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "f").write_text(data)
        done = subprocess.run(
            ["patch", "--verbose", "--force", "--no-backup-if-mismatch", "f"],
            cwd=directory,
            input=diff,
            capture_output=True,
            check=False,
        )
    for how, fuzz, offset in SAID.findall(done.stdout.decode()):
        rejected = how == "FAILED"
        status = "rejected" if rejected else "fuzzy" if fuzz else "offset" if offset else "clean"
        yield status, 0 if rejected else int(fuzz or 0), 0 if rejected else int(offset or 0)


@pytest.mark.skipif(shutil.which("patch") is None, reason="no patch(1) to compare with")
@settings(derandomize=True, max_examples=50, deadline=None)
@example(["a\n"] * 12, [(0, 0, ["b\n"])], [(0, 0, ["b\n"])])
@given(FILES, EDITS, EDITS)
def test_the_reckoning_is_gnu_patch_s(
    lines: list[str], change: list[tuple[int, int, list[str]]], drift: list[tuple[int, int, list[str]]]
) -> None:
    wanted = patch(lines, edits_on(lines, change))
    data = "".join(edits_on(lines, drift))
    if not wanted.diff or not data:
        return
    mine = [(one.status, one.fuzz, one.offset) for one in reckoned(series(wanted), data)]
    assert mine == list(by_gnu_patch(wanted.diff, data))


def test_of_two_places_equally_near_the_later_one_counts() -> None:
    block = [f"\tblock({number});\n" for number in range(6)]
    wanted = patch(LINES[:10] + block, LINES[:10] + edited(block, 3, "\tcharge();\n"))
    data = "".join([*LINES[:3], *block, *LINES[3:11], *block, *LINES[11:20]])
    mine = [(one.status, one.fuzz, one.offset) for one in reckoned(series(wanted), data)]
    assert mine == [("offset", 0, 7)]
    if shutil.which("patch"):
        assert mine == list(by_gnu_patch(wanted.diff, data))


def test_lines_that_stand_everywhere_do_not_take_for_ever() -> None:
    same = ["\n"] * 20000
    wanted = patch(["\n"] * 6, edited(["\n"] * 6, 3, "x\n"))
    assert [one.status for one in reckoned(series(wanted), "".join(same))] == ["clean"]


@pytest.mark.skipif("HARNESS_OLD_TREE" not in os.environ, reason="HARNESS_OLD_TREE is unset")
def test_the_seed_of_2008(request: pytest.FixtureRequest) -> None:
    from harness.series.read import read_series  # noqa: PLC0415 -- only where there is a tree

    tree = Path(os.environ["HARNESS_OLD_TREE"])
    if subprocess.run(["git", "cat-file", "-e", "57f8f7b60db6"], cwd=tree, check=False).returncode:
        pytest.skip("HARNESS_OLD_TREE has no history up to 2.6.28-rc1")
    seed = read_series(request.config.rootpath / "patches/lockless-page_cgroup-4of7")
    range_ = "30a2f3c60a..57f8f7b60db6"
    best = find_base(seed, tree, range_=range_, deadline=Deadline.after(60), listener=silent)[0]
    assert best.first.startswith("64d6519dda3")
    assert best.last.startswith("47c59803bec")
