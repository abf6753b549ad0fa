# SPDX-License-Identifier: GPL-2.0-only
"""What the local rules ask of a file as a whole, each worked out once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property

from harness.analysis.header_include import Includes, shapes
from harness.analysis.local_macro import Macro, macros
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, without_prose
from harness.analysis.source import Function, Source

# At the beginning of a line, where kernel code has nothing but declarations outside functions.
_POINTER = re.compile(rb"^(?:static[ \t]+)?struct[ \t]+\w+[ \t]*\*[ \t]*(\w+)[^(),\n]*;", re.MULTILINE)
_WORD = re.compile(rb"[A-Za-z_]\w*")


class File:
    """A parsed file in one state, with the names that the rules know and a way to read other files."""

    def __init__(self, source: Source, read: Callable[[str], bytes | None], names: Names) -> None:
        self.source = source
        self.names = names
        self._read = read
        self._bodies: dict[int, Body] = {}

    @cached_property
    def code(self) -> bytes:
        """The file with comments and strings blanked."""
        return without_prose(self.source.data)

    @cached_property
    def includes(self) -> Includes:
        return Includes(self.source.path, self.source.data, self._read, self.names)

    @cached_property
    def pointers(self) -> frozenset[str]:
        """Pointers to structures that are declared outside functions."""
        found = _POINTER.findall(self.code)
        return frozenset(name.decode("utf-8", "replace") for name in found)

    @cached_property
    def macros(self) -> tuple[Macro, ...]:
        return tuple(macros(self.code, self.line_at))

    @cached_property
    def macro_words(self) -> frozenset[str]:
        """Every name in the expansion of a macro of this file."""
        found = {word for macro in self.macros for word in _WORD.findall(macro.expansion)}
        return frozenset(word.decode("utf-8", "replace") for word in found)

    @cached_property
    def _pasted(self) -> tuple[re.Pattern[bytes], ...]:
        return tuple(re.compile(one) for one in sorted(shapes(self.code)))

    def in_macro(self, name: str) -> bool:
        """True when a macro of this file names it, or may put it together: what it expands to may use it."""
        return name in self.macro_words or any(one.fullmatch(name.encode()) for one in self._pasted)

    @cached_property
    def functions(self) -> dict[str, tuple[Function, ...]]:
        """The functions of the file by name; one defined twice (``#ifdef``) has two."""
        found: dict[str, list[Function]] = defaultdict(list)
        for one in self.source.functions:
            found[one.name].append(one)
        return {name: tuple(ones) for name, ones in found.items()}

    def body(self, function: Function) -> Body:
        """The function, walked; once however often it is asked for."""
        known = self._bodies.get(function.node.id)
        if known is None:
            known = self._bodies[function.node.id] = Body(function)
        return known

    def line_at(self, offset: int) -> int:
        """1-based line of a byte offset."""
        return self.source.data.count(b"\n", 0, offset) + 1

    def text_of(self, function: Function) -> bytes:
        """A function's code, comments and strings blanked."""
        return self.code[function.node.start_byte : function.node.end_byte]
