# SPDX-License-Identifier: GPL-2.0-only
"""What a build that was killed may have left half written, and the removal of it."""

from __future__ import annotations

import os
from pathlib import Path

_PREFIX, _SUFFIX = ".", ".cmd"


def remove_half_written(build_dir: Path, since: float) -> int:
    """Remove the targets that a killed build was at; the number removed. *since* is when it began.

    kbuild writes ``.X.cmd`` after X (scripts/Kbuild.include, if_changed), so a finished X is no
    younger than its .cmd. make removes a target when it is interrupted, but not when it is
    killed: the truncated X is then younger than its sources, the .cmd of the build before still
    matches, and make would take X for done. An X without .cmd is made again by kbuild itself,
    but removed all the same where it carries the suffix of an object or archive.
    """
    removed = 0
    for directory, _names, files in os.walk(build_dir):
        present = set(files)
        for name in files:
            path = Path(directory, name)
            command = f"{_PREFIX}{name}{_SUFFIX}"
            if command not in present and not name.endswith((".o", ".a")):
                continue
            written = path.lstat().st_mtime
            if written < since:
                continue
            if command not in present or written > Path(directory, command).lstat().st_mtime:
                path.unlink()
                removed += 1
    return removed
