# SPDX-License-Identifier: GPL-2.0-only
"""One function made ready for the rules that follow its paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from harness.analysis.cfg import TooComplex, build, walk
from harness.analysis.flow import Prepared, Walked, path, prepare
from harness.analysis.flow_expr import Call, arguments, squeezed
from harness.analysis.flow_steps import acts, calls
from harness.analysis.flow_table import Table
from harness.analysis.model import Related
from harness.analysis.source import Function, Source

_ANNOTATED = re.compile(r"\b(?:__acquires?|__releases?|__cond_acquires|__cond_lock|ACQUIRE|RELEASE)\b")
_MAX_RELATED = 24
_MAX_TEXT = 120


class Studied(NamedTuple):
    """A function with its graph and calls."""

    function: Function
    prepared: Prepared
    calls: list[Call]
    annotated: bool
    """sparse is told in its head that it takes or releases a lock"""
    returns: Literal["void", "pointer", "number"]
    elsewhere: frozenset[str]
    """sections that functions of the same file, called from here, open or close for it"""
    unseen: bool
    """it calls something that may lock or unlock, of which nothing is known"""
    callees: Callees
    """the functions of the same file"""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def source(self) -> Source:
        """The file."""
        return self.function.source

    def line_of_step(self, number: int) -> int:
        """1-based line at which step *number* stands; for the closing brace, the brace's."""
        step = self.prepared.graph.steps[number]
        if step.kind == "end" or step.node is None:
            return self.function.last
        return self.source.line_of(step.node)

    def text_of_step(self, number: int) -> str:
        """The statement of step *number*, on one line, bounded."""
        step = self.prepared.graph.steps[number]
        if step.kind == "end" or step.node is None:
            return "end of the function"
        text = " ".join(self.source.text(step.node).split())[:_MAX_TEXT]
        return f"return {text}" if step.kind == "return" and not text.startswith("return") else text


def study(function: Function, table: Table, callees: Callees) -> Studied | None:
    """*function* made ready; None when its graph cannot be made, or it never comes back."""
    if function.name in table.no_return:
        return None
    try:
        graph = build(function, frozenset(table.no_return))
    except TooComplex:
        return None
    source = function.source
    found = acts(source, graph)
    every = calls(found)
    body = function.body
    head = source.data[max(function.node.start_byte - 80, 0) : body.start_byte if body else None]
    return Studied(
        function,
        prepare(graph, found),
        every,
        _ANNOTATED.search(head.decode("utf-8", "replace").rpartition("}")[2]) is not None,
        _returns(function),
        callees.uneven((call.name for call in every), function.name),
        _unseen(every, table),
        callees,
    )


def _returns(function: Function) -> Literal["void", "pointer", "number"]:
    declarator = function.node.child_by_field_name("declarator")
    if declarator is not None and declarator.type == "pointer_declarator":
        return "pointer"
    kind = function.node.child_by_field_name("type")
    return "void" if kind is not None and function.source.text(kind) == "void" else "number"


def _unseen(every: list[Call], table: Table) -> bool:
    for call in every:
        plain = call.name not in table.section_calls and re.search(table.known, call.name) is None
        if plain and re.search(table.unseen, call.name):
            return True
    return False


def largest(source: Source) -> dict[str, Function]:
    """The functions of a file by name; of one defined twice (``#ifdef``) the one that is no stub."""
    by_size = sorted(source.functions, key=lambda one: one.node.end_byte - one.node.start_byte)
    return {one.name: one for one in by_size}


class Callees:
    """For the functions of one file: the sections that calling them may open or close."""

    def __init__(self, source: Source, table: Table) -> None:
        self._source = source
        self._table = table
        self._bodies = {name: one.body for name, one in largest(source).items() if one.body is not None}
        self._known: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._calls: dict[str, tuple[Call, ...]] = {}

    def uneven(self, names: Iterable[str], own: str) -> frozenset[str]:
        """What a call of one of *names* opens without closing or closes without opening, itself or
        through up to four further calls."""
        found: set[str] = set()
        seen = {own}
        pending = [(name, 4) for name in names]
        while pending:
            name, further = pending.pop()
            if name in seen or name not in self._bodies or name in self._table.section_calls:
                continue
            seen.add(name)
            sections, called = self._look(name)
            found |= sections
            if further:
                pending += [(one, further - 1) for one in sorted(called)]
        return frozenset(found)

    def each(self) -> Iterator[tuple[Call, ...]]:
        """The calls of each function of the file."""
        return (self.calls_of(name) for name in self._bodies)

    def knows(self, name: str) -> bool:
        """True for a function of the file."""
        return name in self._bodies

    def calls_of(self, name: str) -> tuple[Call, ...]:
        """The calls of the function *name* of the file, in order."""
        if name not in self._calls:
            found: list[Call] = []
            for node in walk(self._bodies[name]):
                callee = node.child_by_field_name("function") if node.type == "call_expression" else None
                if callee is not None:
                    text, given = self._source.text, arguments(node)
                    found.append(
                        Call(
                            squeezed(text(callee)),
                            tuple(squeezed(text(one)) for one in given),
                            line=self._source.line_of(node),
                        )
                    )
            self._calls[name] = tuple(found)
        return self._calls[name]

    def _look(self, name: str) -> tuple[frozenset[str], frozenset[str]]:
        if name not in self._known:
            called = [call.name for call in self.calls_of(name)]
            effects = [pair for one in called for pair in self._table.section_calls.get(one, ())]
            opened = {section.name for section, effect in effects if effect != "closes"}
            closed = {section.name for section, effect in effects if effect == "closes"}
            first = {section.name: effect for section, effect in reversed(effects)}
            lent = {one for one, effect in first.items() if effect == "closes"}
            self._known[name] = (frozenset(opened ^ closed | lent), frozenset(called) & self._bodies.keys())
        return self._known[name]


def related(studied: Studied, walked: Walked, state: int) -> tuple[Related, ...]:
    """The decisions on the way to *state*, for people: the last of them, if there are many."""
    lines: list[Related] = []
    for number, outcome in path(walked, state):
        if outcome is None:
            continue
        step = studied.prepared.graph.steps[number]
        text = step.text or studied.text_of_step(number)
        said = "is" if outcome else "is not"
        if step.kind != "switch":
            text = f"where {text} {said} true"
        lines.append(Related(file=studied.source.path, line=studied.line_of_step(number), text=text))
    return tuple(lines[-_MAX_RELATED:])
