# SPDX-License-Identifier: GPL-2.0-only
"""Lines that an added line comes from: the removed line that it replaces, or the same line elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from harness.series.repair_align import Row
from harness.series.repair_text import single

_WORD = re.compile(r"\w+|[^\w\s]")
_NAME = re.compile(r"\w")
_ALIKE = 0.5
"""share of words that two lines have in common from which on one replaces the other"""
_MOST = 80
"""lines of a change beyond which its lines are not paired: rewritten, not changed"""


class Original(msgspec.Struct, frozen=True):
    """A whole line of the state before the patch, and its 0-based number; -1 for another file's."""

    text: str
    at: int


Known = Mapping[str, Sequence[Original]]
"""whole lines by what an archive would leave of them"""


def known(rows: Sequence[Row], texts: Sequence[str]) -> dict[str, list[Original]]:
    """Every line of a file by what would be left of it, those that the patch removes first."""
    lines: dict[str, list[Original]] = {}
    for row in rows:
        if row.mark == "-":
            lines.setdefault(single(row.text), []).append(Original(row.text, row.at))
    for at, text in enumerate(texts):
        lines.setdefault(single(text), []).append(Original(text, at))
    return lines


def models(rows: Sequence[Row]) -> dict[int, Row]:
    """For rows that are added, the removed row of the same change that each takes the place of."""
    found: dict[int, Row] = {}
    removed: list[Row] = []
    added: list[int] = []
    for number, row in enumerate([*rows, Row(" ", "", -1)]):
        if row.mark == "+":
            added.append(number)
            continue
        if added:
            found |= _paired(rows, removed, added)
            removed, added = [], []
        removed = [*removed, row] if row.mark == "-" else []
    return found


def replaced(rows: Sequence[Row]) -> dict[int, frozenset[str]]:
    """For rows that are added and take the place of some of the same words, what these were, byte for byte.

    The added line is none of them: diff would have kept that one, for nothing is kept in its change. Of lines
    without a word (a brace, a comment's star) diff leaves some out of account as too common.
    """
    found: dict[int, frozenset[str]] = {}
    removed: list[str] = []
    for number, row in enumerate(rows):
        if row.mark == " ":
            removed = []
        elif row.mark == "-":
            removed.append(row.text)
        elif not _NAME.search(row.text):
            continue
        elif same := [text for text in removed if single(text) == single(row.text)]:
            found[number] = frozenset(same)
    return found


def _paired(rows: Sequence[Row], removed: Sequence[Row], added: Sequence[int]) -> dict[int, Row]:
    """The pairs, in order on both sides, that have the most words in common."""
    if not removed or len(removed) > _MOST or len(added) > _MOST:
        return {}
    old = [_WORD.findall(row.text) for row in removed]
    new = [_WORD.findall(rows[number].text) for number in added]
    best: list[list[tuple[float, int, int]]] = [[(0.0, 0, 0)] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, left in enumerate(old, 1):
        for j, right in enumerate(new, 1):
            options = [(best[i - 1][j][0], -1, 0), (best[i][j - 1][0], 0, -1)]
            alike = _alike(left, right)
            if alike >= _ALIKE:
                options.append((best[i - 1][j - 1][0] + alike, -1, -1))
            best[i][j] = max(options)
    pairs: dict[int, Row] = {}
    i, j = len(old), len(new)
    while i and j:
        _, up, across = best[i][j]
        if up and across:
            pairs[added[j - 1]] = removed[i - 1]
        i, j = i + up, j + across
    return pairs


def _alike(left: Sequence[str], right: Sequence[str]) -> float:
    if not left or not right:
        return 0.0
    common = len(set(left) & set(right))
    return common / len(set(left) | set(right))
