# SPDX-License-Identifier: GPL-2.0-only
"""The changes inside one hunk: runs of removed and added lines, and the lines that prove their place."""

from __future__ import annotations

import re

import msgspec

from harness.series.hunks import HunkLines

_RUN = re.compile(r"[-+]+")


class Change(msgspec.Struct, frozen=True):
    """Lines ``first`` to ``last`` (0-based, end excluded) of a hunk's old side become ``added``."""

    first: int
    last: int
    added: tuple[bytes, ...]

    def core(self, count: int) -> tuple[int, int]:
        """The removed lines with the line before and the one after, within an old side of *count* lines.

        In a three-way merge a change of the file's that touches these is a conflict.
        """
        return max(0, self.first - 1), min(count, self.last + 1)


def changes_of(hunk: HunkLines) -> tuple[Change, ...]:
    """The hunk's changes in order, at least one context line apart."""
    if not hunk.marks:
        return _one_change(hunk)
    changes = []
    old = new = at = 0
    for run in _RUN.finditer(hunk.marks):
        context = run.start() - at
        old, new, at = old + context, new + context, run.end()
        removed, added = run[0].count("-"), run[0].count("+")
        changes.append(Change(old, old + removed, hunk.new[new : new + added]))
        old, new = old + removed, new + added
    return tuple(changes)


def _one_change(hunk: HunkLines) -> tuple[Change, ...]:
    """Without markers: all between the lines that both sides have at their ends."""
    shorter = min(len(hunk.old), len(hunk.new))
    head = next((at for at in range(shorter) if hunk.old[at] != hunk.new[at]), shorter)
    rest = shorter - head
    tail = next((at for at in range(rest) if hunk.old[-1 - at] != hunk.new[-1 - at]), rest)
    return (Change(head, len(hunk.old) - tail, hunk.new[head : len(hunk.new) - tail]),)


def changed(old: tuple[bytes, ...], changes: tuple[Change, ...], first: int, last: int) -> tuple[bytes, ...]:
    """Lines *first* to *last* of the old side, with those *changes* on that lie between them."""
    lines: list[bytes] = []
    at = first
    for change in changes:
        if first <= change.first and change.last <= last:
            lines += old[at : change.first]
            lines += change.added
            at = change.last
    return (*lines, *old[at:last])
