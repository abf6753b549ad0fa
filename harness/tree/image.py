# SPDX-License-Identifier: GPL-2.0-only
"""A file as hunks look for their place in it: its lines, where each stands, and how much each says."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from functools import cached_property

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_WORD = re.compile(rb"\w")
_FUNCTION = re.compile(rb"[A-Za-z_$]")
_LABEL = re.compile(rb"[A-Za-z_]\w{0,100}:")
_NAME = re.compile(rb"([A-Za-z_]\w{0,100})[ \t]{0,8}\(")
_HEAD = 200
"""bytes of a line in which a function's name is looked for"""
_MOST = 10.0
_LITTLE = 0.5
_COMPARISONS = 2_000_000
"""pairs of equal lines to weigh per file: some seconds; an ordinary hunk takes a few thousand"""
PLACES = 64
"""more places than these prove nothing, and are not counted"""


class Image:
    """The lines of one file; positions are 0-based."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines: list[bytes] = _LINE.findall(data)
        self._left = _COMPARISONS

    def spend(self, comparisons: int) -> bool:
        """Take *comparisons* from what may be spent on this file; False when there is not as much left."""
        self._left -= comparisons
        return not self.exhausted

    @property
    def exhausted(self) -> bool:
        """True when so much of the file looks like so much else that looking on could take for ever.

        What was found by then is not known to be the only place.
        """
        return self._left < 0

    @cached_property
    def starts(self) -> list[int]:
        """The offset in bytes at which each line begins, and the end of the file."""
        offsets = [0]
        for line in self.lines:
            offsets.append(offsets[-1] + len(line))
        return offsets

    @cached_property
    def places(self) -> dict[bytes, list[int]]:
        """The positions of each line, the first :data:`PLACES` and one more."""
        found: dict[bytes, list[int]] = {}
        for at, line in enumerate(self.lines):
            known = found.setdefault(line, [])
            if len(known) <= PLACES:
                known.append(at)
        return found

    @cached_property
    def heads(self) -> list[int]:
        """Positions of lines that ``diff -p`` can name behind ``@@``, labels left out.

        GNU diff 3.8 (``-p`` is ``-F '^[[:alpha:]$_]'``) counts labels too, git's ``diff=cpp`` does not.
        """
        return [
            at
            for at, line in enumerate(self.lines)
            if _FUNCTION.match(line) and not _LABEL.fullmatch(line.strip())
        ]

    def find(self, wanted: tuple[bytes, ...]) -> list[int]:
        """The positions at which *wanted* stands, the first :data:`PLACES` and one more, ascending."""
        if not wanted:
            return [] if self.lines else [0]
        rarest = min(range(len(wanted)), key=lambda step: len(self.places.get(wanted[step], ())))
        known = self.places.get(wanted[rarest], [])
        if len(known) <= PLACES:
            return [at - rarest for at in known if self.stands(wanted, at - rarest)]
        return self._search(wanted)

    def _search(self, wanted: tuple[bytes, ...]) -> list[int]:
        """As :meth:`find`, where every line of *wanted* stands at more places than are known."""
        text = b"".join(wanted)
        found: list[int] = []
        offset = self.data.find(text)
        while offset >= 0 and len(found) <= PLACES:
            at = bisect_left(self.starts, offset)
            if self.starts[at] == offset and self.stands(wanted, at):
                found.append(at)
            offset = self.data.find(text, offset + 1)
        return found

    def stands(self, wanted: tuple[bytes, ...], at: int) -> bool:
        """True when *wanted* is what stands at *at*."""
        return at >= 0 and tuple(self.lines[at : at + len(wanted)]) == wanted

    def weight(self, line: bytes) -> float:
        """How much finding *line* tells, in bits: the rarer it is in the file, the more; at most 10.

        Lines without a word (braces, blank lines, the ends of comments) stand everywhere and tell little.
        """
        if not _WORD.search(line):
            return _LITTLE if line.strip() else _LITTLE / 4
        known = len(self.places.get(line, ()))
        return min(_MOST, math.log2((len(self.lines) + 1) / known)) if known else _MOST

    def head_before(self, at: int) -> bytes:
        """The line that ``diff -p`` would name for a hunk that begins at *at*; empty when there is none."""
        known = bisect_left(self.heads, at)
        return self.lines[self.heads[known - 1]] if known else b""

    def spans(self, section: bytes) -> list[tuple[int, int]]:
        """First line and end of every stretch of the file that *section* names."""
        ends = [*self.heads[1:], len(self.lines)]
        return [
            (at, end) for at, end in zip(self.heads, ends, strict=False) if named(section, self.lines[at])
        ]


def named(section: bytes, head: bytes) -> bool:
    """True when *section* (cut off by diff after 40 or 80 bytes) is the line *head*, or its function."""
    wanted, line = section.strip()[:_HEAD], head.strip()[:_HEAD]
    if not wanted or line.startswith(wanted):
        return bool(wanted)
    one, other = _NAME.search(wanted), _NAME.search(line)
    return one is not None and other is not None and one[1] == other[1]


def is_head(line: bytes) -> bool:
    """True for a line that begins or ends a function, so that what ``@@`` names does not reach beyond it."""
    return line.startswith(b"}") or _names(line)


def _names(line: bytes) -> bool:
    return _FUNCTION.match(line) is not None and not _LABEL.fullmatch(line[:_HEAD].strip())
