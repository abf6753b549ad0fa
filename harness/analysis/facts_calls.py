# SPDX-License-Identifier: GPL-2.0-only
"""Assertions and calls that matter by themselves: which of them a patch adds, removes or moves."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from typing import Literal

import msgspec
import tree_sitter

from harness.analysis.model import Assertion, CallChange
from harness.analysis.source import Source
from harness.analysis.table import Facts, Topic

_LONGEST = 300


class Call(msgspec.Struct, frozen=True):
    """One call in a function, as written but for white space."""

    function: str
    callee: str
    text: str
    arguments: tuple[str, ...]
    line: int

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same call in another state of the file."""
        return self.function, self.text


_Placed = tuple[str, Call]
"""a file, and a call in it"""


class Difference(msgspec.Struct, frozen=True):
    """The calls of one file that only one side of a patch has."""

    added: tuple[Call, ...]
    removed: tuple[Call, ...]


def calls_changed(
    before: Source | None, after: Source | None, functions: Collection[str], names: Collection[str]
) -> Difference:
    """The calls of *names* in *functions* that only *after*, or only *before*, has."""
    old = list(_calls(before, functions, names)) if before else []
    new = list(_calls(after, functions, names)) if after else []
    return Difference(added=_without(new, old), removed=_without(old, new))


def assertions(patch: int, path: str, calls: Iterable[Call], facts: Facts) -> tuple[Assertion, ...]:
    """Those of *calls* that are assertions."""
    return tuple(
        Assertion(
            patch=patch,
            file=path,
            function=call.function,
            line=call.line,
            kind=call.callee,
            condition=_condition(call, facts.assertions[call.callee]),
        )
        for call in calls
        if call.callee in facts.assertions
    )


def call_changes(patch: int, differences: Iterable[tuple[str, Difference]], facts: Facts) -> list[CallChange]:
    """Calls of locks, RCU, charges and uncharges that a patch adds, removes or moves; by (file, difference).

    A charge or uncharge is moved when the same function is called no more in one place and is called
    anew in another; other calls are too common for that to mean anything.
    """
    topics = facts.topics()
    added: list[_Placed] = []
    gone: list[_Placed] = []
    for path, difference in differences:
        added += [(path, call) for call in difference.added if call.callee in topics]
        gone += [(path, call) for call in difference.removed if call.callee in topics]
    changes = []
    for (path, call), origin in zip(added, _origins(added, gone, topics), strict=True):
        change: Literal["added", "moved"] = "moved" if origin else "added"
        changes.append(_change(patch, path, call, topics[call.callee], change, origin))
    changes += [_change(patch, path, call, topics[call.callee], "removed", "") for path, call in gone]
    return sorted(changes, key=lambda change: (change.file, change.line, change.call))


def _origins(added: list[_Placed], gone: list[_Placed], topics: dict[str, Topic]) -> list[str]:
    """The function that each of *added* comes from, or nothing; what moved is taken out of *gone*."""
    kept = {(call.function, call.callee) for _path, call in added}
    kept &= {(call.function, call.callee) for _path, call in gone}  # the same function calls it otherwise

    def can_move(call: Call) -> bool:
        return topics[call.callee] in ("charge", "uncharge") and (call.function, call.callee) not in kept

    left: dict[str, deque[_Placed]] = {}
    for one in gone:
        if can_move(one[1]):
            left.setdefault(one[1].callee, deque()).append(one)
    moved = [
        left[call.callee].popleft() if can_move(call) and left.get(call.callee) else None
        for _path, call in added
    ]
    taken = {id(one) for one in moved if one}
    gone[:] = [one for one in gone if id(one) not in taken]
    return [one[1].function if one else "" for one in moved]


def _change(
    patch: int, path: str, call: Call, topic: Topic, change: Literal["added", "removed", "moved"], origin: str
) -> CallChange:
    return CallChange(
        patch=patch,
        file=path,
        function=call.function,
        line=call.line,
        topic=topic,
        call=call.text[:_LONGEST],
        change=change,
        moved_from=origin,
    )


def _condition(call: Call, position: int) -> str:
    return call.arguments[position][:_LONGEST] if 0 <= position < len(call.arguments) else ""


def _without(calls: list[Call], others: list[Call]) -> tuple[Call, ...]:
    """*calls* less *others*, each of which takes away one that is like it."""
    left = Counter(other.identity for other in others)
    kept = []
    for call in calls:
        if left[call.identity]:
            left[call.identity] -= 1
        else:
            kept.append(call)
    return tuple(kept)


def _calls(source: Source, functions: Collection[str], names: Collection[str]) -> Iterator[Call]:
    for function in source.functions:
        if function.name in functions:
            for node, callee in _nodes(source, function.node):
                if callee in names:
                    yield Call(
                        function=function.name,
                        callee=callee,
                        text=_one_line(source, node),
                        arguments=_arguments(source, node),
                        line=source.line_of(node),
                    )


def _nodes(source: Source, root: tree_sitter.Node) -> Iterator[tuple[tree_sitter.Node, str]]:
    """The calls under *root* in the order of the text, and what each calls."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type == "call_expression":
            callee = node.child_by_field_name("function")
            if callee is not None and callee.type == "identifier":
                yield node, source.text(callee)
        pending.extend(reversed(node.named_children))


def _arguments(source: Source, node: tree_sitter.Node) -> tuple[str, ...]:
    arguments = node.child_by_field_name("arguments")
    named = arguments.named_children if arguments is not None else []
    return tuple(_one_line(source, argument) for argument in named if argument.type != "comment")


def _one_line(source: Source, node: tree_sitter.Node) -> str:
    return " ".join(source.text(node).split())
