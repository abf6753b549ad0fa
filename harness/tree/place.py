# SPDX-License-Identifier: GPL-2.0-only
"""Writing into a private copy so that make sees it: whole files, newer than all that was there.

make rebuilds what is strictly older than its source. A time of the kernel's coarse clock can equal
that of an object written in the same tick, a clock can be set back, and a file system can cut times
to seconds; so times are given here, from the fine clock, and never one twice. The modification time
of the copy's lock file keeps the highest one that was given.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from harness.errors import InfraError

LOCK = "lock"
SOURCE = "src"
_SECOND = 1_000_000_000


def next_stamp(home: Path) -> int:
    """A time in ns since the epoch, later than any that this gave for *home* before."""
    lock = home / LOCK
    stamp = max(time.time_ns(), lock.stat().st_mtime_ns + 1)
    _set_time(lock, stamp)
    return stamp


def place(home: Path, target: Path, data: bytes, executable: bool) -> None:
    """Replace *target*, somewhere under *home*, by *data* at one stroke, with a new time."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=home, prefix=".place.")
        try:
            with os.fdopen(fd, "wb") as stream:
                stream.write(data)
            Path(name).chmod(0o755 if executable else 0o644)
            _set_time(Path(name), next_stamp(home))
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InfraError(f"{target}: cannot be written: {error.strerror}") from error


def sweep(home: Path) -> None:
    """Remove what a killed :func:`place` has left."""
    for left in home.glob(".place.*"):
        left.unlink(missing_ok=True)


def _set_time(file: Path, stamp: int) -> None:
    os.utime(file, ns=(stamp, stamp))
    if file.stat().st_mtime_ns < stamp:  # cut to seconds: the next whole one is later than all before
        later = (stamp // _SECOND + 1) * _SECOND
        os.utime(file, ns=(later, later))
