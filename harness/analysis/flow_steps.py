# SPDX-License-Identifier: GPL-2.0-only
"""The steps of a graph, lowered once: what each does, and what it asks."""

from __future__ import annotations

from typing import NamedTuple

import tree_sitter

from harness.analysis.cfg import Graph, Step
from harness.analysis.flow_expr import (
    Assign,
    Call,
    Condition,
    Operation,
    Value,
    condition,
    constant,
    lower,
    squeezed,
    subject,
)
from harness.analysis.source import Source


class Act(NamedTuple):
    """One step: ``operations`` in order; then ``condition`` decides, or ``value``/``source`` is returned."""

    operations: tuple[Operation, ...] = ()
    condition: Condition | None = None
    value: Value | None = None
    source: str = ""
    asks: tuple[str, ...] = ()
    """the names whose value is asked for once the operations are done"""
    cases: tuple[Condition | None, ...] = ()


def acts(source: Source, graph: Graph) -> dict[int, Act]:
    """By step number; steps that do nothing are left out."""
    found: dict[int, Act] = {}
    for number, step in enumerate(graph.steps):
        act = _act(source, step)
        if act is not None:
            found[number] = act
    return found


def _act(source: Source, step: Step) -> Act | None:  # noqa: PLR0911 - one for each kind of step
    node = step.node
    if step.kind == "config":
        asked = Condition(f"#{step.text}", 6)
        return Act((), asked, asks=(asked.subject,))
    if node is None or step.kind in {"join", "back", "end", "stop"}:
        return None
    if step.kind == "any":
        return Act((*lower(source, node).operations, *(Assign(one) for one in _moved(source, node))))
    if step.kind == "return":
        if node.type == "return_statement":
            return None
        done = lower(source, node)
        return Act(done.operations, None, done.value, done.source, (done.source,) if done.source else ())
    done = lower(source, node, squeezed(step.text))
    if step.kind == "test":
        asked = condition(source, node)
        return Act(done.operations, asked, asks=(asked.subject,))
    if step.kind == "switch":
        name = subject(source, node)
        cases = tuple(_case(source.text(one), name) if one is not None else None for one in step.cases)
        return Act(done.operations, asks=(name,), cases=cases)
    return Act(done.operations)


def _moved(source: Source, node: tree_sitter.Node) -> list[str]:
    """The variables that a loop macro moves along: its first argument, of the ``safe`` forms two."""
    parent = node.parent
    macro = source.text(parent.children[0]) if parent is not None else ""
    given = [squeezed(part) for part in source.text(node).strip("()").split(",")]
    count = 2 if "safe" in macro or "hlist" in macro else 1
    return [one for one in given[:count] if one.isidentifier()]


def _case(text: str, name: str) -> Condition | None:
    known = constant(squeezed(text))
    if known is None:
        return None
    if known.signs == 1:
        return Condition(name, 1)
    return Condition(name, known.signs, known.constant)


def calls(found: dict[int, Act]) -> list[Call]:
    """Every call, in the order of the text as far as the graph has it."""
    every = [one for act in found.values() for one in act.operations if isinstance(one, Call)]
    return sorted(every, key=lambda call: call.line)
