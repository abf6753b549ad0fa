# SPDX-License-Identifier: GPL-2.0-only
"""A patched copy of a tree in a directory of the user's, brought from one prefix of a series to another.

The first copy is made beside the directory and takes its place when it is complete. After that only
files that differ are written, each at one stroke, so that all others keep their times and make builds
what it must. ``.memcg-harness/`` in the copy says what it was made from, and which files can differ
from that: it is written before they are, so that a next call comes right whenever the last one ended.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, task
from harness.files import make_directory, write_whole
from harness.process import run
from harness.tree.inside import contents, inside
from harness.tree.listing import Listing, list_directory
from harness.tree.mirror import remove_tree
from harness.tree.model import Overlay, Tree
from harness.tree.quote import escaped
from harness.tree.workcopy import put, read, refuse_unplaceable

_OURS = ".memcg-harness"
_MARKER = "copy.json"
_FILES = "files"
_GIVE = "give a directory that is not there yet, or is empty"


class _Marker(msgspec.Struct, frozen=True):
    """What a copy was made from; ``changed``: the files that can differ from that."""

    fingerprint: str
    changed: tuple[str, ...] = ()
    form: int = 1


def write_copy(
    tree: Tree, overlay: Overlay, directory: Path, *, listener: Listener, deadline: Deadline
) -> tuple[str, ...]:
    """Make *directory* a copy of *tree* with *overlay* on it; the files that were written or removed.

    A first copy gives only those of *overlay*. Raises UserError when *directory* is neither new nor
    empty nor a copy that this made, or lies inside the tree; InfraError when it cannot be written.
    """
    directory = directory.absolute()
    _refuse_inside(tree, directory)
    _refuse_in_use(directory)
    put(tree, {})
    refuse_unplaceable(tree.source, overlay)
    _refuse_notes(overlay)
    try:
        marker = _opened(tree, directory, listener, deadline)
        changed: list[str] = []
        if marker.fingerprint != tree.fingerprint:
            changed += _renewed(tree, directory, marker, listener, deadline)
            marker = _marker(directory)
        changed += _overlaid(tree, overlay, directory, marker)
    except OSError as error:
        raise InfraError(f"{error.filename or directory}: cannot be written: {error.strerror}") from error
    return tuple(dict.fromkeys(changed))


def _refuse_inside(tree: Tree, directory: Path) -> None:
    for root in (Path(tree.origin), tree.source.parent):
        if directory.resolve().is_relative_to(root.absolute().resolve()) and (
            root.is_dir() or root == tree.source.parent
        ):
            raise UserError(f"{directory}: lies inside the tree {root}, which is not written to; {_GIVE}")


def _refuse_in_use(directory: Path) -> None:
    """A first copy takes the place of an empty directory: not of one that something holds by itself."""
    if not directory.is_dir() or any(directory.iterdir()):
        return
    if directory.resolve() == Path.cwd():
        raise UserError(f"{directory}: is the current directory, which cannot be replaced; name one in it")
    if directory.is_mount():
        raise UserError(f"{directory}: is a mount point, which cannot be replaced; name a directory in it")


def _refuse_notes(overlay: Overlay) -> None:
    """What a patch writes into our own notes would be taken for ours by the next call."""
    for path in overlay:
        if path.split("/")[0] == _OURS:
            raise UserError(f"{path!a}: {_OURS}/ is where the copy's own notes are; take it out of the patch")


def _opened(tree: Tree, directory: Path, listener: Listener, deadline: Deadline) -> _Marker:
    """The marker of the copy in *directory*, which is made if there is none."""
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise UserError(f"{directory}: is not a directory; {_GIVE}")
    if not directory.is_dir() or not any(directory.iterdir()):
        _first(tree, directory, listener, deadline)
    return _marker(directory)


def _marker(directory: Path) -> _Marker:
    """UserError unless *directory* has a marker of ours."""
    try:
        return msgspec.json.decode((inside(directory, _OURS) / _MARKER).read_bytes(), type=_Marker)
    except (OSError, msgspec.MsgspecError):
        raise UserError(f"{directory}: is not empty, and is no copy that harness made; {_GIVE}") from None


def _first(tree: Tree, directory: Path, listener: Listener, deadline: Deadline) -> None:
    """The whole copy, made beside *directory* and put in its place when it is complete."""
    parent = make_directory(directory.parent, "the output directory")
    aside = parent / f".{directory.name}.memcg-harness-new"
    remove_tree(aside)
    try:
        aside.mkdir()
        with task(listener, "output", f"copy the tree to {directory}"):
            done = run(
                ["cp", "-a", "--reflink=auto", "--", f"{tree.source}/.", str(aside)],
                cwd=aside,
                deadline=deadline,
                env={"LC_ALL": "C"},
            )
        if done.exit != 0:
            raise InfraError(f"{directory}: cannot be written: {escaped(done.last_lines(1).encode())}")
        _said(aside, _Marker(tree.fingerprint), list(_listed(aside)))
        if directory.is_dir():  # who may look into it was decided already
            aside.chmod(directory.stat().st_mode & 0o7777)
        aside.replace(directory)
    finally:
        remove_tree(aside)


def _listed(root: Path) -> Listing:
    """The files under *root* without its notes, where it is such a copy itself: those are never another's."""
    return {path: stamp for path, stamp in list_directory(root).items() if not path.startswith(f"{_OURS}/")}


