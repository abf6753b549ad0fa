# SPDX-License-Identifier: GPL-2.0-only
"""Which lines two states of a file do not share."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Changed:
    """1-based lines: ``removed`` of the state before, ``added`` of the state after."""

    removed: frozenset[int]
    added: frozenset[int]
    around: frozenset[int]
    """``added``, and where lines only went, those of the state after on both sides"""


def changed(before: bytes | None, after: bytes | None) -> Changed:
    """The lines in which *before* and *after* differ; None is a file that is not there."""
    old, new = _lines(before), _lines(after)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    matcher = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    removed: set[int] = set()
    added: set[int] = set()
    around: set[int] = set()
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag != "equal":
            removed.update(range(head + old_from + 1, head + old_to + 1))
            added.update(range(head + new_from + 1, head + new_to + 1))
            if new_from == new_to:
                around.update(line for line in (head + new_from, head + new_to + 1) if 1 <= line <= len(new))
    return Changed(frozenset(removed), frozenset(added), frozenset(added | around))


def _lines(data: bytes | None) -> list[bytes]:
    return (data or b"").split(b"\n")


def _shared(one: list[bytes], two: list[bytes]) -> int:
    """How many lines *one* and *two* begin with alike."""
    for count, (left, right) in enumerate(zip(one, two, strict=False)):
        if left != right:
            return count
    return min(len(one), len(two))
