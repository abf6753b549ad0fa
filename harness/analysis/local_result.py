# SPDX-License-Identifier: GPL-2.0-only
"""Calls that can fail and whose result nobody looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_syntax import Body, Call, kids, one_line, without_prose
from harness.analysis.model import Raw
from harness.analysis.source import Function, Source

RULE = "ignored-result"
_ERROR = re.compile(rb"\breturn\s*-\s*E[A-Z]")


def find(body: Body, file: File) -> Iterator[Raw]:
    """Findings of ``ignored-result`` in one function: one for each function called."""
    told: set[str] = set()
    for statement, call in _dropped(body):
        why = _why(file, call.name) if call.name not in told else ""
        if why:
            told.add(call.name)
            yield _raw(body, statement, call, why)


def callers(file: File, base: Source | None, functions: frozenset[str]) -> Iterator[Raw]:
    """The same in functions that did not change, of functions that since the base can fail."""
    before = {one.name for one in base.functions if _fails(one)} if base is not None else set()
    fails = {one.name for one in file.source.functions if one.name in functions and _fails(one)}
    changed = fails - before
    if not changed or base is None:
        return
    for function in file.source.functions:
        text = file.text_of(function)
        if function.name in functions or function.broken or not any(one.encode() in text for one in changed):
            continue
        body = file.body(function)
        for statement, call in _dropped(body):
            why = _why(file, call.name) if call.name in changed else ""
            if why:
                yield _raw(body, statement, call, why)


def _dropped(body: Body) -> Iterator[tuple[Node, Call]]:
    """The statements that are nothing but a call."""
    for statement in body.of("expression_statement"):
        inside = kids(statement)
        call = body.calls_by_node.get(inside[0].id) if inside else None
        if call is not None:
            yield statement, call


def _raw(body: Body, statement: Node, call: Call, why: str) -> Raw:
    return Raw(
        rule=RULE,
        line=body.line(statement),
        function=body.function.name,
        message=f"the result of {one_line(body.text(call.node))} is not looked at; {why}",
        key=call.name,
    )


def _why(file: File, name: str) -> str:
    if name in file.names.must_check:
        return "it says whether the call has done its work"
    own = next(iter(file.functions.get(name, ())), None)
    if own is None or not _fails(own) or not _checked(file, name):
        return ""
    return f"{name} returns an error code, and other callers in this file look at it"


def _fails(function: Function) -> bool:
    """True for a static function that returns an int and has a ``return -E…`` in it."""
    kind = function.node.child_by_field_name("type")
    declarator = function.node.child_by_field_name("declarator")
    static = any(function.source.text(one) == "static" for one in function.node.children)
    if not static or kind is None or function.source.text(kind) != "int":
        return False
    if declarator is None or declarator.type != "function_declarator":
        return False
    data = function.source.data[function.node.start_byte : function.node.end_byte]
    return _ERROR.search(without_prose(data)) is not None


def _checked(file: File, name: str) -> bool:
    """True when the result is used somewhere in the file."""
    used = re.compile(rb"(?:=|return|[(!&|?:])[ \t\n]*" + re.escape(name.encode()) + rb"[ \t]*\(")
    return used.search(file.code) is not None
