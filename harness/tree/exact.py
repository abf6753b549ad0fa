# SPDX-License-Identifier: GPL-2.0-only
"""The places of hunks whose old side stands in the file byte for byte.

git apply and GNU patch take the nearest such place. It can be the wrong one: a copy of the same lines
in another function, when the file has shifted or the lines that were meant have changed. Here a place
has to be told by something else than the lines: it is the only one, and where the header says; or the
function that the header names; or the shift of the hunks beside it.
"""

from __future__ import annotations

import math
import re

import msgspec

from harness.series.hunks import HunkLines
from harness.tree.align import align, whole
from harness.tree.change import changes_of
from harness.tree.image import PLACES, Image, is_head, named
from harness.tree.quote import name

_LABEL = re.compile(rb"\s*\w{1,100}:\s*")
_COMMENT = (b"/*", b" *")
"""how a comment begins that is not inside a function: there it is indented"""
_STILL = 0.4
"""share of what the hunk's lines tell, from which it can still be where its header says"""
_SHOWN = 5
_BRACES = 1.5
"""bits that a few braces and blank lines tell"""
_BOTH = 2
"""hunks beside one that lies between two"""
_ALIKE = 0.6
"""share of what the hunk's lines tell, from which another place could be the one meant"""


class Exact(msgspec.Struct, frozen=True, kw_only=True):
    """Where one hunk stands byte for byte."""

    at: int = -1
    """0-based; -1 when there is no such place, or none that is proven"""
    options: tuple[int, ...] = ()
    """the places there are, allowed ones only"""
    reason: str = ""
    """why none of ``options`` was taken"""
    ambiguous: bool = False
    """several of ``options`` could be meant; no other place need be looked for"""


def heading(hunk: HunkLines) -> bytes:
    """The function that the header names, as far as it tells where the changes are; else empty.

    It tells nothing when a function begins or ends between the hunk's first line and its first
    change, or the comment above one; nor when ``diff -p`` took a label for a function.
    """
    section = hunk.section.encode("utf-8", "surrogateescape").strip()
    if not section or _LABEL.fullmatch(section[:200]):
        return b""
    change = changes_of(hunk)[0]
    before = (*hunk.old[: change.first], *hunk.old[change.first : change.last][:1], *change.added[:1])
    outside = any(is_head(line) or line.startswith(_COMMENT) for line in before)
    return b"" if outside else section


def expected(hunk: HunkLines) -> int:
    """The 0-based line of the file before the patch at which the header says the hunk begins."""
    return max(0, hunk.old_start - 1)


def allowed(at: int, hunk: HunkLines, image: Image) -> bool:
    """git's rule (apply.c, find_pos of 2.39): without context before it, it is at the file's beginning;
    without context after it, at the end."""
    if not hunk.old and image.lines:
        return False  # git: no context to go by
    at_start = at == 0 or hunk.old_start > 1
    at_end = hunk.trailing > 0 or at + len(hunk.old) == len(image.lines)
    return at_start and at_end


def place_exactly(image: Image, hunks: tuple[HunkLines, ...], same_base: bool) -> list[Exact]:
    """The places of *hunks*; *same_base*: the file is known to be the one that the patch was made from."""
    found = [_alone(image, hunk, same_base) for hunk in hunks]
    shifts = _shifts_beside(hunks, found)
    found = [
        _by_neighbours(image, hunk, place, beside) if place.ambiguous else place
        for hunk, place, beside in zip(hunks, found, shifts, strict=True)
    ]
    shifts = _shifts_beside(hunks, found)
    return [
        place if place.at < 0 else _doubted(image, hunk, place, beside)
        for hunk, place, beside in zip(hunks, found, shifts, strict=True)
    ]


def _shifts_beside(hunks: tuple[HunkLines, ...], found: list[Exact]) -> list[list[int]]:
    """For each hunk, how far the nearest placed hunks before and after it are from where they say."""
    shifts = [
        place.at - expected(hunk) if place.at >= 0 else None for hunk, place in zip(hunks, found, strict=True)
    ]
    beside: list[list[int]] = [[] for _ in hunks]
    for order in (range(len(hunks)), range(len(hunks) - 1, -1, -1)):
        last: int | None = None
        for number in order:
            if last is not None:
                beside[number].append(last)
            last = shifts[number] if shifts[number] is not None else last
    return beside


