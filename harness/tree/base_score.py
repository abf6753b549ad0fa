# SPDX-License-Identifier: GPL-2.0-only
"""How the hunks of a series go on a file by GNU patch's reckoning, without patch and in memory.

This only ranks bases; nothing is written from it. The rules are those of locate_hunk() in GNU patch
2.7.6 (src/patch.c) with its default of two lines of fuzz: first no fuzz at any distance, then one line,
then two; of equal fuzz the place nearest to where the last hunk's shift says, the later one of two; never
before what the last hunk changed. A hunk that is rejected leaves the file as it was, and the next is tried.
"""

from __future__ import annotations

import re
from bisect import bisect_left

import msgspec

from harness.deadline import Deadline
from harness.series.hunks import HunkLines
from harness.tree.base_course import WITHIN_LINE, Course, Step

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_FUZZ = 2
_PLACES = 2000
"""of a line that stands everywhere, only so many places on either side of the guess are looked at"""


class HunkScore(msgspec.Struct, frozen=True, kw_only=True):
    """How one hunk went: ``clean``, ``offset``, ``fuzzy`` or ``rejected``."""

    patch: int
    file: str
    hunk: int
    """1-based within its file and patch"""
    status: str
    offset: int = 0
    """lines between where the header says and where it went"""
    fuzz: int = 0


class _Found(msgspec.Struct, frozen=True):
    at: int
    fuzz: int
    prefix: int
    """leading context lines that were not looked at"""
    suffix: int


def score(course: Course, data: bytes | None, deadline: Deadline) -> tuple[HunkScore, ...]:
    """Put all of *course* on *data*, the file in the base; None where the base has no such file."""
    lines = _lines(data or b"", course.squeezed)
    there = data is not None
    scores: list[HunkScore] = []
    for step in course.steps:
        deadline.check("base search")
        if there is (step.kind == "added"):
            scores += _all_rejected(step)
            continue
        lines, found = _put_step(lines, step, course.squeezed)
        scores += found
        there = step.kind != "deleted"
    return tuple(scores)


def revert(data: bytes, hunks: tuple[HunkLines, ...], deadline: Deadline) -> bytes | None:
    """*data* with *hunks* on, at any distance but without fuzz; None when one of them does not go on."""
    deadline.check("base search")
    image = _Image(_lines(data, False), False)
    if all(image.put(hunk, 0) is not None for hunk in hunks):
        return b"".join(image.result())
    return None


def _lines(data: bytes, squeezed: bool) -> list[bytes]:
    if squeezed:
        return data.translate(None, WITHIN_LINE).split(b"\n")
    lines: list[bytes] = _LINE.findall(data)
    return lines


def _all_rejected(step: Step) -> list[HunkScore]:
    return [
        HunkScore(patch=step.patch, file=step.file, hunk=number, status="rejected")
        for number in range(1, len(step.hunks) + 1)
    ]


def _put_step(lines: list[bytes], step: Step, squeezed: bool) -> tuple[list[bytes], list[HunkScore]]:
    image = _Image(lines, squeezed)
    scores = []
    for number, hunk in enumerate(step.hunks, 1):
        found = image.put(hunk, _FUZZ)
        status = "rejected"
        if found is not None:
            status = "fuzzy" if found.fuzz else "offset" if image.shift else "clean"
        scores.append(
            HunkScore(
                patch=step.patch,
                file=step.file,
                hunk=number,
                status=status,
                offset=image.shift if found is not None else 0,
                fuzz=found.fuzz if found is not None else 0,
            )
        )
    return image.result(), scores


