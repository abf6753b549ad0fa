# SPDX-License-Identifier: GPL-2.0-only
"""The control-flow graph of one C function, built from its syntax tree.

Conditions are taken apart at ``&&``, ``||``, ``!``, ``?:`` and ``unlikely()``, so that a test holds one
atom and a lock taken inside a condition has a place of its own. Preprocessor conditionals are tests
too: both settings are followed, and equal conditions agree along one path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import tree_sitter

from harness.analysis.source import Function

Kind = Literal["do", "test", "any", "switch", "config", "join", "back", "return", "end", "stop"]

_WRAPPERS = frozenset(
    {"likely", "unlikely", "WARN_ON", "WARN_ON_ONCE", "VM_WARN_ON", "VM_WARN_ON_ONCE", "READ_ONCE"}
    | {"ACCESS_ONCE", "data_race", "static_branch_likely", "static_branch_unlikely"}
)
"""calls that are as true as their first argument"""
_MAX_STEPS = 6000
_MAX_DEPTH = 120
_LOOPS = frozenset({"while_statement", "for_statement", "do_statement"})
_SILENT = frozenset(
    {"comment", "preproc_call", "preproc_def", "preproc_function_def", "preproc_include", ";"}
)


class TooComplex(Exception):
    """The function is larger, deeper or stranger than the graph is meant for."""


class Step(NamedTuple):
    """One point of a function.

    ``do``: evaluate ``node`` (and store it in ``text``, if there is one). ``test``: ``node`` is an atomic
    condition, ``next`` is (true, false).
    ``any``: one of ``next``, nobody can say which (the loops that are macros). ``switch``: on ``node``,
    ``cases`` says which value belongs to which of ``next`` (None: none of the others). ``config``: a
    preprocessor condition, ``text``. ``back``: the way back of a loop. ``return``: of ``node``; ``end``:
    the closing brace; ``stop``: a call that does not come back.
    """

    kind: Kind
    node: tree_sitter.Node | None
    next: tuple[int, ...]
    text: str = ""
    cases: tuple[tree_sitter.Node | None, ...] = ()


class Graph(NamedTuple):
    """Steps by number; ``entry`` is the first, ``loops`` are the steps to which a way back leads."""

    steps: tuple[Step, ...]
    entry: int
    loops: frozenset[int]


def around(graph: Graph, back: int) -> set[int]:
    """The steps of the loop that the way back *back* closes."""
    head = graph.steps[back].next[0]
    comes_from: list[list[int]] = [[] for _ in graph.steps]
    for number, step in enumerate(graph.steps):
        for following in step.next:
            comes_from[following].append(number)
    found: set[int] = set()
    pending = [back]
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            if number != head:
                pending += comes_from[number]
    return found


def build(function: Function, no_return: frozenset[str] = frozenset()) -> Graph:
    """The graph of *function*; calls of *no_return* end their path.

    TooComplex when the parser had to guess in it, a ``goto`` has no label, or it is out of proportion.
    """
    body = function.body
    if body is None or function.broken:
        raise TooComplex(function.name)
    return _Builder(function, no_return).graph(body)


class _Around(NamedTuple):
    """Where ``break`` and ``continue`` go, and the cases of the ``switch`` around."""

    on_break: int
    on_continue: int
    cases: list[tuple[tree_sitter.Node | None, int]] | None


class _Builder:
    """Builds backwards: what a statement leads to is known before the statement is."""

    def __init__(self, function: Function, no_return: frozenset[str]) -> None:
        self._text = function.source.text
        self._no_return = no_return
        self._steps: list[Step] = []
        self._labels: dict[str, tuple[int, int]] = {}
        self._seen_labels: set[str] = set()
        self._loops: set[int] = set()
        self._depth = 0

    def graph(self, body: tree_sitter.Node) -> Graph:
        for node in walk(body):
            if node.type == "labeled_statement":
                label = node.child_by_field_name("label")
                if label is not None:
                    self._labels[self._text(label)] = (self._add("join"), node.start_byte)
        end = self._add("end", body)
        entry = self._statement(body, end, _Around(end, end, None))
        return Graph(tuple(self._steps), entry, frozenset(self._loops))

    def _add(
        self, kind: Kind, node: tree_sitter.Node | None = None, *to: int, text: str = "",
        cases: tuple[tree_sitter.Node | None, ...] = (),
    ) -> int:  # fmt: skip
        if len(self._steps) >= _MAX_STEPS:
            raise TooComplex
        self._steps.append(Step(kind, node, to, text, cases))
        return len(self._steps) - 1

    def _lead(self, step: int, *to: int) -> None:
        self._steps[step] = self._steps[step]._replace(next=to)

    def _statements(self, nodes: Sequence[tree_sitter.Node], to: int, around: _Around) -> int:
        for node in reversed(nodes):
            if node.is_named and node.type not in _SILENT:
                to = self._statement(node, to, around)
        return to

    def _statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TooComplex
        try:
            make = getattr(self, f"_on_{node.type}", None)
            if make is not None:
                return int(make(node, to, around))
            return self._evaluate(node, to)
        finally:
            self._depth -= 1

    def _on_ERROR(self, node: tree_sitter.Node, to: int, around: _Around) -> int:  # noqa: N802
        raise TooComplex

    def _on_compound_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        return self._statements(node.children, to, around)

    def _on_else_clause(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        return self._statements(node.children, to, around)

    def _on_attributed_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        return self._statements([one for one in node.children if "attribute" not in one.type], to, around)

    def _on_expression_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        return to if not node.named_children else self._evaluate(node.named_children[0], to)

    def _on_if_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        then, other = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        on_true = self._statement(then, to, around) if then is not None else to
        on_false = self._statement(other, to, around) if other is not None else to
        return self._condition(_field(node, "condition"), on_true, on_false)

    def _on_while_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        head = self._loop_head()
        back = self._add("back", None, head)
        body = _field(node, "body")
        entry = self._statement(body, back, _Around(to, back, None))
        condition = _field(node, "condition")
        if node.children and self._text(node.children[0]) != "while":
            # A for_each macro, which the parser was shown as a loop: how often it runs is its own affair.
            self._lead(head, self._add("any", condition, entry, to))
        else:
            self._lead(head, self._condition(condition, entry, to))
        return head

    def _on_do_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        head = self._loop_head()
        back = self._add("back", None, head)
        test = self._condition(_field(node, "condition"), back, to)
        self._lead(head, self._statement(_field(node, "body"), test, _Around(to, test, None)))
        return head

    def _on_for_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        head = self._loop_head()
        again = self._add("back", None, head)
        update = node.child_by_field_name("update")
        if update is not None:
            again = self._evaluate(update, again)
        body = self._statement(_field(node, "body"), again, _Around(to, again, None))
        condition = node.child_by_field_name("condition")
        self._lead(head, self._condition(condition, body, to) if condition is not None else body)
        first = node.child_by_field_name("initializer")
        return self._evaluate(first, head) if first is not None else head

    def _loop_head(self) -> int:
        head = self._add("join")
        self._loops.add(head)
        return head

    def _on_switch_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        cases: list[tuple[tree_sitter.Node | None, int]] = []
        self._statement(_field(node, "body"), to, _Around(to, around.on_continue, cases))
        cases.reverse()
        if all(value is not None for value, _entry in cases):
            cases.append((None, to))
        entries, values = tuple(entry for _v, entry in cases), tuple(value for value, _e in cases)
        subject = _bare(_field(node, "condition"))
        return self._add("switch", subject, *entries, cases=values)

    def _on_case_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        if around.cases is None:
            raise TooComplex
        value = node.child_by_field_name("value")
        rest = [one for one in node.named_children if value is None or one.id != value.id]
        entry = self._statements(rest, to, around)
        around.cases.append((value, entry))
        return entry

    def _on_break_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        return around.on_break

    def _on_continue_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        return around.on_continue

    def _on_goto_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        label = node.child_by_field_name("label")
        place = self._labels.get(self._text(label)) if label is not None else None
        if place is None:
            raise TooComplex
        if place[1] > node.start_byte:
            return place[0]
        self._loops.add(place[0])
        return self._add("back", node, place[0])

    def _on_labeled_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        label = _field(node, "label")
        name = self._text(label)
        if name in self._seen_labels:
            raise TooComplex
        self._seen_labels.add(name)
        rest = [one for one in node.named_children if one.id != label.id]
        self._lead(self._labels[name][0], self._statements(rest, to, around))
        return self._labels[name][0]

    def _on_return_statement(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        value = next((one for one in node.named_children if one.type != "comment"), None)
        if value is None:
            return self._add("return", node)
        return self._value(value, lambda leaf: self._add("return", leaf))

    def _value(self, node: tree_sitter.Node, use: Callable[[tree_sitter.Node], int]) -> int:
        """*use* on each value that *node* can have, behind the tests that choose it."""
        bare = _bare(node)
        if bare.type == "conditional_expression" and bare.child_by_field_name("consequence") is not None:
            on_true = self._value(_field(bare, "consequence"), use)
            on_false = self._value(_field(bare, "alternative"), use)
            return self._condition(_field(bare, "condition"), on_true, on_false)
        return use(bare)

    def _on_preproc_ifdef(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        name = _field(node, "name")
        on_true, on_false = self._branches(node, {name.id}, to, around)
        if node.children and self._text(node.children[0]).endswith("ifndef"):
            on_true, on_false = on_false, on_true
        return self._add("config", node, on_true, on_false, text=f"defined {self._text(name)}")

    def _on_preproc_elifdef(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        raise TooComplex

    def _on_preproc_if(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        condition = _field(node, "condition")
        on_true, on_false = self._branches(node, {condition.id}, to, around)
        text = " ".join(self._text(condition).split())
        if text in {"0", "1"}:
            return on_true if text == "1" else on_false
        plain = re.fullmatch(r"(!?)\s*defined\s*\(?\s*(\w+)\s*\)?", text)
        if plain is not None:
            text = f"defined {plain[2]}"
            if plain[1]:
                on_true, on_false = on_false, on_true
        return self._add("config", node, on_true, on_false, text=text)

    _on_preproc_elif = _on_preproc_if

    def _on_preproc_else(self, node: tree_sitter.Node, to: int, around: _Around) -> int:
        return self._statements(node.children, to, around)

    def _branches(self, node: tree_sitter.Node, head: set[int], to: int, around: _Around) -> tuple[int, int]:
        other = node.child_by_field_name("alternative")
        rest = [one for one in node.children if one.id not in head and (other is None or one.id != other.id)]
        on_false = self._statement(other, to, around) if other is not None else to
        return self._statements(rest, to, around), on_false

    def _evaluate(self, node: tree_sitter.Node, to: int) -> int:
        """A step that evaluates *node*; a choice of values or a call that never returns makes more."""
        if node.has_error:
            raise TooComplex
        bare = _bare(node)
        if bare.type == "comma_expression":
            right = self._evaluate(_field(bare, "right"), to)
            return self._evaluate(_field(bare, "left"), right)
        if bare.type == "conditional_expression" and bare.child_by_field_name("consequence") is not None:
            on_true = self._evaluate(_field(bare, "consequence"), to)
            on_false = self._evaluate(_field(bare, "alternative"), to)
            return self._condition(_field(bare, "condition"), on_true, on_false)
        if bare.type == "compound_statement":
            return self._statement(bare, to, _Around(to, to, None))
        if bare.type == "declaration":
            for one in reversed(bare.named_children):
                to = self._evaluate(one, to) if one.type == "init_declarator" else to
            return to
        return self._plain(bare, to)

    def _plain(self, bare: tree_sitter.Node, to: int) -> int:
        """An assignment, an initialised variable, a call or anything else that is one step or few."""
        stored = _stored(bare)
        if stored is not None:
            target = self._text(stored[0])
            return self._value(stored[1], lambda leaf: self._add("do", leaf, to, text=target))
        if _chained(bare):
            inner = _bare(_field(bare, "right"))
            first = self._text(_field(bare, "left"))
            return self._evaluate(inner, self._add("do", _field(inner, "left"), to, text=first))
        name = called(bare)
        if name is not None and self._text(name) in self._no_return:
            return self._add("do", bare, self._add("stop", bare))
        if name is not None and self._text(name) in {"BUG_ON", "VM_BUG_ON"}:
            condition = _argument(bare)
            if condition is not None:
                return self._condition(condition, self._add("stop", bare), to)
        return self._add("do", bare, to)

    def _condition(self, node: tree_sitter.Node, on_true: int, on_false: int) -> int:
        node = _bare(node)
        if node.type == "unary_expression" and self._text(node.children[0]) == "!":
            return self._condition(_field(node, "argument"), on_false, on_true)
        if node.type == "binary_expression":
            operator = self._text(_field(node, "operator"))
            left, right = _field(node, "left"), _field(node, "right")
            if operator == "&&":
                return self._condition(left, self._condition(right, on_true, on_false), on_false)
            if operator == "||":
                return self._condition(left, on_true, self._condition(right, on_true, on_false))
        if node.type == "comma_expression":
            return self._evaluate(
                _field(node, "left"), self._condition(_field(node, "right"), on_true, on_false)
            )
        if node.type == "conditional_expression" and node.child_by_field_name("consequence") is not None:
            yes = self._condition(_field(node, "consequence"), on_true, on_false)
            no = self._condition(_field(node, "alternative"), on_true, on_false)
            return self._condition(_field(node, "condition"), yes, no)
        return self._atom(node, on_true, on_false)

    def _atom(self, node: tree_sitter.Node, on_true: int, on_false: int) -> int:
        name = called(node)
        if name is not None and self._text(name) in _WRAPPERS:
            inner = _argument(node)
            if inner is not None:
                return self._condition(inner, on_true, on_false)
        text = self._text(node)
        if text in {"0", "false"}:
            return on_false
        if text.isdigit() or text == "true":
            return on_true
        if node.has_error:
            raise TooComplex
        return self._add("test", node, on_true, on_false)


def walk(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """*node* and everything in it, in the order of the text."""
    found: list[tree_sitter.Node] = []
    pending = [node]
    while pending:
        one = pending.pop()
        found.append(one)
        pending.extend(reversed(one.children))
    return found


def called(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The identifier that *node* calls; None when it is no call by name."""
    if node.type != "call_expression":
        return None
    name = node.child_by_field_name("function")
    return name if name is not None and name.type == "identifier" else None


