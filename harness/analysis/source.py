# SPDX-License-Identifier: GPL-2.0-only
"""One C file of a kernel, parsed; kernel macros are smoothed over first, without moving a byte.

tree-sitter-c parses C without a preprocessor. What macros make of the language (attributes that look
like types, loops that look like calls) is replaced by C of the same length before parsing, so that
every position in the syntax tree is a position in the file, and names are read from the real bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

import tree_sitter
import tree_sitter_c

_LANGUAGE = tree_sitter.Language(tree_sitter_c.language())

# Words that stand where C has none: sections, sparse annotations, calling conventions.
_ATTRIBUTES = re.compile(
    rb"\b(?:__(?:init|exit|initdata|exitdata|devinit|cpuinit|cpuinitdata|meminit|meminitdata|net_init|ref|refdata"
    rb"|sched|user|kernel|iomem|percpu|rcu|force|bitwise|must_check|read_mostly|cacheline_aligned(?:_in_smp)?"
    rb"|____cacheline_aligned(?:_in_smp)?|cold|hot|pure|weak|used|maybe_unused|always_unused|latent_entropy"
    rb"|ro_after_init|randomize_layout|noreturn|deprecated|packed|acquires|releases)"
    rb"|____cacheline_(?:internodealigned|aligned)(?:_in_smp)?|asmlinkage|noinline(?:_for_stack)?|noinstr|notrace"
    rb"|fastcall|FASTCALL|__sched|__visible|noinline_for_tracing)\b(?!\s*\()"
)
_CALLED_ATTRIBUTES = re.compile(
    rb"\b(?:__(?:acquires|releases|must_hold|aligned|section|printf|scanf|counted_by|alloc_size)"
    rb"|__attribute__|ACQUIRE|RELEASE)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
)
_INLINE = re.compile(rb"\b(?:__always_inline|__inline__|__inline|inline_)\b")
_LOOPS = re.compile(rb"\b[a-z_]*for_each[a-z0-9_]*(?=\s*\()|\bfor_each[a-z0-9_]*(?=\s*\()")
_DEFINE = re.compile(rb"^[ \t]*#[ \t]*define\b(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)


def _blank(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[^\n]", b" ", match[0])


def _while(match: re.Match[bytes]) -> bytes:
    return b"while".ljust(len(match[0]))


def _inline(match: re.Match[bytes]) -> bytes:
    return b"inline".ljust(len(match[0]))


def smoothed(data: bytes) -> bytes:
    """*data* with kernel macros replaced by plain C of the same length; line ends stay where they are."""
    kept: list[bytes] = []
    last = 0
    for define in _DEFINE.finditer(data):
        kept += [_smooth(data[last : define.start()]), define[0]]
        last = define.end()
    return b"".join([*kept, _smooth(data[last:])])


def _smooth(code: bytes) -> bytes:
    code = _CALLED_ATTRIBUTES.sub(_blank, code)
    code = _ATTRIBUTES.sub(_blank, code)
    code = _INLINE.sub(_inline, code)
    return _LOOPS.sub(_while, code)


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
    """A parsed file. ``text`` gives the real bytes of a node, not the smoothed ones."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.tree = tree_sitter.Parser(_LANGUAGE).parse(smoothed(data))
        self._starts = [0, *(m.end() for m in re.finditer(rb"\n", data))]

    @property
    def root(self) -> tree_sitter.Node:
        """The translation unit."""
        return self.tree.root_node

    def text(self, node: tree_sitter.Node) -> str:
        """The source of *node* as it stands in the file."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def line_of(self, node: tree_sitter.Node) -> int:
        """1-based line at which *node* begins."""
        return bisect_right(self._starts, node.start_byte)

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
        declarator = node.child_by_field_name("declarator")
        while declarator is not None and declarator.type != "identifier":
            declarator = declarator.child_by_field_name("declarator")
        return self.text(declarator) if declarator is not None else ""
