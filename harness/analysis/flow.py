# SPDX-License-Identifier: GPL-2.0-only
"""Every path of a function, followed with what it knows; a tracker says what the path holds.

Paths that stand at the same step, hold the same and know the same are one. What nothing later asks
for is forgotten at once, so that most functions need few states; one that needs more than the limit
is given up, without findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from harness.analysis.cfg import Graph, around
from harness.analysis.flow_expr import ABOVE, Assign, Call, Escape, Operation, Value
from harness.analysis.flow_facts import again, assigned, changed, followed, needed, split, stable
from harness.analysis.flow_steps import Act

Held = tuple[int, ...]
"""what a path holds: one number for each thing that the tracker counts"""
_MAX_STATES = 6000


class Outcome(NamedTuple):
    """One way in which a call can end: what is held then, the result's signs, and what is wrong with it."""

    held: Held
    signs: int = 7
    complaint: str = ""


class Tracker(Protocol):
    """Says what operations do to what is held."""

    def call(self, call: Call, held: Held) -> Sequence[Outcome] | None:
        """The ways in which *call* can end, success first; empty: it is of no concern; None: from here
        on nobody can say what is held."""

    def store(self, target: str, held: Held) -> Held | None:
        """*target* gets a new value; None: from here on nobody can say what is held."""

    def escape(self, escape: Escape, held: Held) -> Held:
        """A value goes where others can reach it."""


class Exit(NamedTuple):
    """A way out of the function: its step, what it returns and holds, and the state, for its path."""

    step: int
    value: Value
    source: str
    held: Held
    state: int


class Complaint(NamedTuple):
    """A call that is wrong by itself, given what is held there."""

    text: str
    call: Call
    held: Held
    state: int


class Walked(NamedTuple):
    """All that was found: ways out, complaints, and of each state its predecessor, step and decision."""

    exits: tuple[Exit, ...]
    complaints: tuple[Complaint, ...]
    parents: tuple[tuple[int, int, bool | None], ...]


class Prepared(NamedTuple):
    """A function ready to be followed, any number of times."""

    graph: Graph
    acts: Mapping[int, Act]
    needed: Sequence[frozenset[str]]
    merges: frozenset[int]
    """steps that more than one step leads to"""
    asked: Mapping[int, frozenset[str]]
    """for each way back, what its loop asks for"""


def prepare(graph: Graph, acts: Mapping[int, Act]) -> Prepared:
    """What every walk over *graph* needs."""
    leads = [following for step in graph.steps for following in step.next]
    merges = frozenset(one for one, count in Counter(leads).items() if count > 1)
    backs = [number for number, step in enumerate(graph.steps) if step.kind == "back"]
    asked = {
        back: frozenset(name for one in around(graph, back) if one in acts for name in acts[one].asks)
        for back in backs
    }
    return Prepared(graph, acts, needed(graph, acts), merges, asked)


def follow(prepared: Prepared, tracker: Tracker, start: Held, limit: int = _MAX_STATES) -> Walked | None:
    """Follow every path from the entry; None when there are more than *limit* states."""
    return _Walk(prepared, tracker).run(start, limit)


_Known = dict[str, Value]
_State = tuple[int, _Known, Held, int]


