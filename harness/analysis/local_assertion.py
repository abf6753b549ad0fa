# SPDX-License-Identifier: GPL-2.0-only
"""Assertions that a series takes away, and handled conditions that it turns into assertions."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, kids, one_line, plain
from harness.analysis.model import Raw
from harness.analysis.source import Source

GONE = "assertion-gone"
ONLY = "check-only-asserted"


def find(body: Body, file: File, base: Source | None) -> Iterator[Raw]:
    """Findings of ``assertion-gone`` and ``check-only-asserted``: *body* against the function of the base."""
    if base is None or base is body.source:
        return
    names = file.names
    before = [one for one in base.functions if one.name == body.function.name]
    # One defined twice (#ifdef) has no single function of the base to be held against.
    if len(before) != 1 or len(file.functions.get(body.function.name, ())) != 1:
        return
    if base.text(before[0].node) == body.source.text(body.function.node):
        return
    old = Body(before[0])
    yield from _gone(body, old, names)
    yield from _only(body, old, names)


def _asserted(body: Body, names: Names) -> dict[str, Node]:
    """Condition without white space → the call that asserts it."""
    found: dict[str, Node] = {}
    for call in body.calls:
        if call.name in names.asserts and call.arguments:
            found.setdefault(_tight(body, call.arguments[0]), call.node)
    return found


def _tight(body: Body, node: Node | None) -> str:
    return "".join(body.text(plain(node)).split())


def _gone(body: Body, old: Body, names: Names) -> Iterator[Raw]:
    now = "".join(body.source.text(body.function.node).split())
    added = _added(body.source, old.source)
    for condition, node in _asserted(old, names).items():
        bare = condition.lstrip("!(").rstrip(")")
        if not any(one.isalpha() for one in bare) or bare in now or any(bare in text for text in added):
            continue
        what = one_line(old.text(node))
        yield Raw(
            rule=GONE,
            line=body.function.first,
            function=body.function.name,
            message=f"{what} is gone, and nothing in the function looks at its condition any more",
            key=what,
        )


def _added(source: Source, base: Source) -> list[str]:
    """The functions that the base does not have, without white space: where an assertion may have moved."""
    known = {one.name for one in base.functions}
    return ["".join(source.text(one.node).split()) for one in source.functions if one.name not in known]


def _only(body: Body, old: Body, names: Names) -> Iterator[Raw]:
    before = _asserted(old, names)
    handled = {_tight(old, one) for one in _conditions(old)}
    still = {_tight(body, one) for one in _conditions(body)}
    for condition, node in _asserted(body, names).items():
        call = body.calls_by_node[node.id]
        if (
            condition in handled
            and condition not in still
            and condition not in before
            and "WARN" not in call.name
        ):
            yield Raw(
                rule=ONLY,
                line=body.line(node),
                function=body.function.name,
                message=f"the base handled {one_line(condition)}; now it is only asserted",
                key=one_line(condition),
            )


def _conditions(body: Body) -> Iterator[Node]:
    """What the function's ifs test, and the sides of their && and ||."""
    pending = [one.child_by_field_name("condition") for one in body.of("if_statement")]
    while pending:
        node = plain(pending.pop())
        if node is None:
            continue
        yield node
        if node.type == "binary_expression":
            pending += kids(node)
