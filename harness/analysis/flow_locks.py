# SPDX-License-Identifier: GPL-2.0-only
"""Locks and sections along every path of a function: balance, double taking, sleeping inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.analysis.flow import Complaint, Exit, Held, Outcome, Walked, follow
from harness.analysis.flow_expr import ABOVE, BELOW, ZERO, Call, Escape, names_in
from harness.analysis.flow_function import Studied, related
from harness.analysis.flow_returns import result
from harness.analysis.flow_table import Section, Table
from harness.analysis.model import Raw


class Lock(NamedTuple):
    """One lock of the function: its kind and the text that names it (empty: there is but one, or several
    names that may be the same)."""

    section: Section
    text: str
    merged: bool = False
    names: frozenset[str] = frozenset()
    """the texts that are merged, or the only one"""


def find(studied: Studied, table: Table) -> Iterator[Raw]:
    """Every finding on the locks of one function."""
    tracker = LockTracker(studied, table)
    if not tracker.locks:
        return
    walked = follow(studied.prepared, tracker, (0,) * (2 * len(tracker.locks)))
    if walked is None:
        return
    for complaint in sorted(walked.complaints, key=lambda one: one.call.line):
        yield _complaint(studied, walked, complaint)
    if studied.annotated:
        return
    reported: set[str] = set()
    for index, lock in enumerate(tracker.locks):
        raw = _balance(studied, table, walked, tracker, index)
        if raw is not None and not (lock.section.name == "interrupts" and reported):
            reported.add(raw.rule)
            yield raw


class LockTracker:
    """Counts, for each lock of the function, how often the path took it more than it released it.

    As many numbers again follow: 1 where the path took the lock before anything else was done to it, 2
    where it released it first.
    """

    def __init__(self, studied: Studied, table: Table) -> None:
        self._table = table
        self.locks = _locks(studied, table)
        self.firsts: set[tuple[int, int]] = set()
        """for each lock, what paths do to it first: 1 take it, 2 release it, so that it is the caller's"""
        self._names = [lock.names for lock in self.locks]
        self._texts = [names_in(lock.text) for lock in self.locks]
        self._always = frozenset(table.sleeps.always)

    def call(self, call: Call, held: Held) -> Sequence[Outcome] | None:
        """Outcomes of a call that opens or closes; a complaint when it sleeps in a wrong place."""
        sleeping = self._sleeps(call, held)
        known = self._table.section_calls.get(call.name)
        if known is None:
            if self._given_away(call, held):
                return None
            return (Outcome(held, complaint=sleeping),) if sleeping else ()
        taken, wrong, how = held, "", "closes"
        for section, effect in known:
            index = self._index(section, key_of(section, call))
            if index is not None:
                how = effect
                wrong = wrong or self._wrong(index, held, call, effect)
                taken = self._moved(taken, index, -1 if effect == "closes" else 1)
        if how == "tries":
            return (Outcome(taken, ABOVE), Outcome(held, ZERO))
        done = Outcome(taken, complaint=wrong or sleeping)
        if how != "waits":
            return (done,)
        failed = BELOW if call.name.endswith(("able", "interruptible")) else ABOVE
        return (done._replace(signs=ZERO), Outcome(held, failed))

    def _moved(self, held: Held, index: int, by: int) -> Held:
        count = max(-2, min(3, held[index] + by))
        history = index + len(self.locks)
        first = held[history] or (1 if by > 0 else 2)
        self.firsts.add((index, first))
        return tuple(count if at == index else first if at == history else now for at, now in enumerate(held))

    def _given_away(self, call: Call, held: Held) -> bool:
        """A held lock is an argument of a call of which nothing is known: it may release it."""
        if re.search(self._table.looks, call.name):
            return False
        given = {one.lstrip("&") for one in call.arguments}
        return any(
            count and self._names[index] & given for index, count in enumerate(held[: len(self.locks)])
        )

    def store(self, target: str, held: Held) -> Held | None:
        """A held lock whose name gets another meaning is lost sight of."""
        for index, count in enumerate(held[: len(self.locks)]):
            if count and not self.locks[index].merged and target in self._texts[index]:
                return None
        return held

    def escape(self, escape: Escape, held: Held) -> Held:
        """Locks do not go anywhere."""
        return held

    def _index(self, section: Section, text: str) -> int | None:
        for index, lock in enumerate(self.locks):
            if lock.section is section and (lock.merged or lock.text == text):
                return index
        return None

    def _wrong(self, index: int, held: Held, call: Call, effect: str) -> str:
        lock = self.locks[index]
        if lock.merged or lock.section.imbalance != "lock-imbalance":
            return ""
        what = f"{lock.section.name} {lock.text}".strip()
        if effect == "closes":
            again = held[index] == 0 and held[index + len(self.locks)] == 1
            alone = sum(one.section is lock.section for one in self.locks) == 1
            return f"lock-not-held:{what}" if again and alone and not lock.section.allows else ""
        quiet = lock.section.nests or effect == "tries" or "nested" in call.name
        return f"lock-twice:{what}" if held[index] > 0 and not quiet else ""

    def _sleeps(self, call: Call, held: Held) -> str:
        for index, count in enumerate(held[: len(self.locks)]):
            lock = self.locks[index]
            allowed = not lock.section.atomic or call.name in lock.section.allows
            if count > 0 and not allowed and self._may_sleep(call):
                return f"sleep-in-atomic:{lock.section.name} {lock.text}".strip()
        return ""

    def _may_sleep(self, call: Call) -> bool:
        if call.name in self._always:
            return True
        sleeps = self._table.sleeps
        if re.search(sleeps.flagged, call.name) is None or call.name.isupper():
            return False
        return any(
            re.search(sleeps.flags, one) and not re.search(sleeps.unless, one) for one in call.arguments
        )