class _Walk:
    def __init__(self, prepared: Prepared, tracker: Tracker) -> None:
        self._p = prepared
        self._tracker = tracker
        self._pending: list[_State] = []
        self._seen: dict[tuple[int, Held], list[frozenset[tuple[str, Value]]]] = {}
        self._parents: list[tuple[int, int, bool | None]] = []
        self._exits: list[Exit] = []
        self._complaints: dict[tuple[str, int], Complaint] = {}

    def run(self, start: Held, limit: int) -> Walked | None:
        self._push(self._p.graph.entry, {}, start, -1, None, -1)
        while self._pending:
            if len(self._parents) > limit:
                return None
            self._advance(*self._pending.pop())
        return Walked(tuple(self._exits), tuple(self._complaints.values()), tuple(self._parents))

    def _push(self, step: int, facts: _Known, held: Held, parent: int, outcome: bool | None, at: int) -> None:
        wanted = self._p.needed[step]
        kept = {key: value for key, value in facts.items() if key in wanted}
        if step in self._p.merges:
            key = frozenset(kept.items())
            known = self._seen.setdefault((step, held), [])
            if any(one <= key for one in known):
                return
            known.append(key)
        self._parents.append((parent, at, outcome))
        self._pending.append((step, kept, held, len(self._parents) - 1))

    def _advance(self, number: int, facts: _Known, held: Held, state: int) -> None:
        step = self._p.graph.steps[number]
        if step.kind == "stop":
            return
        if step.kind in {"join", "back"}:
            if step.kind == "back":
                again(facts, self._p.asked[number])
            self._push(step.next[0], facts, held, state, None, number)
            return
        act = self._p.acts.get(number, Act())
        for after, holding in self._perform(number, act, facts, held, state):
            if step.kind in {"return", "end"}:
                value = act.value or after.get(act.source) or Value()
                self._exits.append(Exit(number, value, act.source, holding, state))
            elif step.kind == "switch":
                self._switch(number, act, after, holding, state)
            elif act.condition is not None:
                for outcome, more in split(after, act.condition):
                    self._push(step.next[0 if outcome else 1], more, holding, state, outcome, number)
            else:
                for following in step.next:
                    self._push(following, after, holding, state, None, number)

    def _switch(self, number: int, act: Act, facts: _Known, held: Held, state: int) -> None:
        step = self._p.graph.steps[number]
        rest: _Known | None = facts
        default = step.next[-1]
        for following, asked, label in zip(step.next, act.cases, step.cases, strict=True):
            if label is None:
                default = following
            elif asked is None:
                self._push(following, facts, held, state, None, number)
            else:
                for outcome, more in split(facts, asked):
                    if outcome:
                        self._push(following, more, held, state, True, number)
                if rest is not None:
                    rest = next((more for outcome, more in split(rest, asked) if not outcome), None)
        if rest is not None:
            self._push(default, rest, held, state, False, number)

    def _perform(
        self, number: int, act: Act, facts: _Known, held: Held, state: int
    ) -> Iterator[tuple[_Known, Held]]:
        ways: list[tuple[_Known, Held]] = [(dict(facts), held)]
        for operation in act.operations:
            following: list[tuple[_Known, Held]] = []
            for known, holding in ways:
                following.extend(self._operate(number, act, operation, known, holding, state))
            ways = following
        yield from ways

    def _operate(
        self, number: int, act: Act, operation: Operation, facts: _Known, held: Held, state: int
    ) -> Iterator[tuple[_Known, Held]]:
        if isinstance(operation, Call):
            yield from self._call(number, act, operation, facts, held, state)
        elif isinstance(operation, Escape):
            if operation.place == "&":
                changed(facts, operation.target)
            yield facts, self._tracker.escape(operation, held)
        else:
            yield from self._assign(operation, facts, held)

    def _assign(self, act: Assign, facts: _Known, held: Held) -> Iterator[tuple[_Known, Held]]:
        holding = held if act.counted else self._tracker.store(act.target, held)
        if holding is not None:
            for more in assigned(facts, act):
                yield more, holding

    def _call(
        self, number: int, act: Act, call: Call, facts: _Known, held: Held, state: int
    ) -> Iterator[tuple[_Known, Held]]:
        if not stable(call.name):
            facts.pop(call.key, None)
        followed(facts, call)
        before = self._tracker.store(call.into, held) if call.into else held
        outcomes = self._tracker.call(call, before) if before is not None else None
        if before is None or outcomes is None:
            return
        held = before
        if not outcomes:
            yield facts, held
            return
        if len(outcomes) > 1 and not self._observed(number, act, call):
            outcomes = outcomes[:1]
        for outcome in outcomes:
            if outcome.complaint:
                where = (outcome.complaint, call.line)
                self._complaints.setdefault(where, Complaint(outcome.complaint, call, held, state))
            more = dict(facts)
            if outcome.held != held:
                # What is locked, taken or charged is something.
                fresh = (one for one in call.arguments if one.isidentifier() and one not in more)
                more.update(dict.fromkeys(fresh, Value(ABOVE)))
            if outcome.signs != Value().signs:
                more[call.key] = Value(outcome.signs)
            yield more, outcome.held

    def _observed(self, number: int, act: Act, call: Call) -> bool:
        """True when somebody looks at the result of *call*, so that its outcomes part ways."""
        if call.key in act.asks or call.into in act.asks:
            return True
        step = self._p.graph.steps[number]
        taken = {one.target for one in act.operations if isinstance(one, Assign) and one.source == call.key}
        taken |= {
            one.target
            for one in act.operations
            if isinstance(one, Assign) and one.condition is not None and one.condition.subject == call.key
        }
        return any(not taken.isdisjoint(self._p.needed[following]) for following in step.next)


def path(walked: Walked, state: int) -> list[tuple[int, bool | None]]:
    """The steps that lead to *state*, first to last, with what was decided at each."""
    found: list[tuple[int, bool | None]] = []
    while state >= 0:
        parent, at, outcome = walked.parents[state]
        if at >= 0:
            found.append((at, outcome))
        state = parent
    return found[::-1]
