# SPDX-License-Identifier: GPL-2.0-only
"""Which entry of a night comes next, and how many run side by side. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from harness.address import without_checksum
from harness.pipeline.night_model import Entry
from harness.pipeline.plan import Plan


def in_order(entries: Sequence[Entry], seconds: Mapping[str, float]) -> tuple[Entry, ...]:
    """*entries* longest first by what they took last, *seconds* by name; what is not known comes first."""
    return tuple(sorted(entries, key=lambda entry: -seconds.get(entry.name, float("inf"))))


def copy_of(plan: Plan) -> str:
    """The same for plans whose trees share one private copy: all commits of a repository do."""
    repository, at, _revision = plan.tree.rpartition("@")
    return repository if at else without_checksum(plan.tree)


def following(waiting: Sequence[Entry], busy: Collection[str]) -> Entry | None:
    """The first of *waiting* whose private copy is not among the *busy* ones."""
    return next((entry for entry in waiting if copy_of(entry.plan) not in busy), None)


def lanes_for(entries: Sequence[Entry], room: Callable[[int, int], int]) -> int:
    """How many of *entries* may run side by side: as there are trees, and *room* for their guests.

    *room* tells how many that need so many guest CPUs and so many MB have room at once. An entry runs its own
    cells side by side; it is counted with all of them.
    """
    copies = {copy_of(entry.plan) for entry in entries}
    cpus = max(_cells(entry.plan) * entry.plan.guest.cpus for entry in entries)
    memory = max(_cells(entry.plan) * entry.plan.guest.memory_mb for entry in entries)
    return min(len(copies), room(cpus, memory))


def _cells(plan: Plan) -> int:
    return len(plan.matrix) * (2 if plan.series else 1)


def why_no_time(budget: float, spent: float, took: float | None) -> str:
    """Why an entry that *took* so long last is not begun after *spent* of *budget* seconds; "" if it is."""
    if not budget:
        return ""
    if spent >= budget:
        return f"left out: the budget of {budget / 60:g} min was used up"
    if took is not None and spent + took > budget:
        left = (budget - spent) / 60
        return f"left out: it took {took / 60:.1f} min last, and {left:.1f} min of the budget were left"
    return ""
