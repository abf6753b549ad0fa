# SPDX-License-Identifier: GPL-2.0-only
"""Which patch of a series put a line where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from harness.tree.model import Overlay


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
