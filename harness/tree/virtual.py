# SPDX-License-Identifier: GPL-2.0-only
"""The virtual base of a hunk that is not in the file byte for byte.

The hunk's own old side is laid over the stretch of the file that it aligns to: that is the file as the
patch's context says it was. The hunk goes onto that exactly, and what it changes there is merged with
what the file has there. Between the two sides stands one rule: the removed lines of a change, with the
line before and the line after, must stand in the file just so; else the change is a conflict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from harness.series.hunks import HunkLines
from harness.tree.align import Alignment, align, align_at, whole
from harness.tree.change import Change, changed, changes_of
from harness.tree.exact import allowed, expected, heading
from harness.tree.image import PLACES, Image
from harness.tree.model import Conflict
from harness.tree.quote import escaped

_ENOUGH = 0.5
"""share of what its lines tell, which the best place has to have"""
_BITS = 6.0
"""what the best place has to tell beyond two lines that stand nowhere else in the file"""
_RIVAL = 0.6
"""share of the best place's score, from which another place could be the one meant"""
_THERE = 0.7
"""share of what the added lines tell, from which the hunk counts as applied already"""
_TELLS = 1.0
"""bits from which a line is more than a brace or a blank line"""
_PROVES = 4.0
"""bits from which removed lines prove their place; insertions are proven from both sides"""
_MOST_LINES = 40
_FUZZ = 2

Span = tuple[int, int]
"""first line (0-based) and end"""


class Edit(msgspec.Struct, frozen=True):
    """Lines ``first`` to ``end`` of a file become ``lines``."""

    first: int
    end: int
    lines: tuple[bytes, ...]


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A hunk laid over a file."""

    region: Span = (0, 0)
    """what its old side takes the place of in the virtual base"""
    edits: tuple[Edit, ...] = ()
    """what it changes in the file; in a conflict, the patch's side"""
    offset: int = 0
    fuzz: int = -1
    """context lines at its ends that are others; -1 where the difference is of another kind"""
    conflicts: tuple[Conflict, ...] = ()
    options: tuple[int, ...] = ()
    """0-based places among which nothing decides; then it was not laid anywhere"""
    there: bool = False
    """what it adds is in the file already; then it was not laid anywhere"""
    found: bool = True
    """False: there is no place, or there are ``options``, or it is ``there``"""


def lay_over(image: Image, hunk: HunkLines, window: Span) -> Laid:
    """Lay *hunk* over the one place within *window* where it can belong."""
    named = image.spans(heading(hunk))  # none: the function has another name now, the lines have to tell
    here = [(max(first, window[0]), min(end, window[1])) for first, end in named]
    spans = [span for span in here if span[0] < span[1]] or named or [window]
    best = align(image, hunk.old, spans)
    least = _BITS + 2 * math.log2(len(image.lines) + 1)
    if best.score < max(least, _ENOUGH * whole(image, hunk.old)):
        return Laid(found=False)
    if not _edges_allowed(image, hunk, best.pairs):
        return Laid(found=False)
    if _is_there(image, hunk, best, spans):
        return Laid(found=False, there=True)
    rivals = tuple(_rivals(image, hunk, best, spans))
    if image.exhausted:
        return Laid(found=False)
    if rivals:
        return Laid(found=False, options=tuple(sorted({_begin(best.pairs), *rivals})))
    places = best.pairs.values()
    inside = window[0] <= min(places) and max(places) < window[1]  # not so where the function has moved
    return _merged(image, hunk, best.pairs, window if inside else (0, len(image.lines)))


def _is_there(image: Image, hunk: HunkLines, best: Alignment, spans: list[Span]) -> bool:
    """True when the file has the hunk's new side rather than its old one, with most of what it adds."""
    done = align(image, hunk.new, spans)
    if done.score <= best.score:
        return False
    weight = met = 0.0
    shift = 0
    for change in changes_of(hunk):
        first = change.first + shift
        for step in range(first, first + len(change.added)):
            told = image.weight(hunk.new[step])
            weight += told
            met += told if step in done.pairs else 0.0
        shift += len(change.added) - (change.last - change.first)
    return weight > 0 and met >= _THERE * weight


def _begin(pairs: dict[int, int]) -> int:
    step, at = next(iter(pairs.items()))
    return max(0, at - step)


def _rivals(image: Image, hunk: HunkLines, best: Alignment, spans: list[Span]) -> Iterator[int]:
    """Where else the hunk, or one of its changes with all the rest around it, would do nearly as well."""
    other = align(image, hunk.old, spans, set(best.pairs.values()))
    if other.score >= _RIVAL * best.score:
        yield _begin(other.pairs)
    for change in changes_of(hunk):
        first, end = change.core(len(hunk.old))
        if not _stands(best.pairs, first, end):
            continue
        places = image.find(hunk.old[first:end])
        if len(places) > PLACES:
            yield from places[:1]
        for at in places:
            if at == best.pairs[first] or not any(low <= at < high for low, high in spans):
                continue
            if align_at(image, hunk.old, (first, end), at).score >= _RIVAL * best.score:
                yield max(0, at - first)


