# SPDX-License-Identifier: GPL-2.0-only
"""Which patch of a series is the first with which a case fails: halving over its prefixes."""

from __future__ import annotations

from collections.abc import Callable

from harness.pipeline.halving import middle
from harness.pipeline.model import BlameStep
from harness.verdict import Verdict


def first_bad(total: int, trial: Callable[[int], BlameStep]) -> tuple[int | None, tuple[BlameStep, ...]]:
    """The number of the first bad patch, and the trials made.

    Known beforehand: no patch on is good, all *total* on is bad. *trial* judges the first n patches.
    A trial that is neither pass nor fail (it does not build, say) ends the search without an answer.
    """
    good, bad = 0, total
    steps: list[BlameStep] = []
    while (number := middle(good, bad)) is not None:
        step = trial(number)
        steps.append(step)
        if step.verdict is Verdict.PASS:
            good = step.number
        elif step.verdict is Verdict.FAIL:
            bad = step.number
        else:
            return None, tuple(steps)
    return bad, tuple(steps)
