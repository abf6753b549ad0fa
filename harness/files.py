# SPDX-License-Identifier: GPL-2.0-only
"""Files that are whole or not there, and locks that die with their owner."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError, UserError

_POLL = 0.1


def write_whole(path: Path, data: bytes | str) -> None:
    """Write *data* so that a reader sees the old file or the new one, also after a crash.

    The temporary name begins with a dot and lies beside *path*. Raises InfraError with the
    path and the system's word (no space, read-only) when it cannot be written.
    """
    raw = data.encode() if isinstance(data, str) else data
    try:
        # not mkstemp(), which takes no mode: to ask for the umask is to change it, under other threads too
        name = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(fd, "wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())
            name.replace(path)
        except BaseException:
            name.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InfraError(f"{path}: cannot be written: {error.strerror}") from error


def make_directory(path: Path, purpose: str) -> Path:
    """Create *path* with its parents and see that it can be written to; UserError otherwise."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise UserError(f"{path}: {purpose} cannot be written to: {error.strerror}") from error
    return path


def require_space(path: Path, needed: int, purpose: str) -> None:
    """UserError unless the file system of *path* has *needed* bytes free."""
    stat = os.statvfs(path)
    free = stat.f_bavail * stat.f_frsize
    if free < needed:
        raise UserError(
            f"{path}: {purpose} needs {needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free; "
            "make room, or point XDG_CACHE_HOME at a larger disk"
        )


@contextmanager
def locked(path: Path, deadline: Deadline, purpose: str) -> Iterator[None]:
    """Hold an flock on *path* for the block. The kernel drops it when its owner dies, however it dies.

    The file itself stays: removing it would let two owners hold two locks of one name.
    """
    with path.open("ab") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline.expired():
                    raise InfraError(f"{path}: {purpose} is in use by another run") from None
                time.sleep(min(_POLL, deadline.remaining()))
        yield