def key_of(section: Section, call: Call) -> str:
    """The text that names the lock which *call* is about; empty when there is but one."""
    number = section.arguments.get(call.name, section.argument)
    if number == 0:
        return ""
    if number < 0:
        return call.into
    return call.arguments[number - 1].lstrip("&") if number <= len(call.arguments) else ""


def _locks(studied: Studied, table: Table) -> list[Lock]:
    """The locks of the function. Where some are taken and others released, names may mean the same
    lock: then they are counted together."""
    taken: dict[str, set[str]] = {}
    released: dict[str, set[str]] = {}
    sections: dict[str, Section] = {}
    for call in studied.calls:
        for section, effect in table.section_calls.get(call.name, ()):
            if section.name not in studied.elsewhere:
                sections[section.name] = section
                side = released if effect == "closes" else taken
                side.setdefault(section.name, set()).add(key_of(section, call))
    filled = _filled_elsewhere(studied, table)
    locks: list[Lock] = []
    for name, section in sections.items():
        opened, closed = taken.get(name, set()), released.get(name, set())
        texts = opened | closed
        if opened and closed and opened != closed:
            if not any(_within(text, filled) for text in texts):
                locks.append(Lock(section, "", True, frozenset(texts)))
        else:
            locks += [
                Lock(section, text, False, frozenset({text}) - {""} | _saved_in(studied, section))
                for text in sorted(texts)
                if not _within(text, filled)
            ]
    return locks


def _saved_in(studied: Studied, section: Section) -> frozenset[str]:
    """The variables that hold the state of *section*."""
    return frozenset(
        call.arguments[-1] for call in studied.calls if call.arguments and re.search(section.saved, call.name)
    )


def _filled_elsewhere(studied: Studied, table: Table) -> frozenset[str]:
    """Variables whose address goes to calls that nothing is known of: they may come back with a lock."""
    return frozenset(
        one[1:]
        for call in studied.calls
        if call.name not in table.section_calls and not re.search(table.known, call.name)
        for one in call.arguments
        if one[:1] == "&" and one[1:].isidentifier()
    )


def _within(text: str, filled: frozenset[str]) -> bool:
    return text in filled or text.partition(".")[0] in filled


def _complaint(studied: Studied, walked: Walked, complaint: Complaint) -> Raw:
    rule, _, lock = complaint.text.partition(":")
    said = {
        "lock-twice": f"{complaint.call.name}() takes {lock}, which this path already holds",
        "lock-not-held": f"{complaint.call.name}() releases {lock}, which this path has released before",
        "sleep-in-atomic": f"{complaint.call.name}() may sleep, inside {lock}",
    }[rule]
    return Raw(
        rule=rule,
        line=complaint.call.line,
        function=studied.name,
        message=said,
        key=f"{lock}:{complaint.call.name}",
        related=related(studied, walked, complaint.state),
    )


def _balance(studied: Studied, table: Table, walked: Walked, tracker: LockTracker, index: int) -> Raw | None:
    lock = tracker.locks[index]
    nets = {one.held[index] for one in walked.exits}
    if len(nets) <= 1:
        if not nets or min(nets) <= 0 or _meant(studied, table, lock) or _for_another(studied, table, lock):
            return None
        rule = lock.section.imbalance
        rule = "lock-kept" if rule == "lock-imbalance" else rule
        return _raw(studied, walked, walked.exits[0], lock, index, rule)
    if _same_in_sum(walked, tracker.locks, lock):
        return None
    odd, usual = _sides(walked.exits, index)
    rule = lock.section.imbalance
    both = _closes(studied, table, lock) and (index, 1) in tracker.firsts
    meant = _named_so(studied, table, lock) if both else _meant(studied, table, lock)
    if meant or _told_by_result(studied, odd, usual, index):
        rule = "lock-by-result"
    elif rule == "lock-imbalance" and (
        {(index, 1), (index, 2)} - tracker.firsts == {(index, 1)} or min(nets) < 0 < max(nets)
    ):
        # Also where one path lets the caller's lock go and another keeps one for it: an iterator's step.
        rule = "lock-release-uneven"
    elif rule == "lock-imbalance" and not _closes(studied, table, lock):
        if _for_another(studied, table, lock):
            return None
        rule = "lock-kept"
    return _raw(studied, walked, odd[0], lock, index, rule)


