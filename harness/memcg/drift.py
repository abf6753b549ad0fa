# SPDX-License-Identifier: GPL-2.0-only
"""Drift: a difference that grows while the workload runs, told with its speed; docs/drift.md."""

from __future__ import annotations

import math

from harness.memcg.interface import Rule
from harness.memcg.measure import Measured, Unasked
from harness.memcg.model import Check
from harness.memcg.slope import CONFIDENCE, Trend, trend

_KIB = 1024


def drift(rule: Rule, case: Measured) -> Check:
    """How far a quantity has surely moved away from its parts over the run.

    On a sound kernel the difference stays between what the terms allow below and above, so it cannot
    move by more than both together, however long the run is; a leak moves it for as long as it runs.
    What changes while the files are read comes on top, and shows in how far neighbours are apart: where
    that is more than the terms, it is what is allowed.
    """
    samples = case.stream.at("run")
    apart = [case.apart(rule, sample) for sample in samples]
    found = trend([sample.ms / 1e3 for sample in samples], apart)
    if found is None:
        raise Unasked
    above, below = case.allowed(rule, under=False), case.allowed(rule, under=True)
    terms, scatter = above.size + below.size, math.ceil(found.scatter)
    size = max(terms, scatter)
    measured = round(found.certain)
    kept = abs(measured) <= size
    return Check(
        name=rule.name,
        kept=kept,
        measured=measured,
        expected=0,
        tolerance=size,
        unit="bytes",
        terms=f"{above.terms}; below: {below.terms}"
        if terms >= scatter
        else f"{scatter}: so far are neighbouring samples apart",
        says=_quiet(rule, found)
        if kept
        else f"{_told(rule, found, case.begin.page_size)}, beyond the {size} bytes that are allowed",
    )


def _quiet(rule: Rule, found: Trend) -> str:
    low, high = found.low / _KIB, found.high / _KIB
    speed = f"{CONFIDENCE:.0%}: {low:+.1f} to {high:+.1f} KiB/s"
    return f"{rule.of} keeps its distance from {rule.against} over {found.span:.0f} s ({speed})"


def _told(rule: Rule, found: Trend, page_size: int) -> str:
    """One sentence: how fast, how sure, over how long, and of which shape."""
    if found.shape == "step":
        grows = "up" if found.step > 0 else "down"
        return (
            f"{rule.of} steps {grows} from {rule.against} by {abs(found.step) / _KIB:.0f} KiB "
            f"({abs(found.step) / page_size:.0f} pages) at {found.at:.1f} s: a step, not a slope"
        )
    ends = sorted((abs(found.low), abs(found.high)))
    way = "grows away from" if found.slope > 0 else "falls behind"
    return (
        f"{rule.of} {way} {rule.against} by {abs(found.slope) / _KIB:.1f} KiB/s ({CONFIDENCE:.0%}: "
        f"{ends[0] / _KIB:.1f} to {ends[1] / _KIB:.1f}), {abs(found.slope) / page_size:.1f} pages/s, "
        f"over {found.span:.0f} s: a slope, not a step"
    )