def _alone(image: Image, hunk: HunkLines, same_base: bool) -> Exact:
    """What the hunk by itself tells."""
    says = expected(hunk)
    options = [at for at in image.find(hunk.old) if allowed(at, hunk, image)]
    if len(options) > PLACES and image.stands(hunk.old, says) and allowed(says, hunk, image):
        options = sorted({*options, says})
    known = tuple(options)
    if same_base and says in options:
        return Exact(at=says, options=known)
    section = heading(hunk)
    if section and image.spans(section):
        options = [at for at in options if named(section, image.head_before(at))]
        if known and not options:
            where = image.head_before(known[0])
            return Exact(options=known, reason=_elsewhere(known[0], where, section))
    if len(options) == 1:
        return Exact(at=options[0], options=known)
    return Exact(options=tuple(options), ambiguous=bool(options), reason=_several(options) if options else "")


def _by_neighbours(image: Image, hunk: HunkLines, place: Exact, beside: list[int]) -> Exact:
    """Of several places the one where the header says, or that has shifted as the hunks on both sides have.

    A shift on one side only proves nothing: lines can have come or gone in between. Nor does the
    header alone, when the lines are a brace and a blank line, say: such a place is met by chance.
    """
    if len(set(beside)) > 1 or (len(beside) == 1 and beside[0]):
        return place
    if len(beside) < _BOTH and not _telling(image, hunk):
        return place
    at = expected(hunk) + sum(set(beside))
    return Exact(at=at, options=place.options) if at in place.options else place


def _doubted(image: Image, hunk: HunkLines, place: Exact, beside: list[int]) -> Exact:
    """A place that is not where the header says is refused if a nearer one nearly fits as well.

    Where no function is named the lines must tell the place, and what stands where the header says
    must not look like the hunk with a line changed since.
    """
    shift = place.at - expected(hunk)
    if not shift or shift in beside:
        return place
    section = heading(hunk)
    inside = image.spans(section) if section else []
    if not inside and not _telling(image, hunk):
        return Exact(options=place.options, ambiguous=True, reason=_anywhere(place.at))
    if not inside and _still_there(image, hunk):
        rival: int | None = expected(hunk)
    else:
        rival = _rival(image, hunk, place, _nearer(inside or [(0, len(image.lines))], hunk, abs(shift)))
    if image.exhausted:
        return Exact(options=place.options, ambiguous=True, reason="too much of the file looks the same")
    if rival is None:
        return place
    options = tuple(sorted((place.at, rival)))
    return Exact(options=options, ambiguous=True, reason=_several(list(options), "nearly "))


def _still_there(image: Image, hunk: HunkLines) -> bool:
    """True when much of the hunk is where the header says, line by line; the rest may have been changed."""
    says = expected(hunk)
    here = image.lines[says : says + len(hunk.old)]
    same = [line for line, other in zip(hunk.old, here, strict=False) if line == other]
    return whole(image, tuple(same)) >= _STILL * whole(image, hunk.old)


def _rival(image: Image, hunk: HunkLines, place: Exact, spans: list[tuple[int, int]]) -> int | None:
    """Where within *spans* the hunk nearly fits too, if anywhere."""
    rival = align(image, hunk.old, spans, range(place.at, place.at + len(hunk.old)))
    if rival.score < _ALIKE * whole(image, hunk.old):
        return None
    step, line = next(iter(rival.pairs.items()))
    return max(0, line - step)


def _nearer(spans: list[tuple[int, int]], hunk: HunkLines, shift: int) -> list[tuple[int, int]]:
    """What of *spans* is no further than *shift* lines from where the header says; others are no likelier."""
    low, high = expected(hunk) - shift, expected(hunk) + shift + len(hunk.old)
    return [(max(low, first), min(high, end)) for first, end in spans if first < high and low < end]


def _telling(image: Image, hunk: HunkLines) -> bool:
    """True when the hunk's lines tell more than one line does that stands once in the file."""
    return whole(image, hunk.old) > math.log2(len(image.lines) + 1) + _BRACES


def _several(options: list[int], how: str = "") -> str:
    shown = ", ".join(str(at + 1) for at in options[:_SHOWN])
    more = f" and {len(options) - _SHOWN} more" if len(options) > _SHOWN else ""
    return f"not where it says, and its lines stand {how}at several places: lines {shown}{more}"


def _anywhere(at: int) -> str:
    return (
        f"not where it says, and its lines, which stand at line {at + 1}, tell too little to prove that place"
    )


def _elsewhere(at: int, head: bytes, section: bytes) -> str:
    return (
        f"its lines stand at line {at + 1}, in {name(head)}, but it says that it belongs to {name(section)}"
    )
