# SPDX-License-Identifier: GPL-2.0-only
"""The private copy of a directory: made once, then brought up to date by what changed.

Real copies, not hard links: an editor that writes in place would change the copy under a build.
Times are not kept: make needs to know when *we* changed a file, not when its author did, and a
file that goes back to an older time would not be rebuilt.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, Task, task
from harness.files import require_space
from harness.tree.inside import contents
from harness.tree.listing import Listing, Stamp
from harness.tree.place import SOURCE, place
from harness.tree.record import (
    UNSURE,
    Entry,
    Record,
    by_path,
    drop_record,
    fingerprint_of,
    load_record,
    save_record,
)

_NEW = "src.new"
_RACY = 2_000_000_000
_BLOCK = 4096
_STRIDE = 512
_CHUNK = 1 << 20


class _Job:
    """One copying: from where, to where, and whose time it takes."""

    def __init__(self, origin: Path, home: Path, copy: Path, deadline: Deadline) -> None:
        self.origin = origin
        self.home = home
        self.copy = copy
        self.deadline = deadline
        self.began = time.time_ns()
        self.made: set[str] = set()

    def all(self, listing: Listing, paths: list[str], progress: Task) -> dict[str, Entry]:
        """Copy *paths*; UserError when the tree changes under us or cannot be read."""
        done: dict[str, Entry] = {}
        for count, path in enumerate(paths):
            if count % _STRIDE == 0:
                self.deadline.check(f"{self.origin}: copying")
                progress.progress(count, path)
            try:
                done[path] = self.one(path, listing[path])
            except FileNotFoundError:
                raise UserError(f"{self.origin}: {path!a} went away while it was copied; try again") from None
            except PermissionError as error:
                raise UserError(
                    f"{self.origin}: {error.filename}: {error.strerror}; mend its permissions"
                ) from error
            except OSError as error:
                raise InfraError(f"{self.copy}: {path!a} cannot be copied: {error.strerror}") from error
        return done

    def one(self, path: str, stamp: Stamp) -> Entry:
        """Copy one file. What changed in the last two seconds can change again within one tick: unsure."""
        racy = max(stamp[2], stamp[3]) > self.began - _RACY
        source = f"{self.origin}/{path}"
        if stat.S_ISLNK(stamp[0]):
            data, kind = os.fsencode(os.readlink(source)), b"l"  # noqa: PTH115 -- see _read
            self.link(os.fsdecode(data), self.copy / path)
        else:
            data, kind = _read(source, stamp[1]), b"x" if stamp[0] & 0o100 else b"f"
            self.file(data, path, kind == b"x")
        digest = hashlib.sha256(data).digest()
        return Entry(os.fsencode(path), UNSURE if racy else stamp, kind, digest)

    def link(self, to: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or target.exists():
            target.unlink()
        target.symlink_to(to)

    def file(self, data: bytes, path: str, executable: bool) -> None:
        """Write a file: plainly into a new copy, else only if it differs and then at one stroke."""
        target = self.copy / path if self.copy.name != _NEW else None
        if target is None:
            self.new_file(data, path, 0o755 if executable else 0o644)
        elif target.is_symlink() or contents(target) != data:
            place(self.home, target, data, executable)
        else:
            target.chmod(0o755 if executable else 0o644)

    def new_file(self, data: bytes, path: str, mode: int) -> None:
        parent = path.rpartition("/")[0]
        if parent not in self.made:
            (self.copy / parent).mkdir(parents=True, exist_ok=True)
            self.made.add(parent)
        fd = os.open(f"{self.copy}/{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(fd, left) :]
        finally:
            os.close(fd)


def _read(path: str, size: int) -> bytes:
    """The bytes of a file that was *size* long. Plain system calls and strings, no Path and no buffer:
    of 80,000 small files those cost more than the copying."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        parts = [os.read(fd, size + 1)]
        while parts[-1]:
            parts.append(os.read(fd, _CHUNK))
    finally:
        os.close(fd)
    return b"".join(parts)


def mirror(
    origin: Path, listing: Listing, home: Path, key: tuple[str, ...], listener: Listener, deadline: Deadline
) -> Record:
    """Make ``home/src`` hold just the files of *listing*, as they are in *origin* now."""
    record = load_record(home)
    if record is None or record.key != key or not (home / SOURCE).is_dir():
        return _first(origin, listing, home, key, listener, deadline)
    known = by_path(record)
    changed = [path for path, stamp in listing.items() if path not in known or known[path].stamp != stamp]
    gone = [path for path in known if path not in listing]
    if not changed and not gone and record.fingerprint:
        return record
    require_space(home, _size(listing, changed), "the changed files of the kernel tree")
    unsure = {path: Entry(os.fsencode(path), UNSURE, b"", b"") for path in (*changed, *gone)}
    save_record(home, Record(key, "", tuple({**known, **unsure}.values())))
    with task(listener, "tree", f"bring the copy of {origin} up to date", len(changed)) as progress:
        for path in gone:
            _remove(home / SOURCE, path)
        job = _Job(origin, home, home / SOURCE, deadline)
        fresh = job.all(listing, sorted(changed), progress)
    entries = tuple({path: fresh.get(path) or known[path] for path in listing}.values())
    return _saved(home, key, entries)


def _first(
    origin: Path, listing: Listing, home: Path, key: tuple[str, ...], listener: Listener, deadline: Deadline
) -> Record:
    """The whole copy, made aside and put in place when it is complete."""
    drop_record(home)
    copy = home / _NEW
    remove_tree(copy)
    require_space(home, _size(listing, list(listing)), "a copy of the kernel tree")
    try:
        with task(listener, "tree", f"copy {origin}", len(listing)) as progress:
            copy.mkdir()
            entries = _Job(origin, home, copy, deadline).all(listing, sorted(listing), progress)
        remove_tree(home / SOURCE)
        copy.rename(home / SOURCE)
    except BaseException:
        remove_tree(copy)
        raise
    return _saved(home, key, tuple(entries.values()))


def _saved(home: Path, key: tuple[str, ...], entries: tuple[Entry, ...]) -> Record:
    record = Record(key, fingerprint_of(entries), entries)
    save_record(home, record)
    return record


def _size(listing: Listing, paths: list[str]) -> int:
    return sum((listing[path][1] // _BLOCK + 1) * _BLOCK for path in paths)


def _remove(root: Path, path: str) -> None:
    """Remove a file that is gone from the origin, and the directories that it leaves empty."""
    target = root / path
    target.unlink(missing_ok=True)
    for parent in target.parents:
        if parent == root:
            break
        try:
            parent.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            break  # not empty


def remove_tree(directory: Path) -> None:
    """Remove *directory* and all in it; nothing happens when it is not there."""
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InfraError(f"{directory}: cannot be removed: {error.strerror}") from error
