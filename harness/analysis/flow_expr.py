# SPDX-License-Identifier: GPL-2.0-only
"""An expression of C as the few operations and questions that following a path needs.

Values are kept as a set of signs: zero (or NULL), below zero (or an ERR_PTR), above zero (or a good
pointer), together with the constant, where one was assigned. Names of variables, fields and calls are
their texts without white space.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import tree_sitter

from harness.analysis.source import Source

ZERO, BELOW, ABOVE = 1, 2, 4
ANY = ZERO | BELOW | ABOVE
_ERRNO = re.compile(r"-E[A-Z0-9]+$")
_CONSTANT = re.compile(r"(?:[A-Z][A-Z0-9_]*|0[xX][0-9a-fA-F]+[uUlL]*|-?\d+[uUlL]*)$")
_NAME = re.compile(r"[A-Za-z_]\w*")
_SPACE = re.compile(r"\s+")
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_SIGNS = {"==": ZERO, "!=": BELOW | ABOVE, "<": BELOW, ">": ABOVE, "<=": ZERO | BELOW, ">=": ZERO | ABOVE}
_ASKS = {"IS_ERR": BELOW, "IS_ERR_OR_NULL": ZERO | BELOW, "IS_ERR_VALUE": BELOW}
_SAME_AS = frozenset(
    {"PTR_ERR", "ERR_CAST", "READ_ONCE", "ACCESS_ONCE", "rcu_dereference", "likely", "unlikely"}
)
_MAX_TEXT = 200


class Value(NamedTuple):
    """What an expression can be: a set of signs, and the constant's text if it is one."""

    signs: int = ANY
    constant: str = ""


class Condition(NamedTuple):
    """True when *subject* is among ``signs`` (or, with ``equals``, is that constant); else the reverse."""

    subject: str
    signs: int
    equals: str = ""
    negated: bool = False


class Call(NamedTuple):
    """``into = name(arguments)``; ``key`` is the call's own text, under which its result is known."""

    name: str
    arguments: tuple[str, ...]
    key: str = ""
    line: int = 0
    into: str = ""


class Assign(NamedTuple):
    """``target = …``: a constant (``value``), what ``source`` is, or the outcome of ``condition``."""

    target: str
    value: Value | None = None
    source: str = ""
    condition: Condition | None = None
    counted: bool = False
    """the call before it has said already that it puts its result there"""


class Escape(NamedTuple):
    """``target``'s value was stored at ``place``, or the address of ``target`` was given away."""

    target: str
    place: str


Operation = Call | Assign | Escape


class Lowered(NamedTuple):
    """What happens while an expression is evaluated, in order, and what it amounts to."""

    operations: tuple[Operation, ...]
    value: Value | None
    """its constant value"""
    source: str
    """the variable, field or call whose value it is; empty when it is none"""


def names_in(text: str) -> frozenset[str]:
    """The identifiers of *text*."""
    return frozenset(_NAME.findall(text))


def squeezed(text: str) -> str:
    """*text* without white space, bounded."""
    return _SPACE.sub("", text)[:_MAX_TEXT]


def constant(text: str) -> Value | None:
    """The value of a constant expression; None when *text* is none.

    A name in capitals is taken for a constant whose sign nobody knows; ``-ENAME`` is an error.
    """
    text = text.strip("()")
    if text in {"0", "NULL", "false", "0UL", "0L"}:
        return Value(ZERO, "0")
    if text == "true":
        return Value(ABOVE, "1")
    if _ERRNO.match(text):
        return Value(BELOW, text)
    if _CONSTANT.match(text):
        if text[0].isdigit():
            return Value(ABOVE, text)
        return Value(BELOW if text[0] == "-" else ANY, text)
    return None


def condition(source: Source, node: tree_sitter.Node) -> Condition:
    """What the atomic condition *node* asks."""
    node = bare(node)
    if node.type == "unary_expression" and source.text(node.children[0]) == "!":
        asked = condition(source, node.children[-1])
        return asked._replace(negated=not asked.negated)
    if node.type == "assignment_expression":
        left = node.child_by_field_name("left")
        return Condition(squeezed(source.text(left)) if left is not None else "", BELOW | ABOVE)
    if node.type == "binary_expression":
        compared = _comparison(source, node)
        if compared is not None:
            return compared
    if node.type == "call_expression":
        name = node.child_by_field_name("function")
        signs = _ASKS.get(source.text(name)) if name is not None else None
        given = arguments(node)
        if signs is not None and given:
            return Condition(subject(source, given[0]), signs)
    return Condition(subject(source, node), BELOW | ABOVE)


def _comparison(source: Source, node: tree_sitter.Node) -> Condition | None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    sign = node.child_by_field_name("operator")
    if left is None or right is None or sign is None or source.text(sign) not in _SIGNS:
        return None
    operator = source.text(sign)
    if constant(squeezed(source.text(bare(left)))) is not None:
        left, right, operator = right, left, _TURNED[operator]
    other = squeezed(source.text(bare(right)))
    known = constant(other)
    if known is not None and known.signs == ZERO:
        return Condition(subject(source, left), _SIGNS[operator])
    if operator in {"==", "!="}:
        if known is not None:
            return Condition(subject(source, left), known.signs, known.constant, operator == "!=")
        both = sorted((subject(source, left), other))
        return Condition("==".join(both), BELOW | ABOVE, negated=operator == "!=")
    return None


