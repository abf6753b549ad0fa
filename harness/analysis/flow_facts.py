# SPDX-License-Identifier: GPL-2.0-only
"""What one path knows of variables, and which of it can still matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from harness.analysis.cfg import Graph
from harness.analysis.flow_expr import ABOVE, ANY, ZERO, Assign, Call, Condition, Escape, Value, names_in
from harness.analysis.flow_steps import Act

Facts = Mapping[str, Value]
"""by the text of a variable, field, call or comparison"""
_UNKNOWN = Value()
_CHANGING = re.compile(
    r"try|test_and|alloc|get|next|first|pop|wait|pending|resched|dec_|inc_|_add|read|copy|reclaim|isolate|cmpxchg|xchg"
    r"|find|lookup|scan|free|put|lock|fault|charge|swap|register|create|insert|prepare|init|check|sleep|schedule"
)
_SHARED = re.compile(r"[-.(\[*]")
_POINTER = re.compile(r"&(\w+)->")
_FIELD = re.compile(r"(?:->|\.)(\w+)")


def stable(name: str) -> bool:
    """True when a call of *name* can be taken to answer the same again: ``PageAnon``, not ``trylock``."""
    return _CHANGING.search(name) is None


def split(facts: Facts, asked: Condition) -> Iterator[tuple[bool, dict[str, Value]]]:
    """Each outcome that *asked* can have under *facts*, with what is known then."""
    known = facts.get(asked.subject, _UNKNOWN)
    for outcome in (True, False):
        after = _narrow(known, asked, outcome != asked.negated)
        if after is not None:
            more = dict(facts)
            if after != _UNKNOWN:
                more[asked.subject] = after
            yield outcome, more


def _narrow(known: Value, asked: Condition, holds: bool) -> Value | None:
    """*known* where the plain question has the answer *holds*; None when it cannot."""
    if asked.equals:
        if known.constant and _comparable(known.constant, asked.equals):
            return known if (known.constant == asked.equals) == holds else None
        if holds:
            signs = known.signs & asked.signs
            return Value(signs, asked.equals) if signs else None
        return known
    signs = known.signs & (asked.signs if holds else ANY & ~asked.signs)
    return known._replace(signs=signs) if signs else None


def _comparable(one: str, other: str) -> bool:
    """Two names, or two numbers: of a name and a number nobody knows whether they are the same."""
    return one == other or one.lstrip("-")[:1].isdigit() == other.lstrip("-")[:1].isdigit()


def changed(facts: dict[str, Value], target: str) -> None:
    """Forget what *target*'s new value makes untrue."""
    field = _FIELD.findall(target)
    for key in list(facts):
        if _touches(key, target, field):
            del facts[key]


def _touches(key: str, target: str, field: list[str]) -> bool:
    if key == target:
        return True
    if field:
        return field[-1] in _FIELD.findall(key)
    return target.lstrip("*") in names_in(key)


def followed(facts: dict[str, Value], call: Call) -> None:
    """A pointer that was followed to name what *call* works on is none that is NULL."""
    for one in call.arguments:
        pointer = _POINTER.match(one)
        if pointer is not None and pointer[1] not in facts:
            facts[pointer[1]] = Value(ABOVE)


def again(facts: dict[str, Value], asked: Iterable[str]) -> None:
    """On the way back of a loop in which the names *asked* are asked for: what is not a plain variable may
    be otherwise in the next round, else ``while (PageLocked(page))`` had no end. What the loop does not ask
    for stays known: ``if (x->on) lock(); while (…) …; if (x->on) unlock();``."""
    for key in asked:
        if not key.startswith("#") and _SHARED.search(key):
            facts.pop(key, None)


def assigned(facts: dict[str, Value], act: Assign) -> Iterator[dict[str, Value]]:
    """*facts* after *act*, once for each value that is worth telling apart."""
    if act.condition is not None and act.condition.subject != act.target:
        for outcome, more in split(facts, act.condition):
            changed(more, act.target)
            more[act.target] = Value(ABOVE if outcome else ZERO)
            yield more
        return
    value = act.value or (facts.get(act.source) if act.source else None)
    changed(facts, act.target)
    if value is not None and value != _UNKNOWN:
        facts[act.target] = value
    yield facts


def needed(graph: Graph, acts: Mapping[int, Act]) -> list[frozenset[str]]:
    """For each step, the names whose value something on a way from it may ask for."""
    before: list[frozenset[str]] = [frozenset()] * len(graph.steps)
    comes_from: list[list[int]] = [[] for _ in graph.steps]
    for number, step in enumerate(graph.steps):
        for following in step.next:
            comes_from[following].append(number)
    pending = list(range(len(graph.steps)))
    waiting = set(pending)
    while pending:
        number = pending.pop()
        waiting.discard(number)
        after = frozenset[str]().union(*(before[following] for following in graph.steps[number].next))
        found = _before(acts.get(number), after)
        if found != before[number]:
            before[number] = found
            fresh = [one for one in comes_from[number] if one not in waiting]
            pending += fresh
            waiting.update(fresh)
    return before


def _before(act: Act | None, after: frozenset[str]) -> frozenset[str]:
    if act is None:
        return after
    wanted = set(after)
    wanted.update(act.asks)
    for operation in reversed(act.operations):
        if isinstance(operation, Assign):
            used = operation.target in wanted
            _drop(wanted, operation.target)
            if used:
                wanted.update(_sources(operation))
        elif isinstance(operation, Escape) and operation.place == "&":
            _drop(wanted, operation.target)
        elif isinstance(operation, Call) and operation.key in wanted and not stable(operation.name):
            wanted.discard(operation.key)
    return frozenset(wanted)


def _sources(act: Assign) -> Iterable[str]:
    if act.condition is not None:
        yield act.condition.subject
    if act.source:
        yield act.source


def _drop(wanted: set[str], target: str) -> None:
    field = _FIELD.findall(target)
    for key in [one for one in wanted if _touches(one, target, field)]:
        wanted.discard(key)
