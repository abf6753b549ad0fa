# SPDX-License-Identifier: GPL-2.0-only
"""What a bisection does next, from nothing but what it has tried. Pure, so that one can go on after a cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.pipeline.bisect_model import Bisection, Step, Told, Try
from harness.pipeline.confidence import false_good, passes_for, rate
from harness.pipeline.halving import middle, most_trials
from harness.verdict import Verdict

_ENDS = 3
"""tries of the whole series, from which is estimated how often it fails"""
_MOST_ENDS = 2 * _ENDS
"""tries of it, where some tell nothing"""
_UNTOLD = 2
"""tries that tell nothing, after which a prefix is skipped; one that does not build is so at once"""


@dataclass(frozen=True)
class Next:
    """Try the first ``number`` patches."""

    number: int


@dataclass(frozen=True)
class End:
    """There is no more to try."""

    verdict: Verdict
    reason: str
    first_bad: int | None = None
    candidates: tuple[int, ...] = ()


def decide(known: Bisection) -> Next | End:
    """The next try, or the end. The whole series was bad at least once: that is what is hunted."""
    total = known.total
    ends = [one for one in known.tries if one.number == total and one.told is not Told.SKIP]
    if len(ends) < _ENDS and len(known.tries) < _MOST_ENDS:
        return Next(total)
    base = step(known, 0)
    if base.told is None:
        return Next(0)
    if base.told is Told.BAD:
        return End(Verdict.FAIL, f"the base fails too, it is not the series: {base.reason}")
    if base.told is not Told.GOOD:
        return End(Verdict.BROKEN, f"the base cannot be judged: {base.reason}")
    return _halve(known)


def tries_ahead(known: Bisection) -> tuple[int, int]:
    """About how many more tries it takes, and how many of them need a kernel that was not tried yet.

    A bad prefix takes one try and a good one as many as :func:`passes_needed` says: halving is counted with
    what lies between them.
    """
    ends = [one for one in known.tries if one.number == known.total and one.told is not Told.SKIP]
    base = [one for one in known.tries if one.number == 0]
    steps = steps_of(known)
    bad = min((one.number for one in steps if one.told is Told.BAD), default=known.total)
    good = max((one.number for one in steps if one.told is Told.GOOD and one.number < bad), default=0)
    passes, prefixes = passes_needed(known), most_trials(bad - good)
    at_base = 0 if step(known, 0).told else max(1, passes - len(base))
    tries = max(0, _ENDS - len(ends)) + at_base + math.ceil(prefixes * (passes + 1) / 2)
    return max(1, tries), prefixes + (0 if base else 1)


def _halve(known: Bisection) -> Next | End:
    steps = steps_of(known)
    bad = min(one.number for one in steps if one.told is Told.BAD)
    good = max(one.number for one in steps if one.told is Told.GOOD and one.number < bad)
    skipped = {one.number for one in steps if one.told in (Told.SKIP, Told.OTHER)}
    open_ = [one.number for one in steps if one.told is None and good < one.number < bad]
    number = open_[0] if open_ else middle(good, bad, skipped)
    if number is not None:
        return Next(number)
    if bad - good == 1:
        return End(Verdict.FAIL, f"patch {bad}/{known.total} is the first bad one", first_bad=bad)
    among = tuple(range(good + 1, bad + 1))
    return End(
        Verdict.FAIL,
        f"the first bad patch is one of {good + 1} to {bad}: those between cannot be judged",
        candidates=among,
    )


def steps_of(known: Bisection) -> tuple[Step, ...]:
    """Each prefix that was tried, in the order of their first tries."""
    return tuple(step(known, number) for number in dict.fromkeys(one.number for one in known.tries))


def step(known: Bisection, number: int) -> Step:
    """All tries of the first *number* patches. One that is bad is bad: good is what needs many."""
    tries = [one for one in known.tries if one.number == number]
    passes = sum(one.told is Told.GOOD for one in tries)
    bad = next((one for one in tries if one.told is Told.BAD), None)
    untold = [one for one in tries if one.told in (Told.SKIP, Told.OTHER)]
    told: Told | None = None
    if bad is not None:
        told = Told.BAD
    elif tries and passes >= passes_needed(known):
        told = Told.GOOD
    elif untold and (len(untold) >= _UNTOLD or not untold[-1].directory):
        told = untold[-1].told
    last = bad or (untold[-1] if told in (Told.SKIP, Told.OTHER) else tries[-1] if tries else None)
    return Step(
        number=number,
        subject=known.subjects[number - 1] if number else "",
        told=told,
        tries=len(tries),
        false_good=false_good(failing(known.tries, known.total), passes) if told is Told.GOOD else 0.0,
        reason=last.reason if last else "",
    )


def failing(tries: Sequence[Try], total: int) -> float:
    """How often a bad prefix fails, as the tries of the whole series have it."""
    ends = [one for one in tries if one.number == total and one.told is not Told.SKIP]
    return rate(sum(one.told is Told.BAD for one in ends), len(ends))


def passes_needed(known: Bisection) -> int:
    """Passes in a row for a good verdict: what is wanted of all of them together, shared between them."""
    verdicts = most_trials(known.total) + 1
    risk = 1.0 - known.wanted ** (1.0 / verdicts)
    return passes_for(failing(known.tries, known.total), risk)


def confidence(known: Bisection) -> float:
    """The probability that no good verdict is a false one; bad ones were seen to be."""
    return math.prod(1.0 - one.false_good for one in steps_of(known) if one.told is Told.GOOD)
