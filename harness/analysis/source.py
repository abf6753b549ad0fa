# SPDX-License-Identifier: GPL-2.0-only
"""One C file of a kernel, parsed; kernel macros are smoothed over first, without moving a byte.

tree-sitter-c parses C without a preprocessor. What macros make of the language (attributes that look
like types, loops that look like calls) is replaced by C of the same length before parsing, so that
every position in the syntax tree is a position in the file, and names are read from the real bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cached_property

import tree_sitter

from harness.analysis.branches import Span, first_branches
from harness.analysis.parser import nothing, parse
from harness.analysis.smooth import SYSCALL, smoothed

_FUNCTION_END = re.compile(rb"^\}", re.MULTILINE)


def _parsed(data: bytes) -> tuple[tree_sitter.Tree | None, tuple[Span, ...]]:
    """The syntax tree, and the conditional branches that it was made without.

    A conditional inside a function is left to the parser if it can read it; where it cannot, its
    first branch is shown to it alone, unless that does not help either.
    """
    code = smoothed(data)
    tree = parse(code)
    if tree is None:
        return None, ()
    errors = _errors(tree.root_node)
    regions = [(start, end) for start, end in _regions(code, errors) if b"#" in code[start:end]]
    reduced = parse(first_branches(code, regions)[0]) if regions else None
    if reduced is None:
        return tree, ()
    still = _errors(reduced.root_node)
    helped = [region for region in regions if _count(still, region) < _count(errors, region)]
    code, gone = first_branches(code, helped)
    again = reduced if len(helped) == len(regions) else parse(code)
    return (again, gone) if again is not None else (tree, ())


def _errors(node: tree_sitter.Node) -> list[int]:
    """Offsets at which the parser had to guess, in order."""
    found: list[int] = []
    pending = [node]
    while pending:
        node = pending.pop()
        if node.type == "ERROR" or node.is_missing:
            found.append(node.start_byte)
        elif node.has_error:
            pending.extend(node.children)
    return sorted(found)


def _regions(code: bytes, errors: list[int]) -> list[Span]:
    """The stretches between function ends (``}`` in the first column) that hold *errors*."""
    if not errors:
        return []
    ends = [0, *(match.end() for match in _FUNCTION_END.finditer(code)), len(code)]
    return sorted({_around(ends, error) for error in errors})


def _around(ends: list[int], offset: int) -> Span:
    after = bisect_right(ends, offset)
    return ends[max(after - 1, 0)], ends[min(after, len(ends) - 1)]


def _count(offsets: list[int], region: Span) -> int:
    return bisect_left(offsets, region[1]) - bisect_left(offsets, region[0])


class Function:
    """A function definition: its name and 1-based first and last line, and its syntax node."""

    def __init__(self, source: Source, node: tree_sitter.Node, name: str) -> None:
        self.source = source
        self.node = node
        self.name = name
        self.first = node.start_point[0] + 1
        self.last = node.end_point[0] + 1

    @property
    def body(self) -> tree_sitter.Node | None:
        """The compound statement."""
        return self.node.child_by_field_name("body")

    @property
    def broken(self) -> bool:
        """True when the parser had to guess somewhere in it."""
        return self.node.has_error


class Source:
    """A parsed file. ``text`` gives the real bytes of a node, not the smoothed ones.

    ``unseen``: first and last line (1-based) of each conditional branch that the parser was not shown,
    because a conditional cut through a statement there and the first branch was kept.
    ``readable``: false for text that is too large or too far from C; it then has no functions.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self._starts = [0, *(m.end() for m in re.finditer(rb"\n", data))]
        tree, gone = _parsed(data)
        self.tree = tree or nothing()
        self.readable = tree is not None
        # A branch begins with the line end of its directive.
        self.unseen = tuple((self._line_at(start) + 1, self._line_at(end - 1)) for start, end in gone)

    @property
    def root(self) -> tree_sitter.Node:
        """The translation unit."""
        return self.tree.root_node

    def text(self, node: tree_sitter.Node) -> str:
        """The source of *node* as it stands in the file."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def line_of(self, node: tree_sitter.Node) -> int:
        """1-based line at which *node* begins."""
        return self._line_at(node.start_byte)

    def _line_at(self, offset: int) -> int:
        return bisect_right(self._starts, offset)

    def line(self, number: int) -> str:
        """Line *number* (1-based) without its end; empty when there is none."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self.data.find(b"\n", start)
        return self.data[start : end if end >= 0 else len(self.data)].decode("utf-8", "replace")

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function definition, in order; of one defined twice (``#ifdef``), both."""
        found: list[Function] = []
        pending = [self.root]
        while pending:
            node = pending.pop()
            if node.type == "function_definition":
                name = self._name(node)
                if name:
                    found.append(Function(self, node, name))
            elif node.type != "compound_statement":
                pending.extend(node.children)
        return tuple(sorted(found, key=lambda function: function.node.start_byte))

    def function_at(self, line: int) -> Function | None:
        """The function whose definition covers *line*."""
        return next((one for one in self.functions if one.first <= line <= one.last), None)

    def _name(self, node: tree_sitter.Node) -> str:
        syscall = SYSCALL.match(self.data, node.start_byte)
        if syscall:
            return f"{'compat_' if syscall['compat'] else ''}sys_{syscall['name'].decode()}"
        declarator = node.child_by_field_name("declarator")
        while declarator is not None and declarator.type != "identifier":
            declarator = declarator.child_by_field_name("declarator")
        return self.text(declarator) if declarator is not None else ""
