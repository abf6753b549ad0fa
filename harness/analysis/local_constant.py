# SPDX-License-Identifier: GPL-2.0-only
"""Tests whose outcome is settled by the statement before them.

Only straight-line code of one block is followed: from an ``if`` back to the assignment or the earlier test
that settles it, and only over statements that do not so much as name what is tested.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, is_static, kids, leaves, one_line, plain
from harness.analysis.model import Raw, Related

CONSTANT = "constant-test"
REPEATED = "test-repeated"
NONZERO = "not 0"

_ERRNO = re.compile(r"-\s*E[A-Z0-9]+")
_NAME = re.compile(r"[A-Za-z_]\w*")
# What may stand between a fact and the test; anything else may jump in, loop or hide a change.
_SIMPLE = frozenset(("expression_statement", "declaration", "if_statement"))
# How many statements back a test may be settled.
_FAR = 30
_HIDDEN = ("labeled_statement", "preproc_if", "preproc_ifdef", "gnu_asm_expression")


@dataclass(frozen=True)
class Fact:
    """*value* is what *place* holds: an integer, an errno as written, or ``not 0`` if no more is known."""

    place: str
    value: int | str
    node: Node
    rule: str


def find(body: Body, file: File) -> Iterator[Raw]:
    """Findings of ``constant-test`` and ``test-repeated`` in one function."""
    for test in body.of("if_statement", "while_statement"):
        condition = test.child_by_field_name("condition")
        holder = body.parent(test)
        if condition is None or holder is None or not body.text(test).startswith(("if", "while")):
            continue  # a loop macro, which the parser was shown as a while
        if holder.type == "else_clause":
            yield from _same_again(body, test, condition)
        elif holder.type in ("compound_statement", "case_statement"):
            yield from _settled(body, test, condition, holder, file.names)


def _settled(body: Body, test: Node, condition: Node, holder: Node, names: Names) -> Iterator[Raw]:
    """The nearest statement before *test* that settles it; a loop is settled when it is never entered."""
    for fact in _facts(body, test, condition, holder):
        outcome = _truth(body, condition, fact, names)
        if outcome is not None and not (outcome and test.type == "while_statement"):
            yield _raw(body, test, condition, fact, outcome)
            return


def _same_again(body: Body, test: Node, condition: Node) -> Iterator[Raw]:
    """``else if`` with the very condition of an ``if`` that it belongs to: its branch can never run."""
    what = body.text(plain(condition))
    changes = body.of("call_expression", "assignment_expression", "update_expression")
    if any(condition.start_byte <= one.start_byte < condition.end_byte for one in changes):
        return
    for holder in body.above(test):
        if holder.type not in ("if_statement", "else_clause"):
            return
        earlier = holder.child_by_field_name("condition")
        if earlier is not None and body.text(plain(earlier)) == what:
            yield _raw(body, test, condition, Fact(what, 0, holder, CONSTANT), False)
            return


def _raw(body: Body, test: Node, condition: Node, fact: Fact, outcome: bool) -> Raw:
    what = one_line(body.text(condition))
    line = body.line(fact.node)
    said = one_line(body.source.line(line).strip())
    return Raw(
        rule=fact.rule,
        line=body.line(test),
        function=body.function.name,
        message=f"{what} is always {str(outcome).lower()} here: line {line} has settled it ({said})",
        key=one_line(f"{fact.place}={fact.value}:{what}"),
        related=(Related(file=body.source.path, line=line, text=said),),
    )


def _facts(body: Body, test: Node, condition: Node, holder: Node) -> Iterator[Fact]:
    """What is known at *test* from the statements before it in its block, nearest first."""
    asked = set(_NAME.findall(body.text(condition)))
    named: set[str] = set()
    near = True
    for statement in reversed(body.ahead_of(test, holder, _FAR)):
        if statement.type not in _SIMPLE or _hides(body, statement) or asked <= named:
            return
        for fact in _told(body, statement):
            known = (near and not _assigns(body, condition)) or fact.place in body.steady
            if known and not named & set(_NAME.findall(fact.place)):
                yield fact
        if not _only_asks(body, statement):
            named |= set(_NAME.findall(body.text(statement)))
        near = near and statement.type == "expression_statement" and not any(body.within(statement))


def _only_asks(body: Body, statement: Node) -> bool:
    """True for an ``if`` that changes nothing on the way on: a plain condition, and a branch that leaves."""
    taken = statement.child_by_field_name("consequence")
    condition = statement.child_by_field_name("condition")
    if statement.type != "if_statement" or taken is None or condition is None or not leaves(taken):
        return False
    changes = body.of("assignment_expression", "update_expression", "call_expression", "pointer_expression")
    return statement.child_by_field_name("alternative") is None and not any(
        condition.start_byte <= one.start_byte < condition.end_byte for one in changes
    )


def _assigns(body: Body, condition: Node) -> bool:
    """True when the condition itself assigns, perhaps before it looks."""
    inside = body.of("assignment_expression", "update_expression")
    return any(condition.start_byte <= one.start_byte < condition.end_byte for one in inside)


def _hides(body: Body, statement: Node) -> bool:
    return any(statement.start_byte <= one.start_byte < statement.end_byte for one in body.of(*_HIDDEN))


def _told(body: Body, statement: Node) -> Iterator[Fact]:
    """What *statement* leaves settled."""
    if statement.type == "declaration" and not is_static(statement):
        for one in statement.children_by_field_name("declarator"):
            value = _constant(body, one.child_by_field_name("value"))
            name = one.child_by_field_name("declarator")
            if one.type == "init_declarator" and value is not None and name is not None:
                yield Fact(body.text(name).lstrip("* "), value, statement, CONSTANT)
    elif statement.type == "expression_statement":
        yield from _assigned(body, statement)
    elif statement.type == "if_statement":
        taken = statement.child_by_field_name("consequence")
        condition = statement.child_by_field_name("condition")
        if statement.child_by_field_name("alternative") is None and taken is not None and leaves(taken):
            yield from (_refuted(body, condition, statement) if condition is not None else ())


def _assigned(body: Body, statement: Node) -> Iterator[Fact]:
    inside = kids(statement)
    node = inside[0] if inside else None
    if (
        node is None
        or node.type != "assignment_expression"
        or b"=" not in {c.type.encode() for c in node.children}
    ):
        return
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    value = _constant(body, right)
    if left is not None and left.type in ("identifier", "field_expression") and value is not None:
        yield Fact(body.text(left), value, statement, CONSTANT)


def _refuted(body: Body, condition: Node, statement: Node) -> Iterator[Fact]:
    """Behind ``if (a || !b) return;``: a is zero and b is not."""
    node = plain(condition)
    if node is None:
        return
    if node.type == "binary_expression" and _operator(node) == "||":
        for side in ("left", "right"):
            inner = node.child_by_field_name(side)
            yield from (_refuted(body, inner, statement) if inner is not None else ())
    elif node.type == "unary_expression" and _operator(node) == "!":
        inside = plain(node.child_by_field_name("argument"))
        if inside is not None and inside.type == "identifier":
            yield Fact(body.text(inside), NONZERO, statement, REPEATED)
    elif node.type == "identifier":
        yield Fact(body.text(node), 0, statement, REPEATED)


def _operator(node: Node) -> str:
    sign = node.child_by_field_name("operator")
    return sign.type if sign is not None else ""


def _constant(body: Body, node: Node | None) -> int | str | None:
    bare = plain(node)
    if bare is None:
        return None
    text = body.text(bare)
    if text in ("NULL", "false"):
        return 0
    if text == "true":
        return 1
    if _ERRNO.fullmatch(text):
        return text.replace(" ", "")
    return _number(text)


def _number(text: str) -> int | None:
    try:
        return int(text.rstrip("uUlL"), 0)
    except ValueError:
        return None


def _truth(body: Body, condition: Node | None, fact: Fact, names: Names) -> bool | None:
    """What *condition* is under *fact*; None when the fact does not settle it."""
    node = plain(condition)
    if node is None:
        return None
    if node.type == "binary_expression":
        return _joined(body, node, fact, names)
    if node.type == "unary_expression" and _operator(node) == "!":
        outcome = _truth(body, node.child_by_field_name("argument"), fact, names)
        return None if outcome is None else not outcome
    if body.text(node) == fact.place:
        return fact.value != 0
    return _predicate(body, node, fact, names)


def _joined(body: Body, node: Node, fact: Fact, names: Names) -> bool | None:
    """A comparison, or && and || of two conditions."""
    sign = _operator(node)
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if sign in ("&&", "||"):
        sides = (_truth(body, left, fact, names), _truth(body, right, fact, names))
        settled = sign == "||"
        if settled in sides:
            return settled
        return None if None in sides else not settled
    if body.text(plain(left)) == fact.place:
        return _compared(fact.value, sign, _constant(body, right))
    return None


def _predicate(body: Body, node: Node, fact: Fact, names: Names) -> bool | None:
    """A call that reads the one field that is known to be 0: PageAnon(page) behind page->mapping = NULL."""
    call = body.call(node)
    if call is None or len(call.arguments) != 1 or fact.value != 0:
        return None
    field = names.reads.get(call.name, "")
    argument = body.text(plain(call.arguments[0]))
    return False if field and fact.place == f"{argument}->{field}" else None


def _compared(value: int | str, sign: str, other: int | str | None) -> bool | None:
    """*value* against the constant *other*; None when they cannot be ordered."""
    compare = _COMPARE.get(sign)
    if other is None or compare is None:
        return None
    if isinstance(value, int) and isinstance(other, int):
        return compare(value, other)
    if value == NONZERO:
        return {"==": False, "!=": True}.get(sign) if other == 0 else None
    if isinstance(value, str) and isinstance(other, int) and other >= 0:
        return compare(-1, other)  # an errno: some negative number
    return {"==": True, "!=": False}.get(sign) if value == other else None


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