def subject(source: Source, node: tree_sitter.Node) -> str:
    """The name under which the value of *node* is known."""
    node = bare(node)
    if node.type == "assignment_expression":
        left = node.child_by_field_name("left")
        return squeezed(source.text(left)) if left is not None else ""
    if node.type == "call_expression":
        name, given = node.child_by_field_name("function"), arguments(node)
        if name is not None and given and source.text(name) in _SAME_AS:
            return subject(source, given[0])
    return squeezed(source.text(node))


def bare(node: tree_sitter.Node) -> tree_sitter.Node:
    """*node* without parentheses and casts around it."""
    while node.type in {"parenthesized_expression", "cast_expression"}:
        inner = node.child_by_field_name("value") if node.type == "cast_expression" else None
        named = [one for one in node.named_children if one.type != "comment"]
        if inner is None and not named:
            break
        node = inner if inner is not None else named[0]
    return node


def arguments(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """The arguments of the call *node*."""
    given = node.child_by_field_name("arguments")
    return [one for one in given.named_children if one.type != "comment"] if given is not None else []


def lower(source: Source, node: tree_sitter.Node, target: str = "") -> Lowered:
    """The operations of *node*, innermost first; with *target*, of ``target = node``."""
    out: list[Operation] = []
    if target:
        _store(source, target, node, out)
        return Lowered(tuple(out), None, target)
    value, known = _lower(source, node, out)
    return Lowered(tuple(out), value, known)


def _lower(source: Source, node: tree_sitter.Node, out: list[Operation]) -> tuple[Value | None, str]:
    node = bare(node)
    make = _LOWER.get(node.type)
    if make is not None:
        return make(source, node, out)
    for child in node.named_children:
        _lower(source, child, out)
    text = squeezed(source.text(node))
    return constant(text), text if node.type in {"identifier", "field_expression"} else ""


def _call(source: Source, node: tree_sitter.Node, out: list[Operation]) -> tuple[Value | None, str]:
    name, given = node.child_by_field_name("function"), arguments(node)
    texts = tuple(squeezed(source.text(one)) for one in given)
    for one in given:
        _lower(source, one, out)
        inner = bare(one)
        if inner.type == "pointer_expression" and source.text(inner.children[0]) == "&":
            out.append(Escape(texts[given.index(one)][1:], "&"))
    called = squeezed(source.text(name)) if name is not None else ""
    if called in _SAME_AS and texts:
        return None, subject(source, given[0])
    if called == "ERR_PTR":
        return Value(BELOW, texts[0] if texts else ""), ""
    key = squeezed(source.text(node))
    out.append(Call(called, texts, key, source.line_of(node)))
    return None, key


def _assign(source: Source, node: tree_sitter.Node, out: list[Operation]) -> tuple[Value | None, str]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return None, ""
    target = squeezed(source.text(left))
    for child in left.named_children:
        _lower(source, child, out)
    sign = node.child_by_field_name("operator")
    if sign is not None and source.text(sign) != "=":
        _lower(source, right, out)
        out.append(Assign(target))
        return None, target
    _store(source, target, right, out)
    return None, target


def _store(source: Source, target: str, right: tree_sitter.Node, out: list[Operation]) -> None:
    value, known = _lower(source, right, out)
    counted = False
    if out and isinstance(out[-1], Call) and out[-1].key == known:
        out[-1] = out[-1]._replace(into=target)
        counted = True
    asked = None
    plain = bare(right)
    if value is None and not known and plain.type in {"unary_expression", "binary_expression"}:
        asked = condition(source, plain)
        if (plain.type == "binary_expression" and _comparison(source, plain) is None) or (
            plain.type == "unary_expression" and source.text(plain.children[0]) != "!"
        ):
            asked = None
    out.append(Assign(target, value, known, asked, counted))
    if known and not counted:
        out.append(Escape(known, target))


def _declare(source: Source, node: tree_sitter.Node, out: list[Operation]) -> tuple[Value | None, str]:
    inner, value = node.child_by_field_name("declarator"), node.child_by_field_name("value")
    while inner is not None and inner.type != "identifier":
        inner = inner.child_by_field_name("declarator")
    if inner is not None and value is not None:
        _store(source, squeezed(source.text(inner)), value, out)
    return None, ""


def _update(source: Source, node: tree_sitter.Node, out: list[Operation]) -> tuple[Value | None, str]:
    inner = node.child_by_field_name("argument")
    if inner is not None:
        out.append(Assign(squeezed(source.text(inner))))
    return None, ""


def _nothing(source: Source, node: tree_sitter.Node, out: list[Operation]) -> tuple[Value | None, str]:
    return None, ""


_LOWER = {
    "call_expression": _call,
    "assignment_expression": _assign,
    "init_declarator": _declare,
    "update_expression": _update,
    "sizeof_expression": _nothing,
    "comment": _nothing,
}
