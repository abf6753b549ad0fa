# SPDX-License-Identifier: GPL-2.0-only
"""The bytes of what the user names as a series, unpacked and bounded; one-line errors for what is no text."""

from __future__ import annotations

import codecs
import stat
from pathlib import Path

from harness.errors import UserError
from harness.series.packed import unpacked

LIMIT = 64 << 20
"""bytes; linux-mm's whole mmotm (474 patches) is under 2 MB"""


def read_bounded(path: Path, limit: int = LIMIT) -> bytes:
    """The text in a regular file of at most *limit* bytes, also unpacked; UserError for anything else."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"{path}: not a regular file; give a patch, a mailbox or a directory of patches")
        if found.st_size > limit:
            raise UserError(
                f"{path}: {found.st_size / 2**20:.0f} MiB, over the {limit >> 20} MiB that a series may be; "
                "give the patches alone"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file or directory; give a patch, a mailbox or a directory"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; mend its permissions") from error
    data = _as_utf8(unpacked(path, data, limit))
    if not data.strip():
        raise UserError(f"{path}: empty; give a file with a diff in it")
    if b"\0" in data:
        raise UserError(f"{path}: binary (there are NUL bytes in it); give the patch as plain text")
    return data


def _as_utf8(data: bytes) -> bytes:
    """*data* in UTF-8 where it begins as UTF-16 does: what ``git diff > x`` makes in PowerShell."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        return data.decode("utf-16").encode()
    except ValueError:
        return data


def read_all(source: Path, paths: list[Path]) -> list[bytes]:
    """The contents of *paths*, files of *source*; UserError when they are more than a series may be."""
    found: list[bytes] = []
    left = LIMIT
    for path in paths:
        found.append(read_bounded(path))
        left -= len(found[-1])
        if left < 0:
            raise UserError(
                f"{source}: more than the {LIMIT >> 20} MiB that a series may have; "
                "give fewer patches at once"
            )
    return found
