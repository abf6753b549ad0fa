# SPDX-License-Identifier: GPL-2.0-only
"""Conditionals that cut through statements: their first branch, as plain C of the same length."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_DIRECTIVE = re.compile(
    rb"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b((?:[^\n\\]|\\[^\n]|\\\n)*)", re.MULTILINE
)
_OTHER = re.compile(rb"[^\n]")
_ZERO = re.compile(rb"[ \t]*\(?[ \t]*0[ \t]*\)?[ \t]*(?:/[/*].*)?", re.DOTALL)

Span = tuple[int, int]
"""first byte, and the one behind the last"""


@dataclass
class _Group:
    """One ``#if … #endif``: its directives, and where each branch begins."""

    directives: list[re.Match[bytes]] = field(default_factory=list)

    def dropped(self) -> list[Span]:
        """The branches that go: all but the first; of ``#if 0``, the first and all behind the second."""
        branches = [
            (one.end(), two.start()) for one, two in zip(self.directives, self.directives[1:], strict=False)
        ]
        first = self.directives[0]
        kept = 1 if first[1] == b"if" and _ZERO.fullmatch(first[2]) else 0
        return branches[:kept] + branches[kept + 1 :]


def first_branches(code: bytes, regions: Iterable[Span]) -> tuple[bytes, tuple[Span, ...]]:
    """*code* with each conditional that lies wholly in one of *regions* reduced to its first branch.

    Also the spans of the branches that were blanked. Directives of the kept branches are blanked too.
    """
    text = bytearray(code)
    gone: list[Span] = []
    for region in regions:
        for group in _groups(code, region):
            for directive in group.directives:
                text[directive.start() : directive.end()] = _blank(directive[0])
            dropped = group.dropped()
            for start, end in dropped:
                text[start:end] = _blank(code[start:end])
            gone += dropped
    return bytes(text), tuple(sorted(gone))


def _groups(code: bytes, region: Span) -> list[_Group]:
    open_groups: list[_Group] = []
    whole: list[_Group] = []
    for directive in _DIRECTIVE.finditer(code, *region):
        if directive[1] in (b"if", b"ifdef", b"ifndef"):
            open_groups.append(_Group())
        if open_groups:
            open_groups[-1].directives.append(directive)
            if directive[1] == b"endif":
                whole.append(open_groups.pop())
    return whole


def _blank(text: bytes) -> bytes:
    return _OTHER.sub(b" ", text)
