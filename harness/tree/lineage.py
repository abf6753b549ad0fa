# SPDX-License-Identifier: GPL-2.0-only
"""Which patch of a series put a line where it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher, unified_diff

from harness.tree.model import Overlay

_HEADER = re.compile(r"@@ -[0-9,]+ \+(\d+)(?:,(\d+))? @@")


def patch_of_line(
    prefixes: Sequence[Overlay], read: Callable[[str], bytes | None], path: str, line: int
) -> int:
    """The number (1-based) of the patch that wrote *line* of *path*; 0 for a line of the tree itself.

    ``prefixes[k]`` lays the first k patches over the tree that *read* reads; the line is that of the
    last one. Lines are followed backwards from state to state, as difflib pairs them.
    """
    states = [prefix[path] if path in prefix else read(path) for prefix in prefixes]
    lines = [(state or b"").split(b"\n") for state in states]
    if not 1 <= line <= len(lines[-1]):
        return 0
    at = line - 1
    for number in range(len(lines) - 1, 0, -1):
        before, after = lines[number - 1], lines[number]
        if before == after:
            continue
        blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
        kept = next((block for block in blocks if block.b <= at < block.b + block.size), None)
        if kept is None:
            return number
        at = kept.a + at - kept.b
    return 0


def hunk_at(before: bytes | None, after: bytes | None, path: str, line: int) -> str:
    """The hunk that turns *before* into *after* and has *line* (1-based, of *after*) in it; "" if none has.

    With three lines of context, as diff -u prints it; bytes that are not UTF-8 are replaced.
    """
    old, new = (
        (state or b"").decode("utf-8", "replace").splitlines(keepends=True) for state in (before, after)
    )
    hunk: list[str] = []
    found = ""
    for text in (*unified_diff(old, new, f"a/{path}", f"b/{path}"), "@@"):
        if text.startswith("@@"):
            found = found or ("".join(hunk) if hunk and _covers(hunk[0], line) else "")
            hunk = []
        if text.startswith("@@") or hunk:
            hunk.append(text)
    return found


def _covers(header: str, line: int) -> bool:
    at = _HEADER.match(header)
    if at is None:
        return False
    first, count = int(at.group(1)), int(at.group(2) or 1)
    return first <= line < first + count
