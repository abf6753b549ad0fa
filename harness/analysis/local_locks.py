# SPDX-License-Identifier: GPL-2.0-only
"""Which locks a function holds at a statement, as far as its own text shows.

A reading of the syntax tree, not of paths: what a branch does that leaves the function does not count, and
when in doubt a lock counts as held. RCU and interrupt state are no locks here: they keep no other CPU out.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, Call, kids, leaves

_NAMED_LOCKED = ("_locked", "_nolock")


def effect(name: str, names: Names) -> int:
    """1 when a function of this name takes a lock, -1 when it drops one, 0 when neither."""
    if name in names.takes:
        return 1
    if name in names.drops:
        return -1
    parts = set(name.split("_"))
    if parts & names.no_lock:
        return 0
    if parts & names.drops_words:
        return -1
    return 1 if parts & names.takes_words else 0


def held(body: Body, node: Node, names: Names) -> bool:
    """True when a lock may be held at *node*: taken before and not dropped, or promised by the caller."""
    if body.function.name.endswith(_NAMED_LOCKED) or any(_promised(body, call, names) for call in body.calls):
        return True
    taken: list[str] = []
    for call in passed(body, node):
        change = effect(call.name, names)
        lock = body.text(call.arguments[0]) if call.arguments else ""
        if change > 0:
            taken.append(lock)
        elif change < 0 and taken:
            taken.remove(lock if lock in taken else taken[-1])
    return bool(taken)


def _promised(body: Body, call: Call, names: Names) -> bool:
    """True for lockdep_assert_held(…), VM_BUG_ON(!PageLocked(page)) and the like."""
    if call.name in names.held:
        return True
    return call.name in names.asserts and bool(call.arguments) and "ock" in body.text(call.arguments[0])


def passed(body: Body, node: Node) -> Iterator[Call]:
    """The calls that have run when control is at *node*, in order; those of branches that leave are out."""
    statements = list(body.before(node))
    holders = [one for one in body.above(node) if one.type in _CONDITIONS]
    units = sorted([*statements, *holders], key=lambda one: one.start_byte)
    for unit in units:
        if unit in holders:
            condition = unit.child_by_field_name("condition")
            yield from body.within(condition) if condition is not None else ()
        else:
            yield from _staying(body, unit)


_CONDITIONS = frozenset(("if_statement", "while_statement", "for_statement", "switch_statement"))


def _staying(body: Body, statement: Node) -> Iterator[Call]:
    """The calls of *statement*, but for those in branches that leave."""
    gone = [
        (branch.start_byte, branch.end_byte)
        for one in body.of("if_statement")
        if statement.start_byte <= one.start_byte < statement.end_byte
        for branch in _branches(one)
        if leaves(branch)
    ]
    for call in body.within(statement):
        if not any(start <= call.node.start_byte < end for start, end in gone):
            yield call


def _branches(node: Node) -> list[Node]:
    taken = node.child_by_field_name("consequence")
    other = node.child_by_field_name("alternative")
    return ([taken] if taken is not None else []) + (kids(other) if other is not None else [])