def _said(directory: Path, marker: _Marker, files: list[str] | None = None) -> None:
    """Keep *marker*, and the list of the tree's files when that is another one."""
    ours = directory / _OURS
    ours.mkdir(exist_ok=True)
    if files is not None:
        write_whole(ours / _FILES, b"\0".join(map(os.fsencode, files)))
    write_whole(ours / _MARKER, msgspec.json.encode(marker))


def _renewed(
    tree: Tree, directory: Path, marker: _Marker, listener: Listener, deadline: Deadline
) -> list[str]:
    """Bring a copy of what the tree was before to what it is now: copy what differs, remove what went.

    Files that others have put there since, a build say, stay.
    """
    kept = (directory / _OURS / _FILES).read_bytes()
    known = {os.fsdecode(name) for name in kept.split(b"\0") if name}
    there = _listed(tree.source)
    unsure = tuple(sorted(known | there.keys() | set(marker.changed)))
    _said(directory, _Marker("", unsure))  # an end from here on is mended by doing this again
    changed: list[str] = []
    with task(listener, "output", f"bring {directory} up to date", len(there)) as progress:
        for count, path in enumerate(there):
            if count % 512 == 0:
                deadline.check(f"{directory}: copying")
                progress.progress(count, path)
            if _like(tree.source / path, directory, path):
                changed.append(path)
        for path in sorted((known | set(marker.changed)) - there.keys()):
            if _unmake(directory, path):
                changed.append(path)
    _said(directory, _Marker(tree.fingerprint), list(there))
    return changed


def _like(source: Path, directory: Path, path: str) -> bool:
    """Make one file or link as *source* is; False when it is so already."""
    target = directory / path
    inside(directory, path.rpartition("/")[0] or _OURS)
    if source.is_symlink():
        if target.is_symlink() and target.readlink() == source.readlink():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(source.readlink())
        return True
    data = source.read_bytes()
    if not target.is_symlink() and contents(target) == data:
        return False
    _make(target, data, bool(source.stat().st_mode & 0o100))
    return True


def _overlaid(tree: Tree, overlay: Overlay, directory: Path, marker: _Marker) -> list[str]:
    """Put *overlay* on, and take off what is not in it; the files that changed."""
    paths = dict.fromkeys((*marker.changed, *overlay))
    wanted = {path: overlay[path] if path in overlay else read(tree, path) for path in paths}
    for path in paths:
        if inside(directory, path).is_dir():
            raise UserError(f"{path!a} is a directory in {directory}; a patch can only change files")
    if set(paths) != set(marker.changed):
        _said(directory, _Marker(tree.fingerprint, tuple(paths)))
    # what goes goes first: a file can take the place of a directory
    changed = [path for path, data in wanted.items() if data is None and _unmake(directory, path)]
    for path, data in wanted.items():
        target = directory / path
        if data is not None and contents(target) != data:
            _make(target, data, _executable(tree, path, data))
            changed.append(path)
    _said(directory, _Marker(tree.fingerprint, tuple(overlay)))
    return changed


def _executable(tree: Tree, path: str, data: bytes) -> bool:
    """As in the tree; a diff's mode cannot stand in an overlay, a new script is one by its first line."""
    file = tree.source / path
    return bool(file.stat().st_mode & 0o100) if file.is_file() else data.startswith(b"#!")


def _make(target: Path, data: bytes, executable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    write_whole(target, data)
    target.chmod(0o755 if executable else 0o644)


def _unmake(directory: Path, path: str) -> bool:
    """Remove one file and the directories that it leaves empty; False when it is not there."""
    target = inside(directory, path)
    if not target.is_file():
        return False
    target.unlink()
    for parent in target.parents:
        if parent == directory:
            break
        with contextlib.suppress(OSError):  # it has files still
            parent.rmdir()
    return True
