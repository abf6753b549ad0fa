# SPDX-License-Identifier: GPL-2.0-only
"""Releases that a function had before the series, and nothing in their place.

Whether a lock is meant to be kept, or an object to be handed on, a function's name and its calls only hint
at. The function before the series knows: what it released there it has to release still, unless it
takes it less often, does less with the object, calls something else that may release it, or another
function of the file releases it now.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from harness.analysis.flow_expr import Call
from harness.analysis.flow_function import Callees
from harness.analysis.flow_table import Table
from harness.analysis.source import Function

_GOTO = re.compile(r"\bgoto\b")
_ROOT = re.compile(r"[A-Za-z_]\w*")


class Pair(NamedTuple):
    """Calls that take and calls that release."""

    name: str
    takes: frozenset[str]
    releases: frozenset[str]
    returns: frozenset[str] = frozenset()
    """those of ``takes`` whose result is what they take"""


class Gone(NamedTuple):
    """A release that is gone: of which pair, and its text."""

    pair: Pair
    text: str
    line: int
    """where the function itself takes what it released; 0 when it does not"""


def pairs(table: Table) -> Iterator[Pair]:
    """Every row of the table that has two sides."""
    for section in table.sections:
        opening = frozenset((*section.opens, *section.tries, *section.waits))
        yield Pair(section.name, opening, frozenset(section.closes))
    for row in table.references:
        taking = frozenset((*row.takes, *row.tries, *row.returns))
        yield Pair(row.name, taking, frozenset(row.gives), frozenset(row.returns))
    for charge in table.charges:
        taking = frozenset((*charge.takes, *charge.tries, *charge.charges))
        undoing = frozenset(name for name in charge.undoes if re.search(table.uncharges, name))
        yield Pair(charge.name, taking, undoing)


def gone(before: tuple[Function, Callees], after: tuple[Function, Callees], table: Table) -> tuple[Gone, ...]:
    """What a function does not release any more that it released *before* the series, each once.

    Each side is the function and its file.
    """
    old, new = (file.calls_of(function.name) for function, file in (before, after))
    lost = (_names(old) - _names(new)).keys()
    fresh = {call.name for call in new} - {call.name for call in old}
    found: list[Gone] = []
    for pair in pairs(table) if lost else ():
        call = None if lost.isdisjoint(pair.releases) else _missing(old, new, pair)
        if call is None or _instead(fresh, pair, after[1], table) or _shared(call, before[0], after[0], new):
            continue
        if _as_busy(call, (old, before[0]), (new, after[0]), pair) and _nowhere(pair, before[1], after[1]):
            found.append(Gone(pair, _text(call), _taken(call, new, pair)))
    found.sort(key=lambda one: one.line == 0)
    return tuple({one.text: one for one in reversed(found)}.values())


def _instead(fresh: set[str], pair: Pair, file: Callees, table: Table) -> bool:
    """True when one of the calls *fresh*, which were not there before, may release in their place."""
    return any(name in pair.releases or file.knows(name) or re.search(table.instead, name) for name in fresh)


def _nowhere(pair: Pair, before: Callees, after: Callees) -> bool:
    """True when the file as a whole has fewer releases than before."""
    there, here = (sum(_count(calls, pair.releases) for calls in side.each()) for side in (before, after))
    return here < there


def _names(calls: tuple[Call, ...]) -> Counter[str]:
    return Counter(call.name for call in calls)


def _count(calls: tuple[Call, ...], names: frozenset[str]) -> int:
    return sum(call.name in names for call in calls)


def _missing(old: tuple[Call, ...], new: tuple[Call, ...], pair: Pair) -> Call | None:
    """The first release that is gone, when fewer takings do not make up for it."""
    if _count(old, pair.releases) - _count(new, pair.releases) <= max(
        0, _count(old, pair.takes) - _count(new, pair.takes)
    ):
        return None
    left = Counter(map(_text, new))
    for call in old:
        if call.name in pair.releases:
            if not left[_text(call)]:
                return None if _taken(call, old, pair) and not _taken(call, new, pair) else call
            left[_text(call)] -= 1
    return None


def _taken(call: Call, calls: tuple[Call, ...], pair: Pair) -> int:
    """The line of the last of *calls* that takes what *call* releases; 0 when there is none."""
    same = (
        one.line
        for one in calls
        if one.name in pair.returns or (one.name in pair.takes and one.arguments[:1] == call.arguments[:1])
    )
    return max(same, default=0)


def _shared(call: Call, former: Function, function: Function, new: tuple[Call, ...]) -> bool:
    """True when several ways out share what each had of its own: more ``goto``, and it still stands."""
    jumps = (len(_GOTO.findall(one.source.text(one.node))) for one in (function, former))
    return next(jumps) > next(jumps) and _text(call) in map(_text, new)


def _text(call: Call) -> str:
    return f"{call.name}({','.join(call.arguments)})"


def _as_busy(
    call: Call, old: tuple[tuple[Call, ...], Function], new: tuple[tuple[Call, ...], Function], pair: Pair
) -> bool:
    """True when the function does as much as before with the object of *call*, its release aside."""
    roots = [match[0] for one in call.arguments[:1] if (match := _ROOT.search(one))]
    return all(_uses(root, *new, pair) >= _uses(root, *old, pair) for root in roots)


def _uses(root: str, calls: tuple[Call, ...], function: Function, pair: Pair) -> int:
    word = re.compile(rf"\b{root}\b")
    released = sum(len(word.findall(_text(call))) for call in calls if call.name in pair.releases)
    return len(word.findall(function.source.text(function.node))) - released