def _same_in_sum(walked: Walked, locks: Sequence[Lock], lock: Lock) -> bool:
    """One up and another down by the same, on every path: two names of one lock, or its two modes."""
    alike = [index for index, one in enumerate(locks) if one.section is lock.section]
    named = [index for index, one in enumerate(locks) if one.text and one.text == lock.text]
    return any(
        len(group) > 1 and len({sum(one.held[index] for index in group) for one in walked.exits}) == 1
        for group in (alike, named)
    )


def _closes(studied: Studied, table: Table, lock: Lock) -> bool:
    return any(
        effect == "closes" and section is lock.section
        for call in studied.calls
        for section, effect in table.section_calls.get(call.name, ())
    )


def _meant(studied: Studied, table: Table, lock: Lock) -> bool:
    """The function's name, or a call of one that locks unseen, explains an imbalance."""
    return re.search(table.on_purpose, studied.name) is not None or _unseen(studied, lock)


def _named_so(studied: Studied, table: Table, lock: Lock) -> bool:
    """The same for a function that does release what it takes on some paths: only a plain name will do."""
    return re.search(table.locks, studied.name) is not None or _unseen(studied, lock)


def _unseen(studied: Studied, lock: Lock) -> bool:
    return studied.unseen or any(call.name in lock.section.unsure for call in studied.calls)


def _for_another(studied: Studied, table: Table, lock: Lock) -> bool:
    """A lock that is taken and not released, as its counterpart in the file (``unmap`` to this ``map``,
    ``off`` to this ``on``) releases it and does not take it. Interrupts are off or on and not counted, so
    that a second ``spin_lock_irq`` is none to be released."""
    if lock.section.alone and (
        _closes(studied, table, lock)
        or all(call.name in lock.section.alone for call in studied.calls if call.name in lock.section.opens)
    ):
        return True
    wanted = {_last(text) for text in lock.names or {""}}
    return any(
        wanted & (released - taken)
        for taken, released in (_sides_of(calls, lock.section) for calls in studied.callees.each())
    )


def _sides_of(calls: Sequence[Call], section: Section) -> tuple[set[str], set[str]]:
    """The last names of the locks of one kind that *calls* take, and of those that they release."""
    opening = {*section.opens, *section.tries, *section.waits}
    taken = {_last(key_of(section, call)) for call in calls if call.name in opening}
    return taken, {_last(key_of(section, call)) for call in calls if call.name in section.closes}


def _last(text: str) -> str:
    return re.split(r"->|\.", text)[-1]


def _sides(exits: Sequence[Exit], index: int) -> tuple[list[Exit], list[Exit]]:
    """The ways out that hold something else than most, and most."""
    by_net: dict[int, list[Exit]] = {}
    for one in exits:
        by_net.setdefault(one.held[index], []).append(one)
    usual = max(by_net, key=lambda net: (len({one.step for one in by_net[net]}), net == 0, -abs(net)))
    if 0 in by_net and max(by_net) > 0:
        usual = 0
    odd = [one for one in exits if one.held[index] != usual]
    return sorted(odd, key=lambda one: one.step), by_net[usual]


def _told_by_result(studied: Studied, odd: Sequence[Exit], usual: Sequence[Exit], index: int) -> bool:
    """True when what is returned tells the caller what is held: held on success, not on failure."""
    here, there = {result(studied, one) for one in odd}, {result(studied, one) for one in usual}
    if "void" in here or here & there - {"unknown"}:
        return False
    if "unknown" in here and "unknown" in there:
        return False
    return not ("failure" in here and max(one.held[index] for one in odd) > 0)


def _raw(studied: Studied, walked: Walked, way: Exit, lock: Lock, index: int, rule: str) -> Raw:
    line = studied.line_of_step(way.step)
    what = f"{lock.section.name} {lock.text}".strip()
    net = way.held[index]
    state = "still held" if net > 0 else "released" if net < 0 else "neither taken nor released"
    if rule == "lock-kept":
        message = f"{what} is taken and never released here, and nothing says that the caller has to"
    else:
        message = f"{what} is {state} at this return, but not at others: {studied.text_of_step(way.step)}"
    return Raw(
        rule=rule,
        line=line,
        function=studied.name,
        message=message,
        key=what,
        related=related(studied, walked, way.state),
    )