class _Image:
    """A file's lines while the hunks of one patch are put on, in order.

    Without white space blank lines are passed over on both sides; ``_solid`` has the others' positions.
    """

    def __init__(self, lines: list[bytes], squeezed: bool) -> None:
        self._all = lines
        self._solid = [at for at, line in enumerate(lines) if line] if squeezed else None
        self._lines = [lines[at] for at in self._solid] if self._solid is not None else lines
        self._places: dict[bytes, list[int]] = {}
        for at, line in enumerate(self._lines):
            self._places.setdefault(line, []).append(at)
        self._edits: list[tuple[int, int, tuple[bytes, ...]]] = []
        self._frozen = 0
        self.shift = 0
        """how far the last hunk that went on is from where its header says"""

    def put(self, hunk: HunkLines, most: int) -> _Found | None:
        """Put *hunk* where it goes with at most *most* lines of fuzz; None when it is rejected."""
        says = self._position(hunk)
        lead, trail = _context(hunk)
        for fuzz in range(min(most, max(lead, trail)) + 1):
            found = self._locate(hunk, says + self.shift, (lead, trail), fuzz)
            if found is not None:
                self.shift = found.at - says
                self._edit(hunk, found)
                self._frozen = max(self._frozen, found.at + len(hunk.old) - trail)
                return found
        return None

    def result(self) -> list[bytes]:
        """The file with what went on."""
        out: list[bytes] = []
        done = 0
        for first, end, lines in self._edits:
            out += self._all[done:first]
            out += lines
            done = end
        return out + self._all[done:]

    def _position(self, hunk: HunkLines) -> int:
        at = max(0, hunk.old_start - 1) if hunk.old else hunk.old_start
        return bisect_left(self._solid, at) if self._solid is not None else at

    def _locate(self, hunk: HunkLines, guess: int, context: tuple[int, int], fuzz: int) -> _Found | None:
        old = hunk.old
        if not old:
            return _Found(guess, 0, 0, 0) if self._frozen <= guess <= len(self._lines) else None
        prefix, suffix = (fuzz + side - max(context) for side in context)
        last = len(self._lines) - len(old)
        first, only = self._frozen, None
        if self._solid is not None:
            pass  # context that was blank is lost: less of it does not mean the file's beginning or end
        elif prefix < 0 and hunk.old_start <= 1:
            only = 0
        elif suffix < 0:
            only = last
        prefix, suffix = max(0, prefix), max(0, suffix)
        wanted = old[prefix : len(old) - suffix]
        last += suffix
        if only is not None:
            first, last, guess = max(first, only), only, only
        at = self._nearest(wanted, guess + prefix, first + prefix, last + prefix)
        return None if at is None else _Found(at - prefix, fuzz, prefix, suffix)

    def _nearest(self, wanted: tuple[bytes, ...], guess: int, first: int, last: int) -> int | None:
        """Of the places from *first* to *last* the one nearest to *guess*."""
        if first <= guess <= last and self._stands(wanted, guess):
            return guess
        if not wanted:
            return None
        rarest = min(range(len(wanted)), key=lambda step: len(self._places.get(wanted[step], ())))
        known = self._places.get(wanted[rarest], [])
        middle = bisect_left(known, guess + rarest)
        places = [
            at - rarest
            for at in known[max(0, middle - _PLACES) : middle + _PLACES]
            if first <= at - rarest <= last and self._stands(wanted, at - rarest)
        ]
        return min(places, key=lambda at: (abs(at - guess), at < guess), default=None)

    def _stands(self, wanted: tuple[bytes, ...], at: int) -> bool:
        return tuple(self._lines[at : at + len(wanted)]) == wanted

    def _edit(self, hunk: HunkLines, found: _Found) -> None:
        """The changed lines alone: context that fuzz passed over stays as the file has it."""
        lead, trail = _context(hunk)
        first, end = found.at + lead, found.at + len(hunk.old) - trail
        if self._solid is not None:
            whole = len(self._all)
            first, end = (self._solid[at] if at < len(self._solid) else whole for at in (first, end))
        self._edits.append((first, end, hunk.new[lead : len(hunk.new) - trail]))


def _context(hunk: HunkLines) -> tuple[int, int]:
    """Context lines before the first change and after the last."""
    return len(hunk.marks) - len(hunk.marks.lstrip(" ")), hunk.trailing
