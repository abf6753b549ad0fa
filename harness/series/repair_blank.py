# SPDX-License-Identifier: GPL-2.0-only
"""Where among added lines a blank context line goes that was dropped.

The file says between which of its lines it is; where lines are added in the same place, before or after
which of them is open. The form of a diff decides most of it: three context lines at each end of a hunk
(fewer only at the file's), removed lines before added ones, and no change that could be moved over a blank
line to meet the next, because diff would have moved it. The rest is where kernel code has blank lines
(:mod:`harness.series.repair_taste`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, pairwise
from math import comb, exp

import msgspec

from harness.series.repair_align import Row
from harness.series.repair_taste import Between, Taste, signs

_CONTEXT = 3
"""context lines around a change, as diff has it unless told otherwise"""
_WAYS = 4000
"""ways to place the blanks of one place; where there are more, only the likelier lines are tried"""


_Places = dict[tuple[int, int], list[Row]]
"""filled-in blanks by the lines that they are at: first, and behind the last"""
_Edge = dict[tuple[int, int], int]


class Window(msgspec.Struct, frozen=True):
    """Added lines and removed blank ones in a row, and the dropped blanks before, among or behind them."""

    rest: tuple[Row, ...]
    """the hunk without dropped blanks"""
    first: int
    stop: int
    """the lines are ``rest[first:stop]``"""
    begin: int
    end: int
    """the same with what is changed beside them and surely not parted from them: ``rest[begin:end]``"""
    blanks: tuple[Row, ...]
    lead: int | None
    """context lines from the hunk's start to the first added one; None where a change is before"""
    trail: int | None
    """context lines behind, to the hunk's end; None where another change follows"""


class Way(msgspec.Struct, frozen=True):
    """One way to place a window's blanks."""

    slots: tuple[int, ...]
    """for each blank, how many of the lines are before it"""
    signs: tuple[str, ...]
    result: tuple[int, ...]
    """the same for all ways that lead to the same new file"""


def settle(rows: Sequence[Row], length: int, taste: Taste) -> tuple[list[Row], dict[int, float]]:
    """*rows* with each filled-in blank at its likeliest place; by number, how sure that is.

    *length* is that of the file in lines: at its ends a hunk has less context. A confidence of 1 is where
    the form of a diff leaves one place only.
    """
    rest = [row for row in rows if not row.filled]
    before: dict[int, list[tuple[Row, float]]] = defaultdict(list)
    for window in windows(rows, length):
        slots, sure = _chosen(window, ways(window, taste), taste)
        for blank, slot in zip(window.blanks, slots, strict=True):
            before[window.first + slot].append((blank, sure))
    out: list[Row] = []
    confidence: dict[int, float] = {}
    for at in range(len(rest) + 1):
        for blank, sure in before.get(at, ()):
            confidence[len(out)] = sure
            out.append(blank)
        out += rest[at : at + 1]
    return _in_order(out), confidence


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """*rows* with the file's lines in the file's order: a kept blank may have passed a removed one."""
    old = iter(sorted((row for row in rows if row.at >= 0), key=lambda row: row.at))
    return [
        msgspec.structs.replace(row, text=(line := next(old)).text, at=line.at) if row.at >= 0 else row
        for row in rows
    ]


def windows(rows: Sequence[Row], length: int) -> Iterator[Window]:
    """The places of *rows* that have filled-in blanks, in order."""
    rest = tuple(row for row in rows if not row.filled)
    places: _Places = {}
    at = 0
    for row in rows:
        if not row.filled:
            at += 1
            continue
        first = stop = at
        while first and _open(rest[first - 1]):
            first -= 1
        while stop < len(rest) and _open(rest[stop]):
            stop += 1
        places.setdefault((first, stop), []).append(row)
    leads, trails = _edges(rows, rest, places, length)
    for key, blanks in places.items():
        begin, end = _beside(rest, key, {at for other in places if other != key for at in other})
        yield Window(rest, *key, begin, end, tuple(blanks), leads.get(key), trails.get(key))


def _beside(rest: Sequence[Row], place: tuple[int, int], others: set[int]) -> tuple[int, int]:
    """*place* with the changed lines on both sides, as far as no other dropped blank comes between."""
    begin, end = place
    while begin and begin not in others and rest[begin - 1].mark == "-":
        begin -= 1
    while end < len(rest) and end not in others and rest[end].mark != " ":
        end += 1
    return begin, end


def _open(row: Row) -> bool:
    """True for a row that a dropped blank may be on either side of: the file has no line here, or a blank."""
    return row.mark == "+" or (row.mark == "-" and not row.text.strip())


def _edges(rows: Sequence[Row], rest: Sequence[Row], places: _Places, length: int) -> tuple[_Edge, _Edge]:
    """The context at the hunk's two ends, for the place that the ambiguity of each is at.

    Neither, if one end that nothing is open about does not have the lines that it should have: the patch was
    not made with the usual context, and then the other end proves nothing.
    """
    changes = [number for number, row in enumerate(rest) if row.mark != " "]
    numbers = [row.at for row in rows if row.at >= 0]
    if not changes:
        return {}, {}
    begin, end = changes[0], changes[-1] + 1
    lead = begin + sum(len(blanks) for (first, stop), blanks in places.items() if first == stop <= begin)
    trail = (
        len(rest) - end + sum(len(found) for (first, stop), found in places.items() if first == stop >= end)
    )
    whole = []
    found: list[_Edge] = []
    for context, at_file, place in (
        (lead, numbers[0] == 0, next((key for key in places if key[0] == begin < key[1]), None)),
        (trail, numbers[-1] == length - 1, next((key for key in places if key[0] < end == key[1]), None)),
    ):
        short = at_file and context < _CONTEXT
        whole.append(place is not None or short or context == _CONTEXT)
        found.append({place: context} if place is not None and not short else {})
    return (found[0], found[1]) if all(whole) else ({}, {})


