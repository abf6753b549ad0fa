# SPDX-License-Identifier: GPL-2.0-only
"""Amounts of one group against each other: at one moment, and while the workload runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.memcg.interface import Rule, quantity, read
from harness.memcg.measure import Measured, TooFew, Unasked, Unmeasured, exact, worst
from harness.memcg.model import Check

_FULL = 3
"""samples with usage at the limit: then somebody asked for more, rather than the last page fitting"""


def at_stage(rule: Rule, case: Measured) -> Check:
    """A quantity against its parts, the difference that all samples of one stage have.

    The files are read one after the other, and RCU frees kernel memory between two reads: what is lost is
    in every look, to the same side. Of the stage ``rest``, which comes to rest, the last one counts.
    """
    last = case.last(rule.stage)
    looks = (last,) if rule.stage == "rest" else case.stream.at(rule.stage)
    measured = _least([case.apart(rule, look) for look in looks])
    return case.in_bytes(rule, measured, f"{_when(rule.stage)}, {rule.of} is {{}} {rule.against}")


def _when(stage: str) -> str:
    return {"born": "newly made", "exit": "after the workload", "rest": "emptied"}.get(stage, stage)


def while_running(rule: Rule, case: Measured) -> Check:
    """A quantity against its parts, the difference that lasted longest.

    The files are read one after the other while pages come and go, so that any one sample may be
    off by what moved in between. That has no bound but the limit; it does not last either. What
    counts is the least difference within so many neighbouring samples, all to the same side. While
    a group grows steadily, each sample is off to the same side by what grew between two reads:
    less than between two samples, so the least of those steps is allowed too.
    """
    samples = case.stream.at("run")
    if len(samples) < rule.samples:
        raise TooFew(f"{len(samples)} samples while running, {rule.samples} are needed")
    amount = [case.amount(sample, rule.of) for sample in samples]
    apart = [case.apart(rule, sample) for sample in samples]
    measured, step = max(lasting(apart, amount, rule.samples), key=lambda found: abs(found[0]) - found[1])
    over = f"over {rule.samples} neighbouring samples"
    return case.in_bytes(rule, measured, f"{over}, {rule.of} stays {{}} {rule.against}", moved=step)


def lasting(apart: Sequence[int], amount: Sequence[int], samples: int) -> Iterator[tuple[int, int]]:
    """For each stretch of so many *samples*: the difference that lasts, and the least step of the amount."""
    for at in range(len(apart) - samples + 1):
        window = slice(at, at + samples)
        yield _least(apart[window]), _step(amount[window])


def _least(window: Sequence[int]) -> int:
    """The difference that all of *window* have; none when they are not to one side."""
    return max(0, min(window)) + min(0, max(window))


def _step(window: Sequence[int]) -> int:
    """The smallest change from one sample to the next."""
    return min(abs(later - earlier) for earlier, later in pairwise(window))


def gone(rule: Rule, case: Measured) -> Check:
    """What must be nothing in the last sample of a stage; the worst of ``counters`` is told."""
    sample = case.last(rule.stage)
    found = [(number, entry) for entry in rule.counters if (number := read(sample.files, entry)) is not None]
    if not found:
        raise Unmeasured(f"none of {', '.join(rule.counters)} is there at stage {rule.stage!r}")
    measured, entry = worst(found)
    which = entry or f"each of {len(found)} statistics"
    return case.in_bytes(rule, measured, f"{_when(rule.stage)}, {which} is {{}} zero")


def limit_kept(rule: Rule, case: Measured) -> Check:
    """The most that was ever seen, by us or by the kernel's own high-water mark, against the limit."""
    seen = _seen(case, "usage", "peak")
    if not seen:
        raise Unmeasured("usage was not sampled")
    if not case.begin.limit:
        raise Unmeasured("the case set no limit")
    return case.in_bytes(rule, max(0, max(seen) - case.begin.limit), "usage went {} the limit")


def peak_covers(rule: Rule, case: Measured) -> Check:
    """The kernel's high-water mark is nowhere below a usage that was seen by then."""
    usage, below = 0, 0
    for sample in case.stream.samples:
        peak = quantity(case.row, sample, "peak", case.begin.page_size)
        if peak is None:
            raise Unasked
        usage = max(usage, case.amount(sample, "usage"))
        below = max(below, usage - peak)
    return case.in_bytes(rule, below, "usage was seen {} the high-water mark")


def limit_counted(rule: Rule, case: Measured) -> Check:
    """A group that stays full has met its limit, and the kernel counts that."""
    full = [sample for sample in case.stream.at("run") if case.amount(sample, "usage") >= case.begin.limit]
    if not case.begin.limit or len(full) < _FULL:
        raise Unasked
    met = max((number for entry in rule.counters for number in case.series(entry)), default=0)
    says = f"usage was at the limit in {len(full)} samples, and {' or '.join(rule.counters)} says {met}"
    return exact(rule, int(not met), "events", says, "a charge that meets the limit is counted")


def _seen(case: Measured, *names: str) -> list[int]:
    samples = [sample for sample in case.stream.samples if sample.stage != "born"]
    found = (quantity(case.row, sample, name, case.begin.page_size) for sample in samples for name in names)
    return [number for number in found if number is not None]
