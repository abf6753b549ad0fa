# SPDX-License-Identifier: GPL-2.0-only
"""How long each workload of a cell runs, and which are left out, where a plan bounds a cell's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.workloads.catalogue import Workload

AROUND = 2.0
"""seconds that a case takes beside its workload: making, emptying and removing the group"""
_LEAST = 3.0
"""seconds below which a workload is rather left out than run: an emulated CPU touches 10,000 pages in one"""
_STEP = 0.25


@dataclass(frozen=True)
class Share:
    """What a cell is given to do."""

    workloads: tuple[Workload, ...]
    left_out: tuple[Workload, ...]
    seconds: float
    """for each, but for those that need more (``least``)"""


def shared(workloads: Sequence[Workload], seconds: float, budget: float, slow: float = 1.0) -> Share:
    """*workloads*, most wanted first, at *seconds* each; less each, then fewer, where *budget* is too short.

    *budget* in seconds; 0 is none. *slow*: how much longer than in a plain kernel each needs (``least``).
    """
    if not budget:
        return Share(tuple(workloads), (), seconds)
    wanted = _included_last(workloads)
    kept = list(wanted)
    least = min(seconds, _LEAST * slow)
    while len(kept) > 1 and takes(kept, least, slow) > budget:
        kept.pop()
    each = seconds
    while each > least and takes(kept, each, slow) > budget:
        each = max(least, each - _STEP)
    return Share(tuple(kept), tuple(wanted[len(kept) :]), each)


def _included_last(workloads: Sequence[Workload]) -> list[Workload]:
    included = {name for workload in workloads for name in workload.includes}
    return sorted(workloads, key=lambda workload: workload.name in included)


def takes(workloads: Sequence[Workload], seconds: float, slow: float) -> float:
    """Seconds that *workloads* take at *seconds* each, with what each case needs around its workload."""
    return sum(max(seconds, workload.least * slow) + AROUND for workload in workloads)
