# SPDX-License-Identifier: GPL-2.0-only
"""The ``#define`` lines of a file, read from its text: the parser leaves their expansion as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_DEFINE = re.compile(
    rb"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)\n]*\))?((?:[^\n\\]|\\[^\n]|\\\n)*)",
    re.MULTILINE,
)


class Macro:
    """A ``#define``: name, whether it takes arguments, expansion on one line, 1-based line."""

    def __init__(self, match: re.Match[bytes], line: int) -> None:
        self.name = match[1].decode("utf-8", "replace")
        self.takes_arguments = match[2] is not None
        self.expansion = match[3].replace(b"\\\n", b" ").strip()
        self.line = line

    @property
    def is_function(self) -> bool:
        """True when it expands to a function definition: declarator, block, nothing behind."""
        before, brace, _after = self.expansion.partition(b"{")
        whole = bool(brace) and self.expansion.endswith(b"}") and before.rstrip().endswith(b")")
        return self.takes_arguments and whole and not self.expansion.startswith((b"(", b"do"))


def macros(code: bytes, line_at: Callable[[int], int]) -> Iterator[Macro]:
    """The macros that *code* (comments blanked) defines, in order; *line_at* gives the line of an offset."""
    return (Macro(match, line_at(match.start(1))) for match in _DEFINE.finditer(code))


def defines_function(code: bytes, name: str) -> bool:
    """True when *code* defines *name* as a macro that expands to a function definition."""
    if name.encode() not in code:
        return False
    return any(macro.is_function for macro in macros(code, lambda _offset: 0) if macro.name == name)