def _edges_allowed(image: Image, hunk: HunkLines, pairs: dict[int, int]) -> bool:
    """A change at the hunk's very edge has no line beside it to tell; git's rule is all there is then."""
    changes, count = changes_of(hunk), len(hunk.old)
    if changes[0].first and changes[-1].last < count:
        return True
    return len(pairs) == count and allowed(_begin(pairs), hunk, image)


def _stands(pairs: dict[int, int], first: int, end: int) -> bool:
    """True when lines *first* to *end* of the old side are in the file, one right after the other."""
    at = pairs.get(first)
    return at is not None and all(pairs.get(step) == at + step - first for step in range(first, end))


def _merged(image: Image, hunk: HunkLines, pairs: dict[int, int], window: Span) -> Laid:
    """Put each change in at its place; those that have none make conflicts."""
    changes, count = changes_of(hunk), len(hunk.old)
    region = _region(pairs, count, window)
    good = [change for change in changes if _proven(image, hunk, pairs, change)]
    edits = [_edit(pairs, change) for change in good]
    conflicts = []
    for first, end in _regions(pairs, count, [change for change in changes if change not in good]):
        here = (
            pairs[first - 1] + 1 if first else region[0],
            pairs[end] if end < count else region[1],
        )
        theirs = changed(hunk.old, changes, first, end)
        edits.append(Edit(*here, theirs))
        conflicts.append(_conflict(image, here, hunk.old[first:end], theirs))
    step, at = next(iter(pairs.items()))
    return Laid(
        region=region,
        edits=tuple(sorted(edits, key=lambda edit: (edit.first, edit.end))),
        offset=at - step - expected(hunk),
        fuzz=_fuzz(pairs, changes, count),
        conflicts=tuple(conflicts),
    )


def _region(pairs: dict[int, int], count: int, window: Span) -> Span:
    """From the first matched line to the last; lines not matched beyond these stand for as many others."""
    (first, at), (last, end) = next(iter(pairs.items())), next(reversed(pairs.items()))
    return max(window[0], at - first), min(window[1], end + count - last)


def _proven(image: Image, hunk: HunkLines, pairs: dict[int, int], change: Change) -> bool:
    first, end = change.core(len(hunk.old))
    if not _stands(pairs, first, end):
        return False
    if sum(map(image.weight, hunk.old[change.first : change.last])) >= _PROVES:
        return True
    before = range(change.first - 1, -1, -1)
    return _tells(image, hunk, pairs, before) and _tells(
        image, hunk, pairs, range(change.last, len(hunk.old))
    )


def _tells(image: Image, hunk: HunkLines, pairs: dict[int, int], side: range) -> bool:
    """True when the first telling line on one *side* of a change is in the file, next to it but for
    lines that tell nothing; or when the hunk has no telling line on that side."""
    step = next((step for step in side if image.weight(hunk.old[step]) >= _TELLS), None)
    if step is None:
        return True
    if step not in pairs:
        return False
    low, high = sorted((pairs[step], pairs[side[0]]))
    return all(image.weight(line) < _TELLS for line in image.lines[low + 1 : high])


def _edit(pairs: dict[int, int], change: Change) -> Edit:
    at = pairs[change.first - 1] + 1 if change.first else pairs[0]
    return Edit(at, at + change.last - change.first, change.added)


def _regions(pairs: dict[int, int], count: int, changes: list[Change]) -> list[Span]:
    """The stretches of the old side between matched lines that *changes* lie in, each once."""
    found: list[Span] = []
    for change in changes:
        first = next((step + 1 for step in range(change.first - 1, -1, -1) if step in pairs), 0)
        end = next((step for step in range(change.last, count) if step in pairs), count)
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found


def _conflict(image: Image, here: Span, base: tuple[bytes, ...], theirs: tuple[bytes, ...]) -> Conflict:
    return Conflict(
        line=here[0] + 1,
        count=here[1] - here[0],
        ours=_bounded(tuple(image.lines[here[0] : here[1]])),
        base=_bounded(base),
        theirs=_bounded(theirs),
    )


def _bounded(lines: tuple[bytes, ...]) -> tuple[str, ...]:
    shown = tuple(map(escaped, lines[:_MOST_LINES]))
    return shown if len(lines) <= _MOST_LINES else (*shown, f"... {len(lines) - _MOST_LINES} more lines")


def _fuzz(pairs: dict[int, int], changes: tuple[Change, ...], count: int) -> int:
    """How many context lines at the ends are others, if that is all that differs; else -1."""
    first, last = next(iter(pairs)), next(reversed(pairs))
    fuzz = max(first, count - 1 - last)
    inner = first < changes[0].first and changes[-1].last <= last
    return fuzz if fuzz <= _FUZZ and inner and _stands(pairs, first, last + 1) else -1
