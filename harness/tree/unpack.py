# SPDX-License-Identifier: GPL-2.0-only
"""The private copy of a tarball: unpacked once, aside, then put in place.

GNU tar is used for what it does with a hostile archive: it strips leading slashes, refuses ``..``
in names and hard links, makes symbolic links that lead out only at the end, so that no later
member can go through one. Three times as fast here as Python's tarfile.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, task
from harness.files import require_space
from harness.process import run
from harness.tree.identify import identify
from harness.tree.mirror import remove_tree
from harness.tree.place import SOURCE
from harness.tree.record import Record, drop_record, load_record, save_record

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")
_NEW = "unpack.new"
# linux-source-6.1.tar.xz grows elevenfold on disk
_GROWTH = 12


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
        with task(listener, "tree", f"unpack {tarball}"):
            _replace_source(tarball, spec, home, deadline)
    record = Record(key, fingerprint)
    save_record(home, record)
    return record


def _digest(tarball: Path, spec: str) -> str:
    try:
        with tarball.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{spec}: cannot be read: {error.strerror}; mend its permissions") from error


def _replace_source(tarball: Path, spec: str, home: Path, deadline: Deadline) -> None:
    """Unpack aside, look at what came, and put it in place."""
    aside = home / _NEW
    remove_tree(aside)
    try:
        aside.mkdir()
        _extract(tarball, aside, deadline)
        top = _top(aside, tarball)
        _refuse_foreign(top, tarball)
        identify(top, spec)
        remove_tree(home / SOURCE)
        top.rename(home / SOURCE)
    finally:
        remove_tree(aside)


def _extract(tarball: Path, aside: Path, deadline: Deadline) -> None:
    options = ("--touch", "--no-same-owner", "--no-same-permissions", "--force-local")
    done = run(
        ["tar", "--extract", "--file", tarball, "--directory", aside, *options],
        cwd=aside,
        deadline=deadline,
        env={"LC_ALL": "C", "TAR_OPTIONS": ""},
    )
    if "No space left on device" in done.output:
        raise InfraError(f"{aside}: no space left; make room, or point XDG_CACHE_HOME at a larger disk")
    if done.exit != 0 or "Removing leading" in done.output:
        said = [line for line in done.output.splitlines() if "Exiting with failure" not in line]
        hostile = any("Member name contains" in line or "Removing leading" in line for line in said)
        what = "names a path outside the tree" if hostile else "cannot be unpacked"
        raise UserError(f"{tarball}: {what}: {ascii(' | '.join(said[:2]))[1:300]}; get the tarball anew")


def _top(aside: Path, tarball: Path) -> Path:
    """The kernel in the archive: its one directory, or the whole when it was packed without one."""
    if (aside / "Makefile").exists():
        return aside
    directories = [path for path in aside.iterdir() if path.is_dir() and not path.is_symlink()]
    if len(directories) != 1:
        raise UserError(
            f"{tarball}: {len(directories)} directories at its top; give a tarball of one kernel directory"
        )
    return directories[0]


def _refuse_foreign(top: Path, tarball: Path) -> None:
    """No devices or pipes, and no symbolic link that leads out of the tree."""
    for directory, subdirectories, files in os.walk(top):
        for name in (*files, *subdirectories):
            path = Path(directory) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                target = os.path.normpath(Path(directory) / path.readlink())
                if not Path(target).is_relative_to(top):
                    shown = str(path.relative_to(top))
                    raise UserError(f"{tarball}: {shown!a} is a link to a path outside the tree; get it anew")
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise UserError(f"{tarball}: {str(path.relative_to(top))!a} is no file; get the tarball anew")
