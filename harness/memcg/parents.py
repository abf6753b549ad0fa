# SPDX-License-Identifier: GPL-2.0-only
"""A group against the groups below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.memcg.interface import Rule, amount
from harness.memcg.levels import lasting
from harness.memcg.measure import Measured, Unasked, Unmeasured, sided, worst
from harness.memcg.model import Check
from harness.memcg.record import Sample


def below_against_parent(rule: Rule, case: Measured) -> Check:
    """What a parent is charged for: its own parts, and what each group below is charged for.

    page_counter is exact at every level (mm/page_counter.c 6.1): a charge is made in the group and in all
    above it at once. A parent's own parts are what its hierarchical statistics have beyond those of
    the groups below; so its usage is as far above its parts as theirs are above theirs, and its own stock.
    Kernel memory that RCU frees between two reads comes between: what counts is in all samples.
    """
    if not any(sample.below for sample in case.stream.samples):
        raise Unasked
    if not case.last("exit").below:
        raise Unasked  # they are gone by now
    samples = [sample for sample in case.stream.at("exit") if sample.below]
    found = [_beyond_below(rule, case, sample) for sample in samples]
    least = [
        (min((one[path] for one in found if path in one), key=abs), path or "the group")
        for path in dict.fromkeys(path for one in found for path in one)
    ]
    if not least:
        raise Unmeasured("neither the group nor one below it says what it is made of")
    measured, path = worst(least)
    where = f"after the workload, {rule.of} of {path or 'each parent'}"
    return case.in_bytes(rule, measured, f"{where} is {{}} its own parts and what is charged below it")


def _beyond_below(rule: Rule, case: Measured, sample: Sample) -> dict[str, int]:
    """For each group that has others right below: by how much more it is above its parts than those are."""
    groups = {"": sample.files, **sample.below}
    apart = {path: case.apart_of(rule, files) for path, files in groups.items()}
    return {
        path: sided(rule, own - sum(below))
        for path, own in apart.items()
        if own is not None and (below := _right_below(path, apart))
    }


def below_while_running(rule: Rule, case: Measured) -> Check:
    """The same as while_running(), of each group below: the one with the worst difference is told."""
    found = [
        (least, step, path)
        for path in sorted({path for sample in case.stream.at("run") for path in sample.below})
        for stretch in _stretches(rule, case, path)
        for least, step in lasting(
            [apart for apart, _of in stretch], [of for _apart, of in stretch], rule.samples
        )
    ]
    if not found:
        raise Unasked  # none lived for so long
    measured, step, path = max(found, key=lambda one: abs(one[0]) - one[1])
    where = f"over {rule.samples} neighbouring samples, {rule.of} of {path}"
    return case.in_bytes(rule, measured, f"{where} stays {{}} {rule.against}", moved=step)


def below_in_parent(rule: Rule, case: Measured) -> Check:
    """What the groups right below have together of something that their parent's statistics include.

    A parent has more: what is its own, and what groups that are gone have left. The files are read one
    after the other; as in while_running() only what lasts counts.
    """
    size = case.begin.page_size
    stretch = []
    for sample in case.stream.at("run"):
        below = [
            amount(case.row, files, rule.of, size) for path, files in sample.below.items() if "/" not in path
        ]
        known = [number for number in below if number is not None]
        if known:
            stretch.append((max(0, sum(known) - case.amount(sample, rule.of)), sum(known)))
    found = list(lasting([one[0] for one in stretch], [one[1] for one in stretch], rule.samples))
    if not found:
        raise Unasked  # none lived for so long
    measured, step = max(found, key=lambda one: one[0] - one[1])
    where = f"over {rule.samples} neighbouring samples, {rule.of} of the groups below"
    return case.in_bytes(rule, measured, f"{where} stay {{}} those of their parent", moved=step)


def _stretches(rule: Rule, case: Measured, path: str) -> Iterator[list[tuple[int, int]]]:
    """Neighbouring samples in which the group is there: its difference, and what it is a difference of."""
    stretch: list[tuple[int, int]] = []
    for sample in case.stream.at("run"):
        files = sample.below.get(path)
        apart = None if files is None else case.apart_of(rule, files)
        if files is None or apart is None:
            yield stretch
            stretch = []
            continue
        of = amount(case.row, files, rule.of, case.begin.page_size) or 0
        stretch.append((sided(rule, apart), of))
    yield stretch


def _right_below(path: str, apart: Mapping[str, int | None]) -> list[int]:
    parents = ((below.rpartition("/")[0], value) for below, value in apart.items() if below)
    return [value for parent, value in parents if parent == path and value is not None]
