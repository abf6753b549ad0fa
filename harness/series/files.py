# SPDX-License-Identifier: GPL-2.0-only
"""The bytes of what the user names as a series, bounded, with one-line errors for what is no text."""

from __future__ import annotations

import stat
from pathlib import Path

from harness.errors import UserError

LIMIT = 64 << 20
"""bytes; linux-mm's whole mmotm (474 patches) is under 2 MB"""


def read_bounded(path: Path, limit: int = LIMIT) -> bytes:
    """The contents of a regular file of at most *limit* bytes; UserError when it is anything else."""
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
    if not data.strip():
        raise UserError(f"{path}: empty; give a file with a diff in it")
    if b"\0" in data:
        raise UserError(f"{path}: binary (there are NUL bytes in it); give the patch as plain text")
    return data
