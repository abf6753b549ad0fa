# SPDX-License-Identifier: GPL-2.0-only
"""tree-sitter's C parser, bounded: text that is no C can cost it time and memory by the square of its size.

A kernel file takes under 10 calls of the parser's progress callback for each 1,000 bytes (measured over
mm/, kernel/ and include/linux/ of 2.6.27 and 6.1), the densest C some 30. Text made to be misread takes
as many as it likes, so the parser is stopped there; and some such text is told by its brackets before
it is parsed.
"""

from __future__ import annotations

import resource

import tree_sitter
import tree_sitter_c

_LANGUAGE = tree_sitter.Language(tree_sitter_c.language())
_LARGEST = 2 << 20
_CALLS = 1000
_CALLS_PER_BYTE = 1 / 20
_GROWTH = 256 << 10
"""KiB by which the process may grow while one file is parsed"""
_OPEN = 1000
"""parentheses, brackets or braces that may be open at once"""
_BRACKETS = bytes(set(range(256)) - set(b"(){}[]"))
_CHUNK = 1 << 16


def parse(code: bytes) -> tree_sitter.Tree | None:
    """The syntax tree of *code*; None when it is too large, or so far from C that it costs too much."""
    if len(code) > _LARGEST or _deep(code):
        return None
    calls = 0
    allowed = _CALLS + len(code) * _CALLS_PER_BYTE
    memory = _peak() + _GROWTH

    def over(_offset: int, _error: bool) -> bool:
        nonlocal calls
        calls += 1
        return calls > allowed or _peak() > memory

    def read(offset: int, _point: object) -> bytes:
        return code[offset : offset + _CHUNK]

    try:
        return tree_sitter.Parser(_LANGUAGE).parse(read, progress_callback=over)
    except ValueError:  # what the binding makes of a parse that was stopped
        return None


def nothing() -> tree_sitter.Tree:
    """The syntax tree of an empty file."""
    return tree_sitter.Parser(_LANGUAGE).parse(b"")


def _deep(code: bytes) -> bool:
    """Are more than _OPEN brackets open somewhere? Comments and strings count too: the bound is generous."""
    depth = 0
    for bracket in code.translate(None, _BRACKETS):
        depth = depth + 1 if bracket in b"({[" else max(depth - 1, 0)
        if depth > _OPEN:
            return True
    return False


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
