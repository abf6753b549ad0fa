# SPDX-License-Identifier: GPL-2.0-only
"""The private copy of a tarball: unpacked once, aside, then put in place."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, task
from harness.files import require_space
from harness.tarball import Bounds, extract, look_over
from harness.tree.identify import identify
from harness.tree.mirror import remove_tree
from harness.tree.place import SOURCE
from harness.tree.record import Record, drop_record, load_record, save_record

_NEW = "unpack.new"
# linux-source-6.1.tar.xz grows elevenfold on disk
_GROWTH = 12
_BOUNDS = Bounds(size=4 << 30, files=1_000_000)
"""Linux 6.1 has 1.3 GB in 84,000 files"""


def unpack(tarball: Path, spec: str, home: Path, listener: Listener, deadline: Deadline) -> Record:
    """Make ``home/src`` hold the kernel in *tarball*; a copy of the same contents is kept.

    The fingerprint is the archive's SHA-256. Raises UserError, naming *spec*, for an archive that is
    damaged, names paths outside of itself, or holds no kernel.
    """
    found = tarball.stat()
    key = ("tarball", str(tarball), *map(str, (found.st_size, found.st_mtime_ns, found.st_ctime_ns)))
    record = load_record(home) if (home / SOURCE).is_dir() else None
    if record is not None and record.key == key:
        return record
    fingerprint = _digest(tarball, spec)
    if record is None or record.fingerprint != fingerprint:
        drop_record(home)
        size = found.st_size * (1 if tarball.suffix == ".tar" else _GROWTH)
        require_space(home, size, "unpacking the kernel tree")
        with task(listener, "tree", f"unpack {spec}"):
            _replace_source(tarball, spec, home, deadline)
            _require_same(tarball, spec, found)
    record = Record(key, fingerprint)
    save_record(home, record)
    return record


def _digest(tarball: Path, spec: str) -> str:
    try:
        with tarball.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{spec}: cannot be read: {error.strerror}; mend its permissions") from error


def _require_same(tarball: Path, spec: str, before: os.stat_result) -> None:
    """What was unpacked has to be what the fingerprint is of."""
    now = tarball.stat()
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise InfraError(f"{spec}: changed while it was unpacked; run this again")


def _replace_source(tarball: Path, spec: str, home: Path, deadline: Deadline) -> None:
    """Unpack aside, look at what came, and put it in place."""
    aside = home / _NEW
    remove_tree(aside)
    try:
        aside.mkdir()
        extract(tarball, aside, spec, _BOUNDS, deadline)
        top = _top(aside, spec)
        look_over(top, spec, _BOUNDS)
        identify(top, spec)
        remove_tree(home / SOURCE)
        top.rename(home / SOURCE)
    finally:
        remove_tree(aside)


def _top(aside: Path, spec: str) -> Path:
    """The kernel in the archive: its one directory, or the whole when it was packed without one."""
    if (aside / "Makefile").exists():
        return aside
    directories = [path for path in aside.iterdir() if path.is_dir() and not path.is_symlink()]
    if len(directories) != 1:
        raise UserError(
            f"{spec}: {len(directories)} directories at its top; give a tarball of one kernel directory"
        )
    return directories[0]
