# SPDX-License-Identifier: GPL-2.0-only
"""The old side of a hunk laid over a file that is not quite the one it was made from.

Lines are matched in order, each at most once. A match is worth what its line tells (Image.weight);
each break, where lines of either side are passed over, costs. The best sum is found by dynamic
programming over the pairs of equal lines (Hunt and Szymanski, CACM 20, 1977, with weights), in the
neighbourhoods in which most of the hunk stands.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from harness.tree.image import PLACES, Image

_BREAK = 2.0
_SKIP = 0.05
"""a line of the file passed over, in bits: nearer lines go together"""
_SLACK = 60
"""how many lines a hunk may have lost or gained in the file"""
_NEIGHBOURHOODS = 4
_PAIRS = 3000
"""beyond these the hunk's lines stand everywhere; a sum over them proves nothing"""


class Alignment(msgspec.Struct, frozen=True):
    """``pairs``: position in the file by position in the old side; ``score`` in bits."""

    score: float
    pairs: dict[int, int]


NOTHING = Alignment(0.0, {})


def align(
    image: Image, old: tuple[bytes, ...], spans: list[tuple[int, int]], without: Collection[int] = ()
) -> Alignment:
    """The best alignment of *old* within *spans* (first line, end), to no line of *without*.

    :data:`NOTHING` when there is none, and when the image is exhausted.
    """
    weights = [image.weight(line) for line in old]
    best = NOTHING
    for low, high in _neighbourhoods(image, old, weights, spans, without):
        pairs = _pairs(image, old, weights, (low, high), without)
        if not image.spend(len(pairs)):
            return NOTHING
        found = _best(pairs, weights, (low, high))
        if found.score > best.score:
            best = found
    return best


def whole(image: Image, old: tuple[bytes, ...]) -> float:
    """What *old* would score if every line of it were there."""
    return sum(map(image.weight, old))


def _neighbourhoods(
    image: Image,
    old: tuple[bytes, ...],
    weights: list[float],
    spans: list[tuple[int, int]],
    without: Collection[int],
) -> list[tuple[int, int]]:
    """Stretches of the file, within *spans*, where most of *old* is found at about the same distance."""
    votes: list[tuple[int, float]] = []
    for step, line in enumerate(old):
        places = image.places.get(line, ())
        if weights[step] >= 1.0 and len(places) <= PLACES:
            votes += [
                (at - step, weights[step])
                for at in places
                if at not in without and any(low <= at < high for low, high in spans)
            ]
    votes.sort()
    found: list[tuple[int, int]] = []
    for _ in range(_NEIGHBOURHOODS):
        shift = _most_voted(votes)
        if shift is None:
            break
        votes = [vote for vote in votes if not shift <= vote[0] <= shift + _SLACK]
        low, high = max(0, shift - _SLACK), min(len(image.lines), shift + 2 * _SLACK + len(old))
        found += [(max(low, first), min(high, end)) for first, end in spans if first < high and low < end]
    return found


def _most_voted(votes: list[tuple[int, float]]) -> int | None:
    """The first of the _SLACK distances that got most votes; *votes* are sorted."""
    best, best_shift = 0.0, None
    total, first = 0.0, 0
    for shift, weight in votes:
        total += weight
        while votes[first][0] < shift - _SLACK:
            total -= votes[first][1]
            first += 1
        if total > best + 1e-9:
            best, best_shift = total, votes[first][0]
    return best_shift


def align_at(image: Image, old: tuple[bytes, ...], core: tuple[int, int], at: int) -> Alignment:
    """The best alignment of *old* that has its lines *core* (first, end) just at *at*."""
    weights = [image.weight(line) for line in old]
    first, end = core
    low = max(0, at - first - _SLACK)
    high = min(len(image.lines), at + len(old) - first + _SLACK)
    pinned = [(step, at + step - first) for step in range(first, end)]
    after = at + end - first
    pairs = [
        (step, place)
        for step, place in _pairs(image, old, weights, (low, high), ())
        if (step < first and place < at) or (step >= end and place >= after)
    ]
    if not image.spend(len(pairs)):
        return NOTHING
    return _best(sorted(pairs + pinned), weights, (low, high))


def _best(pairs: list[tuple[int, int]], weights: list[float], span: tuple[int, int]) -> Alignment:
    """The chain of *pairs* (ordered, within *span* of the file) with the highest score."""
    scores: list[float] = []
    before: list[int] = []
    index = {pair: number for number, pair in enumerate(pairs)}
    ahead = _Ahead(span)
    row: list[int] = []
    for number, (step, at) in enumerate(pairs):
        if row and pairs[row[0]][0] != step:  # a row's pairs do not follow each other
            for known in row:
                ahead.add(pairs[known][1], scores[known] + _SKIP * pairs[known][1], known)
            row = []
        row.append(number)
        found, known = ahead.best(at)
        best, previous = (found - _SKIP * at - _BREAK, known) if known >= 0 else (0.0, -1)
        beside = index.get((step - 1, at - 1), -1)
        if beside >= 0 and scores[beside] >= best:
            best, previous = scores[beside], beside
        if best < 0:
            best, previous = 0.0, -1
        scores.append(best + weights[step])
        before.append(previous)
    return _traced(pairs, scores, before)


def _pairs(
    image: Image,
    old: tuple[bytes, ...],
    weights: list[float],
    span: tuple[int, int],
    without: Collection[int],
) -> list[tuple[int, int]]:
    """Every (position in *old*, position in the file) of equal lines, ordered; empty when they are too many.

    Braces and blank lines stand everywhere; they are paired only at distances at which other lines are.
    """
    low, high = span
    here: dict[bytes, list[int]] = {}
    for at in range(low, high):
        if at not in without:
            here.setdefault(image.lines[at], []).append(at)
    pairs: list[tuple[int, int]] = []
    for step, line in enumerate(old):
        if weights[step] >= 1.0:
            pairs += [(step, at) for at in here.get(line, ())]
        if len(pairs) > _PAIRS:
            return []
    shifts = {at - step for step, at in pairs}
    for step, line in enumerate(old):
        if weights[step] < 1.0:
            pairs += [(step, at) for at in here.get(line, ()) if at - step in shifts]
    return sorted(pairs) if len(pairs) <= 2 * _PAIRS else []


class _Ahead:
    """The best score among the lines before one: a Fenwick tree over a span of the file."""

    def __init__(self, span: tuple[int, int]) -> None:
        self._low = span[0]
        self._tree: list[tuple[float, int]] = [(float("-inf"), -1)] * (span[1] - span[0] + 1)

    def add(self, at: int, score: float, number: int) -> None:
        place = at - self._low + 1
        while place < len(self._tree):
            if score > self._tree[place][0]:
                self._tree[place] = (score, number)
            place += place & -place

    def best(self, at: int) -> tuple[float, int]:
        """Among those added at lines before *at*."""
        place = at - self._low
        found = (float("-inf"), -1)
        while place > 0:
            if self._tree[place][0] > found[0]:
                found = self._tree[place]
            place &= place - 1
        return found


def _traced(pairs: list[tuple[int, int]], scores: list[float], before: list[int]) -> Alignment:
    if not pairs:
        return NOTHING
    number = max(range(len(pairs)), key=scores.__getitem__)
    best = scores[number]
    found: list[tuple[int, int]] = []
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return Alignment(best, dict(reversed(found)))
