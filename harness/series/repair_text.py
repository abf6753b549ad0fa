# SPDX-License-Identifier: GPL-2.0-only
"""Lines of damaged patches and of files, compared by what white space cannot change."""

from __future__ import annotations

import re

TAB = 8
_ADDRESS = re.compile(r"@[\w.-]{1,200}")
_RUN = re.compile(r"[ \t\r\f\v]+")
_LEAD = re.compile(r"[ \t]*")


def key(line: str) -> str:
    """*line* without white space, and without the host of a mail address, which archives cross out."""
    bare = "".join(line.split())
    return _ADDRESS.sub("@", bare) if "@" in bare else bare


def single(line: str) -> str:
    """*line* with each run of blanks as one, and none at its ends: all that an archive leaves of it."""
    return _RUN.sub(" ", line).strip(" ")


def lead(line: str) -> str:
    """The blanks that *line* begins with."""
    found = _LEAD.match(line)
    return found.group() if found else ""


def width(text: str) -> int:
    """Columns that *text* takes from column 0 on, tabs being 8 wide."""
    at = 0
    for part in text.split("\t")[:-1]:
        at = (at + len(part)) // TAB * TAB + TAB
    return at + len(text) - text.rfind("\t") - 1


def to_column(column: int) -> str:
    """The blanks from column 0 to *column* as the kernel writes them: tabs, then fewer than 8 spaces."""
    return "\t" * (column // TAB) + " " * (column % TAB)
