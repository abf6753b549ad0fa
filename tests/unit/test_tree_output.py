# SPDX-License-Identifier: GPL-2.0-only
"""The patched copy in a directory of the user's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import silent
from harness.tree import output
from harness.tree.model import Overlay, Tree
from harness.tree.output import write_copy
from harness.tree.source import open_tree

FILE = "mm/memcontrol.c"
FIRST: Overlay = {FILE: b"one\n", "mm/new/x.c": b"x\n"}
SECOND: Overlay = {
    FILE: b"one\n",
    "mm/new/x.c": b"x\n",
    "mm/new/deep/run.sh": b"#!/bin/sh\n",
    "Makefile": None,
}


def write(tree: Tree, overlay: Overlay, directory: Path) -> tuple[str, ...]:
    return write_copy(tree, overlay, directory, listener=silent, deadline=Deadline.after(60))


def state(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Contents and time of every file but our own notes."""
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and ".memcg-harness" not in path.parts
    }


def contents_of(directory: Path) -> dict[str, bytes]:
    return {path: data for path, (data, _) in state(directory).items()}


def test_prefixes_on_and_off_keep_the_times_of_what_stays(toy_tree: Tree, tmp_path: Path) -> None:
    given, out = state(toy_tree.source), tmp_path / "deep" / "out"
    assert set(write(toy_tree, FIRST, out)) == set(FIRST)
    once = state(out)
    base = {path: data for path, (data, _) in given.items()}
    assert contents_of(out) == {**base, FILE: b"one\n", "mm/new/x.c": b"x\n"}
    assert {once[path][1] == given[path][1] for path in given if path != FILE} == {True}

    assert set(write(toy_tree, SECOND, out)) == {"mm/new/deep/run.sh", "Makefile"}
    twice = state(out)
    assert "Makefile" not in twice
    assert (out / "mm/new/deep/run.sh").stat().st_mode & 0o111
    assert {path for path in once if path in twice and once[path] != twice[path]} == set()

    assert set(write(toy_tree, FIRST, out)) == {"mm/new/deep/run.sh", "Makefile"}
    assert contents_of(out) == {path: data for path, (data, _) in once.items()}
    assert not (out / "mm/new/deep").exists()
    assert write(toy_tree, FIRST, out) == ()
    assert set(write(toy_tree, {}, out)) == set(FIRST)
    assert contents_of(out) == base
    assert state(toy_tree.source) == given


def test_directory_of_others_is_refused_and_left_alone(toy_tree: Tree, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="no copy that harness made"):
        write(toy_tree, FIRST, out)
    assert contents_of(out) == {"thesis.txt": b"mine"}
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not a directory"):
        write(toy_tree, FIRST, tmp_path / "file")


@pytest.mark.parametrize("path", ["mm", f"{FILE}/x.c", ".memcg-harness/copy.json", ".memcg-harness"])
def test_file_for_which_there_is_no_room_is_refused_before_anything_is_copied(
    toy_tree: Tree, tmp_path: Path, path: str
) -> None:
    with pytest.raises(UserError):
        write(toy_tree, {path: b"x\n"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_directory_that_cannot_be_replaced_is_refused_before_anything_is_copied(
    toy_tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    with pytest.raises(UserError, match="is the current directory"):
        write(toy_tree, FIRST, Path())
    assert Path.cwd() == out
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == out)
    with pytest.raises(UserError, match="is a mount point"):
        write(toy_tree, FIRST, out)
    assert [path.name for path in tmp_path.iterdir() if "memcg-harness-new" in path.name] == []


def test_empty_directory_is_taken(toy_tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o700)
    write(toy_tree, FIRST, tmp_path / "out")
    assert (tmp_path / "out" / FILE).read_bytes() == b"one\n"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_directory_inside_the_tree_is_refused(toy_tree: Tree, toy_source: Path) -> None:
    for directory in (toy_source / "out", toy_source, toy_tree.source / "out"):
        with pytest.raises(UserError, match="inside the tree"):
            write(toy_tree, FIRST, directory)
    assert not (toy_source / "out").exists()


def test_interrupted_call_is_made_good_by_the_next(
    toy_tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write(toy_tree, FIRST, out)
    base = contents_of(toy_tree.source)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("harness.tree.output._executable", killed)
        with pytest.raises(KeyboardInterrupt):
            write(toy_tree, SECOND, out)
    assert "Makefile" not in contents_of(out)  # half-way: what goes went, what comes did not
    write(toy_tree, FIRST, out)
    assert contents_of(out) == {**base, FILE: b"one\n", "mm/new/x.c": b"x\n"}


def test_interrupted_first_copy_leaves_nothing(
    toy_tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("harness.tree.output._said", killed)
        with pytest.raises(KeyboardInterrupt):
            write(toy_tree, FIRST, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    stale = tmp_path / ".out.memcg-harness-new"
    stale.mkdir()  # what a SIGKILL would leave
    (stale / "half").write_text("")
    write(toy_tree, FIRST, tmp_path / "out")
    assert not stale.exists()
    assert "half" not in contents_of(tmp_path / "out")


def test_tree_that_changed_is_brought_over(toy_source: Path, tmp_path: Path) -> None:
    def opened(overlay: Overlay) -> dict[str, bytes]:
        with open_tree(
            str(toy_source), cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(60)
        ) as tree:
            write(tree, overlay, tmp_path / "out")
            return contents_of(tree.source)

    (toy_source / "mm" / "old.c").write_text("old\n")
    opened(FIRST)
    times = state(tmp_path / "out")
    (tmp_path / "out" / "built.o").write_text("")
    (toy_source / "mm" / "old.c").unlink()
    (toy_source / "mm" / "other.c").write_text("other\n")
    now = opened({})
    there = contents_of(tmp_path / "out")
    assert there == {**now, "built.o": b""}
    assert there["mm/other.c"] == b"other\n"
    assert state(tmp_path / "out")["Makefile"] == times["Makefile"]


def test_link_in_the_copy_is_not_followed(toy_tree: Tree, tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    write(toy_tree, {}, out)
    outside.mkdir()
    (out / "mm" / "new").symlink_to(outside)
    with pytest.raises(UserError, match="symbolic link"):
        write(toy_tree, FIRST, out)
    assert list(outside.iterdir()) == []


def test_disk_that_cannot_be_written_is_not_the_users_fault(
    toy_tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.tree.output._said", full)
    with pytest.raises(InfraError, match="No space left"):
        write(toy_tree, FIRST, tmp_path / "out")


def test_copy_of_a_copy_keeps_notes_of_its_own(
    toy_tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended while brought up to date, it must not pass for a copy of what the other was made from."""
    one, two = tmp_path / "one", tmp_path / "two"
    write(toy_tree, FIRST, one)
    with open_tree(str(one), cache=tmp_path / "c", listener=silent, deadline=Deadline.after(60)) as tree:
        write(tree, SECOND, two)
    touched: list[str] = []

    def noted(name: str) -> Callable[..., bool]:
        real = getattr(output, name)

        def call(*arguments: object) -> bool:
            touched.append(str(arguments[-1]))
            return bool(real(*arguments))

        return call

    for name in ("_like", "_unmake"):
        monkeypatch.setattr(output, name, noted(name))
    write(toy_tree, FIRST, two)
    (one / FILE).write_text("other\n")
    with open_tree(str(one), cache=tmp_path / "c", listener=silent, deadline=Deadline.after(60)) as tree:
        write(tree, {}, two)
    assert contents_of(two) == contents_of(one)
    assert touched
    assert [path for path in touched if ".memcg-harness" in path] == []
