# SPDX-License-Identifier: GPL-2.0-only
"""quilt's ``series`` file: one patch a line, ``#`` comments, ``-pN`` after the name (quilt(1))."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from harness.errors import UserError
from harness.series.files import read_bounded

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_LEVEL = re.compile(r"-p(ab|\d{1,2})$")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One patch of the stack."""

    path: Path
    level: int | None
    """of ``-pN``; None when the line does not say"""


def series_file(directory: Path) -> Path | None:
    """The series file of a quilt directory, or of a tree whose patches/ is one."""
    candidates = (directory / "series", directory / "patches" / "series")
    return next((path for path in candidates if path.is_file()), None)


def read_stack(series: Path) -> list[Entry]:
    """The patches that *series* names, in order. UserError, with the line, for one that is not there."""
    lines = read_bounded(series).decode("utf-8", "replace").splitlines()
    entries = [_entry(series, number, line) for number, line in enumerate(lines, 1)]
    stack = [entry for entry in entries if entry is not None]
    if not stack:
        raise UserError(f"{series}: names no patch; add one a line")
    return stack


def _entry(series: Path, number: int, line: str) -> Entry | None:
    words = _COMMENT.sub("", line).split()
    if not words:
        return None
    name, options = words[0], words[1:]
    level = None
    for option in options:
        found = _LEVEL.match(option)
        if not found:
            raise UserError(f"{series}:{number}: {option!a} is not understood; only -pN may follow a name")
        level = 1 if found[1] == "ab" else int(found[1])
    path = series.parent / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"{series}:{number}: {name!a} lies outside the directory; move the patch into it")
    if not path.exists():
        raise UserError(f"{series}:{number}: patch {name!a} is not there; add the file or take out the line")
    return Entry(path=path, level=level)
