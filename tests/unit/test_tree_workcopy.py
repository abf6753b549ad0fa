# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import silent
from harness.tree import place, workcopy
from harness.tree.model import Overlay, Tree
from harness.tree.source import open_tree
from harness.tree.workcopy import put, read

FILES = {
    "Makefile": b"VERSION = 6\nPATCHLEVEL = 1\n",
    "mm/a.c": b"a\n",
    "mm/b.c": b"b\n",
    "kernel/k.c": b"k\n",
    "init/i.c": b"i\n",
    "arch/x86/x.sh": b"#!/bin/sh\n",
}


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture
def given(tmp_path: Path) -> Path:
    root = tmp_path / "linux"
    for path, data in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / "arch/x86/x.sh").chmod(0o755)
    (root / "out").symlink_to(tmp_path)
    (root / "mm/link.c").symlink_to("a.c")
    return root


def again(given: Path) -> Iterator[Tree]:
    cache = given.parent / "cache"
    with open_tree(str(given), cache=cache, listener=silent, deadline=Deadline.after(30)) as tree:
        yield tree


@pytest.fixture
def tree(given: Path) -> Iterator[Tree]:
    yield from again(given)


def contents(tree: Tree) -> dict[str, bytes]:
    every = [path for path in tree.source.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(tree.source)): path.read_bytes() for path in every}


def times(tree: Tree) -> dict[str, tuple[int, int]]:
    every = {path: (tree.source / path).stat() for path in contents(tree)}
    return {path: (stat.st_mtime_ns, stat.st_ino) for path, stat in every.items()}


def on(overlay: Overlay) -> dict[str, bytes]:
    merged = {**FILES, **overlay}
    return {path: data for path, data in merged.items() if data is not None}


ONE: Overlay = {"mm/a.c": b"A\n", "mm/deep/new.c": b"new\n", "mm/b.c": None}
TWO: Overlay = {"mm/a.c": b"A\n", "kernel/k.c": b"K\n"}


def test_there_and_back(tree: Tree) -> None:
    before = times(tree)
    assert put(tree, ONE) == ("mm/a.c", "mm/b.c", "mm/deep/new.c")
    assert contents(tree) == on(ONE)
    assert put(tree, ONE) == ()
    first = times(tree)
    assert put(tree, TWO) == ("kernel/k.c", "mm/b.c", "mm/deep/new.c")
    assert contents(tree) == on(TWO)
    second = times(tree)
    assert second["mm/a.c"] == first["mm/a.c"]
    assert second["mm/b.c"][0] > max(time for time, _ in first.values())
    assert put(tree, {}) == ("kernel/k.c", "mm/a.c")
    third = times(tree)
    assert contents(tree) == FILES
    assert third["mm/a.c"][0] > max(time for time, _ in second.values())
    assert third["init/i.c"] == before["init/i.c"]
    assert not (tree.source / "mm/deep").exists()
    assert list((tree.source.parent / "pristine").iterdir()) == []


def test_read_is_of_the_tree_as_given(tree: Tree) -> None:
    put(tree, ONE)
    assert read(tree, "mm/a.c") == b"a\n"
    assert read(tree, "mm/b.c") == b"b\n"
    assert read(tree, "mm/deep/new.c") is None
    assert read(tree, "kernel/k.c") == b"k\n"
    assert read(tree, "no/such") is None
    assert read(tree, "mm/a.c/below") is None


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "out/x", "mm/link.c", "mm/../../x"])
def test_paths_outside_are_refused_and_nothing_is_written(tree: Tree, path: str) -> None:
    before = times(tree)
    with pytest.raises(UserError, match="names a path outside the tree"):
        read(tree, path)
    with pytest.raises(UserError, match="names a path outside the tree"):
        put(tree, {"mm/a.c": b"A\n", path: b"x"})
    assert times(tree) == before
    assert not (tree.source.parent / "journal.json").exists()


def test_file_in_the_way_of_a_directory(tree: Tree) -> None:
    with pytest.raises(UserError, match="cannot hold another"):
        put(tree, {"mm/a.c/x.c": b"x"})
    with pytest.raises(UserError, match="is a directory"):
        put(tree, {"mm": b"x"})
    overlay: Overlay = {"mm/a.c": None, "mm/a.c/x.c": b"x"}
    put(tree, overlay)
    assert contents(tree) == on(overlay)
    put(tree, {"mm/new": b"x"})
    assert contents(tree) == on({"mm/new": b"x"})
    put(tree, {"mm/new/x.c": b"x"})
    assert contents(tree) == on({"mm/new/x.c": b"x"})
    put(tree, {"mm/new": b"y"})
    assert contents(tree) == on({"mm/new": b"y"})
    put(tree, {})
    assert contents(tree) == FILES


def test_modes(tree: Tree) -> None:
    put(tree, {"arch/x86/x.sh": b"#!/bin/sh\n:\n", "mm/new.sh": b"#!/bin/sh\n", "mm/new.c": b"x"})
    executable = [path for path in contents(tree) if os.access(tree.source / path, os.X_OK)]
    assert sorted(executable) == ["arch/x86/x.sh", "mm/new.sh"]
    put(tree, {})
    assert os.access(tree.source / "arch/x86/x.sh", os.X_OK)


@pytest.mark.parametrize("overlay", [{}, TWO])
@pytest.mark.parametrize("writes", range(14))
def test_killed_anywhere(given: Path, monkeypatch: pytest.MonkeyPatch, overlay: Overlay, writes: int) -> None:
    """Die before the n-th change on disk, on the way from ONE to another; all is well the next time."""
    (tree,) = (tree for tree in again(given) if put(tree, ONE))
    left = writes

    def counted(name: str, module: object) -> None:
        real = getattr(module, name)

        def call(*arguments: object, **options: object) -> object:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return real(*arguments, **options)

        patch.setattr(module, name, call)

    with monkeypatch.context() as patch:
        counted("write_whole", workcopy)
        counted("place", workcopy)
        counted("unlink", Path)
        counted("rmdir", Path)
        with contextlib.suppress(Killed):
            put(tree, overlay)
    for reopened in again(given):
        assert contents(reopened) == FILES
        put(reopened, overlay)
        assert contents(reopened) == on(overlay)


def test_tree_that_changes_under_a_series(given: Path) -> None:
    for tree in again(given):
        put(tree, ONE)
    (given / "mm/a.c").write_bytes(b"later\n")
    for tree in again(given):
        assert contents(tree)["mm/a.c"] == b"later\n"
        put(tree, ONE)
        put(tree, {})
        assert contents(tree)["mm/a.c"] == b"later\n"


def test_times_only_rise_though_the_clock_is_set_back(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [tree.source.parent.joinpath(place.LOCK).stat().st_mtime_ns]
    monkeypatch.setattr("harness.tree.place.time.time_ns", lambda: 1_000_000_000)
    for data in (b"1", b"2", b"3"):
        put(tree, {"mm/a.c": data})
        seen.append((tree.source / "mm/a.c").stat().st_mtime_ns)
    assert seen == sorted(set(seen))
