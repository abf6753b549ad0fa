# SPDX-License-Identifier: GPL-2.0-only
"""A group against the groups below it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.memcg.interface import Rule
from harness.memcg.measure import Measured, Unasked, Unmeasured, sided, worst
from harness.memcg.model import Check


def below_against_parent(rule: Rule, case: Measured) -> Check:
    """What a parent is charged for: its own parts, and what each group below is charged for.

    page_counter is exact at every level (mm/page_counter.c 6.1): a charge is made in the group and in all
    above it at once. A parent's own parts are what its hierarchical statistics have beyond those of
    the groups below; so its usage is as far above its parts as theirs are above theirs, and its own stock.
    """
    if not any(sample.below for sample in case.stream.samples):
        raise Unasked
    sample = case.last("exit")
    if not sample.below:
        raise Unasked  # they are gone by now
    groups = {"": sample.files, **sample.below}
    apart = {path: case.apart_of(rule, files) for path, files in groups.items()}
    found = [
        (sided(rule, own - sum(below)), path or "the group")
        for path, own in apart.items()
        if own is not None and (below := _right_below(path, apart))
    ]
    if not found:
        raise Unmeasured("neither the group nor one below it says what it is made of")
    measured, path = worst(found)
    where = f"after the workload, {rule.of} of {path or 'each parent'}"
    return case.in_bytes(rule, measured, f"{where} is {{}} its own parts and what is charged below it")


def _right_below(path: str, apart: Mapping[str, int | None]) -> list[int]:
    parents = ((below.rpartition("/")[0], value) for below, value in apart.items() if below)
    return [value for parent, value in parents if parent == path and value is not None]
