# SPDX-License-Identifier: GPL-2.0-only
"""A series put on the private copy and taken off again, file by file, also after SIGKILL.

Before a file is first changed its contents are kept in ``pristine/``, then its name goes into the
journal, then it is changed. Whatever the journal names can differ from the tree as given, nothing
else can; so putting back what it names restores the tree from any point at which we were killed.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import msgspec

from harness.errors import InfraError, UserError
from harness.files import write_whole
from harness.tree.inside import contents, inside
from harness.tree.mirror import remove_tree
from harness.tree.model import Overlay, Tree
from harness.tree.place import SOURCE, place

_JOURNAL = "journal.json"
_PRISTINE = "pristine"


class _Kept(msgspec.Struct, frozen=True):
    """A file as given: whether it is there, and is executable."""

    there: bool
    executable: bool = False


class _Journal(msgspec.Struct, frozen=True):
    """The files that can differ from the tree as given, and the directories that were made for them."""

    files: dict[str, _Kept] = {}
    directories: tuple[str, ...] = ()


def read(tree: Tree, path: str) -> bytes | None:
    """The file *path* as the tree was given, whatever is on it now; None when it has none.

    Raises UserError for a path that leaves the tree.
    """
    return read_at(tree.source, path)


def read_at(source: Path, path: str) -> bytes | None:
    """The same, of the private copy at *source*."""
    file = inside(source, path)
    return _pristine(source.parent, path) if path in _load(source.parent).files else contents(file)


def put(tree: Tree, overlay: Overlay) -> tuple[str, ...]:
    """Make the private copy equal to the tree as given with *overlay* on it; the paths that changed.

    A file whose contents are right already is not touched; one that is written gets a new time, later
    than all before, so that make rebuilds it. Raises UserError before anything is written for a path
    that leaves the tree.
    """
    return _put(tree.source.parent, overlay)


def restore(home: Path) -> None:
    """Take off whatever is on the copy in *home*; a copy that was never made needs nothing."""
    if (home / SOURCE).is_dir():
        _put(home, {})
    else:
        (home / _JOURNAL).unlink(missing_ok=True)
        remove_tree(home / _PRISTINE)


def _put(home: Path, overlay: Overlay) -> tuple[str, ...]:
    journal = _load(home)
    for path in overlay:
        _refuse_one(home / SOURCE, path, overlay, journal)
    journal = _remember(home, journal, overlay)
    wanted = {path: overlay[path] if path in overlay else _pristine(home, path) for path in journal.files}
    # what goes goes first, with its directories: a file can take the place of a directory, or give it up
    changed = [path for path, data in wanted.items() if data is None and _unmake(home, path)]
    _empty_out(home, journal)
    for path, data in wanted.items():
        if data is not None and _make(home, path, data, journal.files[path]):
            changed.append(path)
    _forget(home, journal, overlay)
    return tuple(sorted(changed))


def refuse_unplaceable(root: Path, overlay: Overlay) -> None:
    """UserError when *overlay* has a file where the tree at *root*, as given, has no room for one.

    Names of files that come and go are in the overlay; a directory is known by the tree alone.
    """
    for path in overlay:
        _refuse_one(root, path, overlay, _Journal())


def _refuse_one(source: Path, path: str, overlay: Overlay, journal: _Journal) -> None:
    """UserError when *path* leaves the tree, is a directory, or has a file that stays for a directory."""
    if inside(source, path).is_dir() and path not in journal.directories:
        raise UserError(f"{path!a} is a directory in this tree; a patch can only change files")
    for parent in map(str, Path(path).parents[:-1]) if overlay[path] is not None else ():
        kept = journal.files.get(parent)
        there = kept.there if kept else (source / parent).is_file()
        if overlay[parent] is not None if parent in overlay else there:
            raise UserError(f"{path!a}: {parent!a} is a file in this tree; it cannot hold another")


def _remember(home: Path, journal: _Journal, overlay: Overlay) -> _Journal:
    """Keep what *overlay* is about to change, then name it in the journal."""
    new = [path for path in overlay if path not in journal.files]
    if not new:
        return journal
    (home / _PRISTINE).mkdir(exist_ok=True)
    files, directories = dict(journal.files), set(journal.directories)
    for path in new:
        target = home / SOURCE / path
        data = contents(target)
        if data is not None:
            write_whole(_store(home, path), data)
        files[path] = _Kept(data is not None, data is not None and bool(target.stat().st_mode & 0o100))
        parents = Path(path).parents[:-1]
        directories.update(str(parent) for parent in parents if not (home / SOURCE / parent).is_dir())
    return _save(home, _Journal(files, tuple(sorted(directories))))


def _make(home: Path, path: str, data: bytes, kept: _Kept) -> bool:
    """Give one file the contents *data*; False when it has them already."""
    target = home / SOURCE / path
    if contents(target) == data:
        return False
    # a diff's mode cannot stand in an overlay; a new script is one by its first line
    place(home, target, data, kept.executable if kept.there else data.startswith(b"#!"))
    return True


def _unmake(home: Path, path: str) -> bool:
    """Remove one file; False when it is not there."""
    target = home / SOURCE / path
    if not target.is_file():
        return False
    target.unlink()
    return True


def _empty_out(home: Path, journal: _Journal) -> None:
    """Remove the directories that were made for files which are gone; those that have files stay."""
    for directory in sorted(journal.directories, reverse=True):
        with contextlib.suppress(OSError):  # it has files still, or went already
            (home / SOURCE / directory).rmdir()


def _forget(home: Path, journal: _Journal, overlay: Overlay) -> None:
    """Strike out what is as given again, and drop what was kept of it."""
    files = {path: kept for path, kept in journal.files.items() if path in overlay}
    made = [path for path in journal.directories if (home / SOURCE / path).is_dir()]
    remaining = _Journal(files, tuple(made))
    if remaining != journal:
        _save(home, remaining)
    for path in journal.files.keys() - files.keys():
        _store(home, path).unlink(missing_ok=True)


def _store(home: Path, path: str) -> Path:
    """Where the contents of *path* as given are kept: flat, for a file can stand where a directory was."""
    return home / _PRISTINE / hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


def _pristine(home: Path, path: str) -> bytes | None:
    if not _load(home).files[path].there:
        return None
    try:
        return _store(home, path).read_bytes()
    except OSError as error:
        raise InfraError(
            f"{home}: what was kept of {path!a} cannot be read; remove this directory"
        ) from error


def _load(home: Path) -> _Journal:
    try:
        return msgspec.json.decode((home / _JOURNAL).read_bytes(), type=_Journal)
    except FileNotFoundError:
        return _Journal()
    except msgspec.MsgspecError as error:
        raise InfraError(f"{home / _JOURNAL}: damaged: {error}; remove {home}") from error


def _save(home: Path, journal: _Journal) -> _Journal:
    write_whole(home / _JOURNAL, msgspec.json.encode(journal))
    return journal
