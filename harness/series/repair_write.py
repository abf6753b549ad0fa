# SPDX-License-Identifier: GPL-2.0-only
"""Repaired hunks as a diff in the one form that a patch has (harness.series.model.Patch.diff)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.series.model import FileChange
from harness.series.names import DEV_NULL
from harness.series.repair_indent import Line

_NO_NEWLINE = "\\ No newline at end of file"


def section(change: FileChange, hunks: Sequence[str]) -> str:
    """One file's part of a diff, LF ended."""
    head = [f"diff --git a/{change.old_path} b/{change.path}"]
    if change.kind == "renamed":
        head += [f"rename from {change.old_path}", f"rename to {change.path}"]
    elif change.kind == "added":
        head.append("new file mode 100644")
    elif change.kind == "deleted":
        head.append("deleted file mode 100644")
    if hunks:
        head.append(f"--- {DEV_NULL if change.kind == 'added' else _side('a', change.old_path)}")
        head.append(f"+++ {DEV_NULL if change.kind == 'deleted' else _side('b', change.path)}")
    return "\n".join(head) + "\n" + "".join(hunks)


def _side(prefix: str, name: str) -> str:
    return f"{prefix}/{name}\t" if " " in name else f"{prefix}/{name}"


def hunk(lines: Sequence[Line], start: int, shift: int, section_text: str, unended: frozenset[int]) -> str:
    """A hunk with its header counted anew.

    *start* is the 0-based line of the old side, *shift* what the hunks before have added to the file;
    *unended* are the lines, by index, that have no LF.
    """
    old = sum(line.mark != "+" for line in lines)
    new = sum(line.mark != "-" for line in lines)
    behind = f" {section_text}" if section_text else ""
    header = f"@@ -{_range(start, old)} +{_range(start + shift, new)} @@{behind}\n"
    body = []
    for number, line in enumerate(lines):
        body.append(f"{line.mark}{line.text}\n")
        if number in unended:
            body.append(f"{_NO_NEWLINE}\n")
    return header + "".join(body)


def _range(start: int, count: int) -> str:
    """As git writes it: an empty side is named by the line before it, a count of 1 is left out."""
    if count == 0:
        return f"{start},0"
    return f"{start + 1}" if count == 1 else f"{start + 1},{count}"
