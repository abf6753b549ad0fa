# SPDX-License-Identifier: GPL-2.0-only
"""A function body walked once: its nodes by kind, who holds whom, and the questions that local rules ask."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tree_sitter import Node

from harness.analysis.source import Function, Source

_WORD = re.compile(r"[A-Za-z_]\w*")
# A comment, a string or a character constant, ended or not: each is read once, from where it begins.
_PROSE = re.compile(
    rb"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)|//[^\n]*"
    rb'|"(?:[^"\\\n]|\\[\s\S])*(?:"|(?=\n)|\Z|\\\Z)'
    rb"|'(?:[^'\\\n]|\\[\s\S])*(?:'|(?=\n)|\Z|\\\Z)"
)
_HINTS = frozenset(("likely", "unlikely", "READ_ONCE", "ACCESS_ONCE"))
_LEAVES = frozenset(("return_statement", "goto_statement", "break_statement", "continue_statement"))
_STOPS = frozenset(("BUG", "panic", "unreachable", "do_exit"))
_LIMIT = 300
_TEXTS = 1024
"""files and headers of which the code alone is kept: a file of mm/ includes some 300"""


@dataclass(frozen=True)
class Call:
    """A call: what is called (empty unless by name), with which arguments."""

    name: str
    arguments: tuple[Node, ...]
    node: Node


def plain(node: Node | None) -> Node | None:
    """*node* without parentheses, casts and branch hints around it."""
    while node is not None:
        if node.type in ("parenthesized_expression", "cast_expression"):
            inside = node.child_by_field_name("value") if node.type == "cast_expression" else None
            node = inside or next((one for one in node.named_children if one.type != "comment"), None)
            continue
        function = node.child_by_field_name("function") if node.type == "call_expression" else None
        arguments = node.child_by_field_name("arguments")
        if function is None or arguments is None or (function.text or b"").decode() not in _HINTS:
            return node
        node = next((one for one in arguments.named_children if one.type != "comment"), None)
    return None


def kids(node: Node) -> list[Node]:
    """The named children of *node* that are not comments."""
    return [one for one in node.named_children if one.type != "comment"]


def one_line(text: str) -> str:
    """*text* on one line, at most 300 characters, in ASCII, for messages and keys."""
    short = " ".join(text.split())[:_LIMIT]
    return short if short.isascii() and short.isprintable() else ascii(short)[1:-1]


@lru_cache(_TEXTS)
def without_prose(data: bytes) -> bytes:
    """*data* with comments, strings and character constants blanked; every byte stays in its place."""
    return _PROSE.sub(lambda match: re.sub(rb"[^\n]", b" ", match[0]), data)


def words(data: bytes) -> Counter[str]:
    """How often each name stands in *data*, comments and strings left out."""
    return Counter(_WORD.findall(without_prose(data).decode("utf-8", "replace")))


def walk(root: Node) -> Iterator[tuple[Node, Node | None]]:
    """Every named node under *root*, itself first, in order, with its parent."""
    pending: list[tuple[Node, Node | None]] = [(root, None)]
    while pending:
        node, parent = pending.pop()
        yield node, parent
        pending.extend((child, node) for child in reversed(node.named_children))


def leaves(statement: Node) -> bool:
    """True when control never goes on behind *statement*."""
    if statement.type in _LEAVES:
        return True
    if statement.type == "compound_statement":
        return any(leaves(one) for one in kids(statement))
    if statement.type == "expression_statement":
        call = next(iter(kids(statement)), None)
        function = call.child_by_field_name("function") if call is not None else None
        return function is not None and (function.text or b"").decode("utf-8", "replace") in _STOPS
    if statement.type == "if_statement":
        taken = statement.child_by_field_name("consequence")
        other = statement.child_by_field_name("alternative")
        return taken is not None and other is not None and leaves(taken) and any(map(leaves, kids(other)))
    return False


class Body:
    """A function definition, walked once."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.source: Source = function.source
        self.nodes: list[Node] = []
        self.by_type: dict[str, list[Node]] = defaultdict(list)
        self._parents: dict[int, Node | None] = {}
        self._blocks: dict[int, list[Node]] = {}
        for node, parent in walk(function.node):
            if node.type == "comment":
                continue
            self.nodes.append(node)
            self.by_type[node.type].append(node)
            self._parents[node.id] = parent

    def of(self, *types: str) -> list[Node]:
        """All nodes of these types, in the order of the types and then of the file."""
        return [node for one in types for node in self.by_type.get(one, ())]

    def parent(self, node: Node) -> Node | None:
        return self._parents.get(node.id)

    def above(self, node: Node) -> Iterator[Node]:
        """What holds *node*, innermost first."""
        holder = self.parent(node)
        while holder is not None:
            yield holder
            holder = self.parent(holder)

    def text(self, node: Node | None) -> str:
        """*node* as written, on one line."""
        return " ".join(self.source.text(node).split()) if node is not None else ""

    def line(self, node: Node) -> int:
        return self.source.line_of(node)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call by name, in the order of the file."""
        found = []
        for node in self.of("call_expression"):
            function = node.child_by_field_name("function")
            arguments = node.child_by_field_name("arguments")
            if function is not None and function.type == "identifier" and arguments is not None:
                found.append(Call(self.source.text(function), tuple(kids(arguments)), node))
        return tuple(sorted(found, key=lambda call: call.node.start_byte))

    @cached_property
    def calls_by_node(self) -> dict[int, Call]:
        return {call.node.id: call for call in self.calls}

    def call(self, node: Node | None) -> Call | None:
        """The call that *node* is, once parentheses and hints are off."""
        bare = plain(node)
        return self.calls_by_node.get(bare.id) if bare is not None else None

    def within(self, node: Node) -> Iterator[Call]:
        """The calls inside *node*, in the order of the file."""
        return (c for c in self.calls if node.start_byte <= c.node.start_byte < node.end_byte)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in order; an unnamed one is empty."""
        declarator = self.function.node.child_by_field_name("declarator")
        while declarator is not None and declarator.type != "function_declarator":
            declarator = declarator.child_by_field_name("declarator")
        listed = declarator.child_by_field_name("parameters") if declarator is not None else None
        if listed is None:
            return ()
        return tuple(declared(self, one) for one in kids(listed) if one.type == "parameter_declaration")

    @cached_property
    def steady(self) -> frozenset[str]:
        """Locals and parameters that only assignments change: never static, their address never taken."""
        local = set(self.parameters)
        for one in self.of("declaration"):
            if not is_static(one):
                local |= {self.source.text(name) for name in names_of(one)}
        taken = {
            self.text(plain(one.child_by_field_name("argument"))) for one in self.of("pointer_expression")
        }
        return frozenset(local - taken)

    @cached_property
    def pointers(self) -> dict[str, str]:
        """Locals and parameters that are pointers: what structure they point to; empty if to none."""
        found: dict[str, str] = {}
        for one in self.of("declaration", "parameter_declaration"):
            kind = one.child_by_field_name("type")
            named = kind.child_by_field_name("name") if kind is not None else None
            struct = kind is not None and kind.type == "struct_specifier"
            for declarator in one.children_by_field_name("declarator"):
                inner = declarator.child_by_field_name("declarator")
                node = inner if declarator.type == "init_declarator" else declarator
                name = node.child_by_field_name("declarator") if node is not None else None
                if node is not None and node.type == "pointer_declarator" and name is not None:
                    found[self.text(name)] = self.text(named) if struct else ""
        return found

    @cached_property
    def written(self) -> Counter[str]:
        """How many statements do nothing but assign to each local name."""
        found: Counter[str] = Counter()
        for one in self.of("assignment_expression"):
            left, sign = one.child_by_field_name("left"), one.child_by_field_name("operator")
            holder = self.parent(one)
            alone = holder is not None and holder.type == "expression_statement"
            if left is not None and left.type == "identifier" and sign is not None and sign.type == "=":
                found[self.text(left)] += alone
        return found

    def ahead_of(self, node: Node, holder: Node, count: int) -> list[Node]:
        """The last *count* statements of the block *holder* that end before *node* begins, in order."""
        known = self._blocks.get(holder.id)
        if known is None:
            known = self._blocks[holder.id] = kids(holder)
        end = bisect_right(known, node.start_byte, key=lambda one: one.end_byte)
        return known[max(0, end - count) : end]

    def before(self, node: Node) -> Iterator[Node]:
        """Statements that stand before *node* in its block and in the blocks around it, nearest first."""
        here: Node | None = node
        while here is not None:
            holder = self.parent(here)
            if holder is not None and holder.type in BLOCKS:
                yield from (one for one in reversed(kids(holder)) if one.end_byte <= here.start_byte)
            here = holder

    def after(self, node: Node) -> Iterator[Node]:
        """Statements that run behind *node* if nothing jumps: those of its block, then of the blocks around.

        Ends where control leaves, and at the end of a loop body.
        """
        here: Node | None = node
        while here is not None:
            holder = self.parent(here)
            if holder is not None and holder.type in BLOCKS:
                for one in kids(holder):
                    if one.start_byte >= here.end_byte:
                        yield one
                        if leaves(one):
                            return
            if holder is None or holder.type in _LOOPS:
                return
            here = holder


BLOCKS = frozenset(("compound_statement", "case_statement", "labeled_statement"))
_LOOPS = frozenset(("while_statement", "for_statement", "do_statement"))


def is_static(declaration: Node) -> bool:
    """True for a static or extern local, which keeps what others or an earlier call have left in it."""
    return any(kid.type == "storage_class_specifier" for kid in kids(declaration))


def names_of(declaration: Node) -> Iterator[Node]:
    """The identifiers that a declaration declares."""
    pending = declaration.children_by_field_name("declarator")
    while pending:
        node = pending.pop()
        if node.type == "identifier":
            yield node
        inner = node.child_by_field_name("declarator")
        if inner is not None:
            pending.append(inner)


def declared(body: Body, node: Node) -> str:
    """The name that a declaration or parameter node declares first; empty when there is none."""
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type != "identifier":
        inner = declarator.child_by_field_name("declarator")
        if inner is None:
            inner = next(
                (one for one in kids(declarator) if "declarator" in one.type or one.type == "identifier"),
                None,
            )
        declarator = inner
    return body.source.text(declarator) if declarator is not None else ""
