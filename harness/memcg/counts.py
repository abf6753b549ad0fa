# SPDX-License-Identifier: GPL-2.0-only
"""Counters of events: they only rise, move when they must, say what the workers saw, reach the parent."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from harness.memcg.interface import Counter, Rule, at_least, read
from harness.memcg.measure import Measured, Unasked, Unmeasured, exact
from harness.memcg.model import Check
from harness.memcg.record import Sample

OOM_KILLS = "oom_kills"
"""the workers' fact: tasks that they saw killed for want of memory"""
_OOM = "oom-kill"


def only_rise(rule: Rule, case: Measured) -> Check:
    """No counter is ever seen below what it was."""
    most, which = 0, ""
    known = 0
    for entry in rule.counters:
        seen = list(case.series(entry))
        known += len(seen) > 1
        for earlier, later in pairwise(seen):
            if earlier - later > most:
                most, which = earlier - later, f"{entry} fell from {earlier} to {later}"
    if not known:
        raise Unmeasured(f"none of {', '.join(rule.counters)} was sampled twice")
    says = which or f"{known} counters never fell"
    return exact(rule, most, "events", says, "the kernel only ever adds to them")


def moved(rule: Rule, case: Measured) -> Check:
    """Each event that the workload brings about was counted at least once."""
    still: list[str] = []
    moving: list[str] = []
    for name in case.moves:
        entries = _entries(case, name)
        if entries:
            seen = list(_seen(case.stream.samples, entries))
            if seen:  # else the kernel was configured without what is counted
                (moving if max(seen) else still).append(f"{name} ({', '.join(entries)})")
    if not still and not moving:
        raise Unasked
    says = f"not counted: {'; '.join(still)}" if still else f"counted: {'; '.join(moving)}"
    return exact(rule, len(still), "events", says, "the workload makes each of them happen")


def oom_told(rule: Rule, case: Measured) -> Check:
    """As many tasks killed for want of memory as the workers saw killed."""
    facts = [work.facts[OOM_KILLS] for work in case.stream.work if OOM_KILLS in work.facts]
    entries = _entries(case, _OOM)
    local = case.begin.iface == "v1" and case.begin.own  # v1 counts in the task's own group alone
    if local or not entries or not facts or not all(fact.isdecimal() for fact in facts):
        raise Unasked
    sample = case.last("exit")
    counted = [number for entry in entries if (number := read(sample.files, entry)) is not None]
    if not counted:
        raise Unmeasured(f"{' nor '.join(entries)} was sampled")
    saw = sum(map(int, facts))
    says = f"{', '.join(entries)} says {sum(counted)} tasks killed, the workers saw {saw}"
    return exact(rule, sum(counted) - saw, "events", says, "each task that is killed is counted once")


def reach_parent(rule: Rule, case: Measured) -> Check:
    """A parent has counted at least what the groups right below it have together.

    More is no fault: groups that are gone have counted too.
    """
    if not any(sample.below for sample in case.stream.samples):
        raise Unasked
    sample = case.last("exit")
    if not sample.below:
        raise Unasked  # they are gone by now
    found = [each for entry in rule.counters for each in _lost(sample, entry)]
    if not found:
        raise Unmeasured(f"none of {', '.join(rule.counters)} was sampled")
    lost, where = max(found)
    says = where if lost else f"{len(found)} counters of parents have what those below them have"
    return exact(rule, lost, "events", says, "an event is counted at every level before it is told")


def _lost(sample: Sample, entry: str) -> Iterable[tuple[int, str]]:
    groups = {"": sample.files, **sample.below}
    for path, files in groups.items():
        mine = read(files, entry)
        theirs = [
            number
            for below, others in sample.below.items()
            if below.rpartition("/")[0] == path and (number := read(others, entry)) is not None
        ]
        if mine is not None and theirs:
            words = f"{entry} of {path or 'the group'} is {mine}, of those below it {sum(theirs)}"
            yield max(0, sum(theirs) - mine), words


def _entries(case: Measured, name: str) -> tuple[str, ...]:
    """Where this kernel counts *name*; Unmeasured when the table has no such event."""
    event = next((each for each in case.table.events if each.name == name), None)
    if event is None:
        raise Unmeasured(f"configs/memcg.yaml has no event {name!r}")
    return tuple(counter.entry for counter in event.counters if _has(case, counter))


def _has(case: Measured, counter: Counter) -> bool:
    return counter.iface == case.begin.iface and at_least(case.kernel, counter.since)


def _seen(samples: Iterable[Sample], entries: Iterable[str]) -> Iterable[int]:
    for sample in samples:
        for files in (sample.files, *sample.below.values()):
            yield from (number for entry in entries if (number := read(files, entry)) is not None)