def _argument(node: tree_sitter.Node) -> tree_sitter.Node | None:
    arguments = node.child_by_field_name("arguments")
    return arguments.named_children[0] if arguments is not None and arguments.named_children else None


def _stored(node: tree_sitter.Node) -> tuple[tree_sitter.Node, tree_sitter.Node] | None:
    """Target and value of an assignment or initialised declarator whose value is a choice of two."""
    names = {"assignment_expression": ("left", "right"), "init_declarator": ("declarator", "value")}
    if node.type not in names:
        return None
    target, value = (node.child_by_field_name(name) for name in names[node.type])
    sign = node.child_by_field_name("operator")
    if target is None or value is None or (sign is not None and sign.type != "="):
        return None
    while target is not None and target.type == "pointer_declarator":
        target = target.child_by_field_name("declarator")
    return (target, value) if target is not None and _bare(value).type == "conditional_expression" else None


def _chained(node: tree_sitter.Node) -> bool:
    """True for ``a = b = …``."""
    if node.type != "assignment_expression":
        return False
    right, sign = node.child_by_field_name("right"), node.child_by_field_name("operator")
    plain = sign is not None and sign.type == "="
    return plain and right is not None and _bare(right).type == "assignment_expression"


def _field(node: tree_sitter.Node, name: str) -> tree_sitter.Node:
    child = node.child_by_field_name(name)
    if child is None:
        raise TooComplex
    return child


def _bare(node: tree_sitter.Node) -> tree_sitter.Node:
    while node.type in {"parenthesized_expression", "cast_expression"}:
        inner = node.child_by_field_name("value") if node.type == "cast_expression" else None
        named = [one for one in node.named_children if one.type != "comment"]
        if inner is None and not named:
            break
        node = inner if inner is not None else named[0]
    return node
