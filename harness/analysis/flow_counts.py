# SPDX-License-Identifier: GPL-2.0-only
"""References and charges along every path of a function: what is taken and not given back or handed on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.analysis.flow import Exit, Held, Outcome, follow
from harness.analysis.flow_expr import ABOVE, BELOW, ZERO, Call, Escape, names_in
from harness.analysis.flow_function import Studied, related
from harness.analysis.flow_returns import Result, result
from harness.analysis.flow_table import Charge, Counted, Table
from harness.analysis.model import Raw

_TAKEN, _GAVE, _LINE = 0, 1, 2


class Thing(NamedTuple):
    """One object of one kind, and the calls that take and give it back."""

    rule: str
    name: str
    text: str
    argument: int
    takes: frozenset[str]
    tries: frozenset[str]
    fails: frozenset[str]
    """take it when they return zero"""
    returns: frozenset[str]
    gives: frozenset[str]


def find(studied: Studied, table: Table) -> Iterator[Raw]:
    """Every finding on references and charges of one function."""
    for row in table.references:
        gives = frozenset(row.gives)
        for text in _objects(studied, row):
            thing = Thing(
                "reference-leak", row.name, text, 1, frozenset(row.takes), frozenset(row.tries),
                frozenset(), frozenset(row.returns), gives,
            )  # fmt: skip
            if any(call.name in gives and _about(call, text) for call in studied.calls):
                yield from _leaks(studied, table, thing)
    for charge in table.charges:
        yield from _charged(studied, table, charge)


def _charged(studied: Studied, table: Table, row: Charge) -> Iterator[Raw]:
    undoes = frozenset(row.undoes)
    takes = {*row.takes, *row.tries, *row.charges}
    undone = [call for call in studied.calls if call.name in undoes]
    for text in sorted({_named(call, row.argument) for call in studied.calls if call.name in takes}):
        if undone and not any(_about(call, text) for call in undone):
            continue
        yield from _leaks(
            studied,
            table,
            Thing(
                "charge-leak", row.name, text, row.argument, frozenset(row.charges), frozenset(row.tries),
                frozenset(row.takes), frozenset(), undoes,
            ),
        )  # fmt: skip


def _objects(studied: Studied, row: Counted) -> list[str]:
    found: set[str] = set()
    for call in studied.calls:
        if call.name in row.takes or call.name in row.tries:
            found.add(_named(call, 1))
        elif call.name in row.returns and call.into.isidentifier():
            found.add(call.into)
    return sorted(found - {""})


def _named(call: Call, argument: int) -> str:
    return call.arguments[argument - 1].lstrip("&") if 0 < argument <= len(call.arguments) else ""


def _about(call: Call, text: str) -> bool:
    """True when *text*, or a part of what it points to, is an argument of *call*."""
    if not text:
        return True
    return any(_reaches(one.lstrip("&"), text) for one in call.arguments)


def _reaches(one: str, text: str) -> bool:
    return (
        one == text or one.startswith((f"{text}->", f"{text}.")) or text.startswith((f"{one}->", f"{one}."))
    )


class CountTracker:
    """Holds (how often it is taken, whether it was given back, line of the last taking)."""

    def __init__(self, table: Table, thing: Thing) -> None:
        self._thing = thing
        self._names = names_in(thing.text)
        self._hands_on = re.compile(table.hands_on)

    def call(self, call: Call, held: Held) -> Sequence[Outcome] | None:  # noqa: PLR0911
        """Outcomes of a call that takes, gives back, or takes over."""
        thing = self._thing
        taken = (min(held[_TAKEN] + 1, 2), held[_GAVE], call.line)
        if call.name in thing.returns and call.into == thing.text:
            return (Outcome(taken, ABOVE), Outcome(held, ZERO), Outcome(held, BELOW))
        if self._same(call):
            if call.name in thing.takes:
                return (Outcome(taken),)
            if call.name in thing.tries:
                return (Outcome(taken, ABOVE), Outcome(held, ZERO))
            if call.name in thing.fails:
                return (Outcome(taken, ZERO), Outcome(held, BELOW), Outcome(held, ABOVE))
        if not held[_TAKEN] or not _about(call, thing.text):
            return ()
        if call.name in thing.gives:
            return (Outcome((held[_TAKEN] - 1, 1, held[_LINE])),)
        if self._hands_on.search(call.name):
            return (Outcome((0, held[_GAVE], 0)),)
        return ()

    def store(self, target: str, held: Held) -> Held | None:
        """A name that gets another meaning while something is held: nobody can say any more."""
        if not held[_TAKEN]:
            return held
        if target in self._names:
            return None
        # What is booked in the object itself is accounted for there: ``mc.precharge++``.
        beside = not target.isidentifier() and names_in(target.partition(".")[0]) & self._names
        return (0, held[_GAVE], 0) if beside and self._thing.rule == "charge-leak" else held

    def escape(self, escape: Escape, held: Held) -> Held:
        """The object is stored: somebody else gives it back."""
        if held[_TAKEN] and self._thing.text and _reaches(escape.target, self._thing.text):
            return (0, held[_GAVE], 0)
        return held

    def _same(self, call: Call) -> bool:
        return _named(call, self._thing.argument) == self._thing.text


def _leaks(studied: Studied, table: Table, thing: Thing) -> Iterator[Raw]:
    walked = follow(studied.prepared, CountTracker(table, thing), (0, 0, 0))
    if walked is None:
        return
    balanced = {result(studied, one) for one in walked.exits if one.held[_GAVE] and not one.held[_TAKEN]}
    for way in sorted(walked.exits, key=lambda one: (one.step, one.state)):
        if not way.held[_TAKEN] or (thing.text and _reaches(way.source, thing.text)):
            continue
        if not _wrong(studied, thing, way, balanced):
            continue
        verb = "charged" if thing.rule == "charge-leak" else "taken"
        yield Raw(
            rule=thing.rule,
            line=studied.line_of_step(way.step),
            function=studied.name,
            message=f"{thing.name} {thing.text} {verb} at line {way.held[_LINE]} is not given back before:"
            f" {studied.text_of_step(way.step)}".replace("  ", " "),
            key=f"{thing.name} {thing.text}".strip(),
            related=related(studied, walked, way.state),
        )
        return


def _wrong(studied: Studied, thing: Thing, way: Exit, balanced: set[Result]) -> bool:
    ends = result(studied, way)
    if ends == "failure":
        return True
    if thing.rule == "charge-leak" or ends in {"unknown", "success", "positive"}:
        return False
    return balanced == {ends}