def ways(window: Window, taste: Taste) -> list[Way]:
    """The ways that a diff may have; all, where the hunk is not of the usual form."""
    slots = [_seen(window, slot) for slot in range(window.stop - window.first + 1)]
    tried = list(combinations_with_replacement(_likely(slots, len(window.blanks), taste), len(window.blanks)))
    found = [way for way in tried if _is_diff(window, way) and _has_context(window, way)]
    return [
        Way(
            way,
            tuple(name for slot in way for name in slots[slot])
            + tuple("two together" for one, other in pairwise(way) if one == other),
            tuple(settled(window, slot) for slot in way),
        )
        for way in found or [way for way in tried if _is_diff(window, way)] or tried
    ]


def _likely(slots: Sequence[Sequence[str]], blanks: int, taste: Taste) -> list[int]:
    """The slots to try: all, or the first, the last and the likeliest."""
    order = sorted(range(len(slots)), key=lambda slot: -_score(slots[slot], taste))
    order = list(dict.fromkeys([0, len(slots) - 1, *order]))
    while len(order) > 2 and comb(len(order) + blanks - 1, blanks) > _WAYS:  # noqa: PLR2004  (the two ends)
        order.pop()
    return sorted(order)


def _has_context(window: Window, way: Sequence[int]) -> bool:
    """True if the hunk has the context lines at its ends that diff gives it."""
    last = window.stop - window.first
    before = window.lead is None or window.lead + sum(slot == 0 for slot in way) == _CONTEXT
    return before and (window.trail is None or window.trail + sum(slot == last for slot in way) == _CONTEXT)


def _is_diff(window: Window, way: Sequence[int]) -> bool:
    """True if diff could have put it so.

    An added line is never right before a removed one. Where blanks part two changes, the first does not begin
    with as many, nor does the second end with them, on either side: diff moves a change as far as the lines
    are the same, to make one of two (git's xdl_change_compact, GNU diff's shift_boundaries).
    """
    changes = _changes(window, way)
    if any(("+", "-") in pairwise(row.mark for row in change) for change, _ in changes):
        return False
    return not any(
        _blank([row for row in one if row.mark == mark][:between])
        or _blank([row for row in other if row.mark == mark][-between:])
        for (one, between), (other, _) in pairwise(changes)
        for mark in "-+"
        if all(any(row.mark == mark for row in change) for change in (one, other))
    )


def _blank(rows: Sequence[Row]) -> bool:
    return not any(row.text.strip() for row in rows)


def _changes(window: Window, way: Sequence[int]) -> list[tuple[Sequence[Row], int]]:
    """The changes into which the blanks part the window and what is changed beside it; blanks behind each."""
    rest = window.rest
    cuts = [window.begin, *(window.first + slot for slot in sorted(set(way))), window.end]
    counts = [sum(window.first + slot == cut for slot in way) for cut in cuts[1:]]
    return [
        (rest[start:stop], count)
        for (start, stop), count in zip(pairwise(cuts), counts, strict=True)
        if start < stop
    ]


def settled(window: Window, slot: int) -> int:
    """The first slot that is the same in the new file: a blank among blanks may be any of them."""
    while slot and not window.rest[window.first + slot - 1].text.strip():
        slot -= 1
    return slot


def _seen(window: Window, slot: int) -> list[str]:
    """The signs that hold for a blank in *slot*."""
    at = window.first + slot
    above = [row.text for row in window.rest[:at] if row.mark != "-"][-2:]
    below = next((row.text for row in window.rest[at:] if row.mark != "-"), "")
    place = Between(above[0] if above[1:] else "", above[-1] if above else "", below)
    names = [name for name, holds in signs(place).items() if holds]
    if at == window.stop:
        return [*names, "last"]
    if at and window.rest[at - 1].mark == "-":
        return [*names, "first behind removed"]
    return [*names, "parts the change" if slot else "first"]


def _score(names: Sequence[str], taste: Taste) -> float:
    return sum(taste[name].weight for name in names)


def _chosen(window: Window, possible: Sequence[Way], taste: Taste) -> tuple[tuple[int, ...], float]:
    """The slots of the likeliest way to the likeliest new file, and how sure that file is."""
    if len({way.result for way in possible}) == 1:
        return possible[-1].slots, 1.0
    scores = [_score(way.signs, taste) for way in possible]
    highest = max(scores)
    likelihoods = [exp(score - highest) for score in scores]
    files: dict[tuple[int, ...], float] = defaultdict(float)
    for way, likelihood in zip(possible, likelihoods, strict=True):
        files[way.result] += likelihood
    result = max(files, key=lambda one: files[one])
    best = max(
        (number for number, way in enumerate(possible) if way.result == result),
        key=lambda number: likelihoods[number],
    )
    return possible[best].slots, files[result] / sum(likelihoods)
