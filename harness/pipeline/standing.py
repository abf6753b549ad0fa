# SPDX-License-Identifier: GPL-2.0-only
"""Where a case stands after the nights so far: new failure, still failing, fixed, flaky. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from harness.verdict import Verdict

_TURNS = 3
"""changes between pass and fail within the window after which a case is flaky, whatever else has changed"""


class Standing(StrEnum):
    """What the last night's verdict is, against those before it."""

    NEW = "new failure"
    STILL = "still failing"
    FIXED = "fixed"
    FLAKY = "flaky"
    PASSES = "passes"
    UNTOLD = "not told"
    """never passed or failed yet, or not in the last night that had it"""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A case in one night."""

    night: str
    verdict: Verdict
    reason: str = ""
    run: str = ""
    """the run's directory, relative to the night's"""
    entry: str = ""
    tree_revision: str = ""
    tree_fingerprint: str = ""
    series_digest: str = ""
    plan_digest: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What was tested: the same inputs with another verdict are a flaky case."""
        return (self.tree_fingerprint, self.series_digest, self.plan_digest)


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """A case over its nights."""

    standing: Standing
    failed: int = 0
    told: int = 0
    """of so many nights within the window it passed or failed in; ``failed`` of them"""
    last_good: Seen | None = None
    """the last night that it passed in before ``first_bad``; where that is None, the last at all"""
    first_bad: Seen | None = None
    """the first night of the last failures in a row; None for a case that just passes"""


def stand(seen: Sequence[Seen], window: int) -> Stand:
    """Where the case stands that *seen* has, oldest night first; rates are of the last *window* nights."""
    told = [one for one in seen if one.verdict in (Verdict.PASS, Verdict.FAIL)]
    late = told[-window:]
    failed = sum(one.verdict is Verdict.FAIL for one in late)
    standing = _standing(told, late) if told and seen[-1] is told[-1] else Standing.UNTOLD
    first_bad, last_good = _last_change(told)
    if standing is Standing.PASSES or (not failed and standing is Standing.UNTOLD):
        first_bad, last_good = (
            None,
            next((one for one in reversed(told) if one.verdict is Verdict.PASS), None),
        )
    return Stand(standing=standing, failed=failed, told=len(late), last_good=last_good, first_bad=first_bad)


def first_failures(seen: Sequence[Seen], window: int) -> tuple[Seen, ...]:
    """The nights of a case whose evidence is never thrown away: its first failure ever, and the last's."""
    ever = next((one for one in seen if one.verdict is Verdict.FAIL), None)
    last = stand(seen, window).first_bad
    return tuple(dict.fromkeys(one for one in (ever, last) if one is not None))


def _standing(told: Sequence[Seen], late: Sequence[Seen]) -> Standing:
    failing = told[-1].verdict is Verdict.FAIL
    pairs = list(itertools.pairwise(late))
    turns = sum(one.verdict is not next_.verdict for one, next_ in pairs)
    healed = any(one.verdict is Verdict.FAIL and next_.verdict is Verdict.PASS and one.inputs == next_.inputs
                 for one, next_ in pairs)  # fmt: skip
    if healed or turns >= _TURNS:
        return Standing.FLAKY
    before = told[-2].verdict if len(told) > 1 else None
    if failing:
        return Standing.STILL if before is Verdict.FAIL else Standing.NEW
    return Standing.FIXED if before is Verdict.FAIL else Standing.PASSES


def _last_change(told: Sequence[Seen]) -> tuple[Seen | None, Seen | None]:
    """The first night of the last failures in a row, and the night before it; None where there is none."""
    bad = good = None
    for one in reversed(told):
        if one.verdict is Verdict.FAIL:
            bad = one
        elif bad is not None:
            good = one
            break
    return bad, good
