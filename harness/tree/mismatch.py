# SPDX-License-Identifier: GPL-2.0-only
"""Why a hunk has no place in a file: the nearest one, and what differs there."""

from __future__ import annotations

from harness.series.hunks import HunkLines
from harness.tree.exact import allowed
from harness.tree.image import Image
from harness.tree.quote import quoted


def mismatch(image: Image, hunk: HunkLines, says: int) -> str:
    """One line; *says* is the 0-based line at which the hunk's header has it begin."""
    if not hunk.old:
        return "adds lines without context to a file that has some already"
    if hunk.new and (done := image.find(hunk.new)):
        return f"is in the tree already, at line {done[0] + 1}"
    if found := image.find(hunk.old):
        if allowed(found[0], hunk, image):
            return f"its lines at line {found[0] + 1} were taken by another hunk"
        where = "the end" if hunk.old_start > 1 else "the beginning"
        return f"its lines stand at line {found[0] + 1}, but without context there they must be at {where}"
    return _difference(image, hunk.old, _nearest(image, hunk.old, says))


def _difference(image: Image, old: tuple[bytes, ...], nearest: int | None) -> str:
    """The first line of *old* that is another one in the file, when it is laid at line *nearest*."""
    if nearest is None:
        return f"expected {quoted(old[0])}, found nothing like it in the file"
    for step, wanted in enumerate(old):
        at = nearest + step
        if at >= len(image.lines):
            return f"expected {quoted(wanted)}, found the end of the file at line {at + 1}"
        if image.lines[at] != wanted:
            return f"expected {quoted(wanted)}, found {quoted(image.lines[at])} at line {at + 1}"
    return f"its lines at line {nearest + 1} were taken by another hunk"


def _nearest(image: Image, wanted: tuple[bytes, ...], says: int) -> int | None:
    """The place where most of *wanted* stands, of equals the one closest to *says*; blank lines apart."""
    score: dict[int, int] = {}
    for step, line in enumerate(wanted):
        if line.strip():
            for at in image.places.get(line, ()):
                if at >= step:
                    score[at - step] = score.get(at - step, 0) + 1
    return min(score, key=lambda at: (-score[at], abs(at - says)), default=None)
