# SPDX-License-Identifier: GPL-2.0-only
"""Functions that differ in the names of their own variables, in white space and comments, and no more."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.source import Function

_DECLARES = ("declaration", "parameter_declaration")


def only_renamed(old: Function, new: Function) -> bool:
    """True when *new* is *old* with some of its variables and parameters under other names, or the same.

    Each name has one other name and no two share one; names that the function does not declare (calls,
    fields, constants) stay. So it does what it did, and whatever is found in it was there before.
    """
    if old.broken or new.broken:
        return False
    declared = (_declared(old), _declared(new))
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    ours, theirs = list(_leaves(old)), list(_leaves(new))
    if len(ours) != len(theirs):
        return False
    for one, other in zip(ours, theirs, strict=True):
        was, now = old.source.text(one), new.source.text(other)
        pairs = ((one, was, declared[0]), (other, now, declared[1]))
        own = [node.type == "identifier" and name in names for node, name, names in pairs]
        if own == [True, True]:
            if there.setdefault(was, now) != now or back.setdefault(now, was) != was:
                return False
        elif any(own) or was != now:
            return False
    return True


def _leaves(function: Function) -> Iterator[Node]:
    """The tokens in order, without comments."""
    pending = [function.node]
    while pending:
        node = pending.pop()
        if node.type == "comment":
            continue
        if node.children:
            pending.extend(reversed(node.children))
        else:
            yield node


def _declared(function: Function) -> set[str]:
    """The names of its parameters and variables."""
    found: set[str] = set()
    pending = [function.node]
    while pending:
        node = pending.pop()
        pending.extend(node.children)
        for declarator in node.children_by_field_name("declarator") if node.type in _DECLARES else ():
            name: Node | None = declarator
            while name is not None and name.type != "identifier":
                name = name.child_by_field_name("declarator")
            if name is not None:
                found.add(function.source.text(name))
    return found
