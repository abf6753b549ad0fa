# SPDX-License-Identifier: GPL-2.0-only
"""What stands at a line that a kernel report names: the assertion there, and its condition."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter

from harness.analysis.source import Source
from harness.analysis.table import shipped_facts

_LONGEST = 200


def assertion_at(source: Source, line: int) -> str:
    """The assertion that covers *line* (1-based) as it is written, on one line; "" where there is none.

    A macro that is given over several lines reports one of them: the first with gcc 9 and later, the
    last before. ``BUG()`` has no condition of its own: the nearest ``if`` around it is given.
    """
    known = shipped_facts().assertions
    calls = [node for node in _covering(source.root, line) if node.type == "call_expression"]
    for call in reversed(calls):
        name = source.text(call.child_by_field_name("function") or call)
        if name in known:
            text = _one_line(source.text(call))
            return text if known[name] >= 0 else f"{_around(source, call)}{text}"
    return ""


def _covering(node: tree_sitter.Node, line: int) -> Iterator[tree_sitter.Node]:
    """*node* and everything below it that covers *line*, outermost first."""
    pending = [node]
    while pending:
        found = pending.pop()
        if found.start_point[0] < line <= found.end_point[0] + 1:
            yield found
            pending.extend(found.children)


def _around(source: Source, node: tree_sitter.Node) -> str:
    """``if (condition) `` of the nearest conditional around *node* within its function."""
    parent = node.parent
    while parent is not None and parent.type != "function_definition":
        if parent.type == "if_statement":
            condition = parent.child_by_field_name("condition")
            return f"if {_one_line(source.text(condition))} " if condition is not None else ""
        parent = parent.parent
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
