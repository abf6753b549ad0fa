# SPDX-License-Identifier: GPL-2.0-only
"""The catalogue of workloads: configs/workloads.yaml as values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import UserError
from harness.span import check_bounds
from harness.tables import load


class Needs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a workload cannot do its work without; what only the guest can tell, its program says itself."""

    ifaces: tuple[Literal["v1", "v2"], ...] = ("v1", "v2")
    since: str = ""
    """the first kernel version that has what it exercises"""
    until: str = ""
    """the last one"""
    symbols: tuple[str, ...] = ()
    """Kconfig symbols that have to be ``y``"""
    nodes: int = 1
    cpus: int = 1
    swap: bool = False

    def __post_init__(self) -> None:
        check_bounds(self.since, self.until)


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: a program of the guest image and how it is to be run."""

    name: str
    program: str
    share: float
    """working set of one worker, as a share of the group's limit"""
    dir: str
    """directory in the guest that it may write to"""
    leave: bool = False
    """its files stay, and the group is removed with their page cache in it"""
    own: bool = False
    """its workers stay outside of the group and make groups of their own below it"""
    args: tuple[str, ...] = ()
    """further arguments of the program"""
    needs: Needs = Needs()
    least: float = 0.0
    """seconds below which it exercises too little, whatever the plan gives it"""
    includes: tuple[str, ...] = ()
    """workloads that it does the work of, if with less of it: where time is short they come last"""
    moves: tuple[str, ...] = ()
    """events of configs/memcg.yaml that must have been counted for the group afterwards"""
    did: tuple[str, ...]
    """facts that must be above zero, or it exercised nothing"""
    why: str


class _Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    workloads: tuple[Workload, ...]


def choose(table: Path, names: Iterable[str], asked_by: str) -> tuple[Workload, ...]:
    """The rows called *names*, in that order; UserError naming *asked_by* and the nearest known name."""
    known = {row.name: row for row in load(table, _Catalogue).workloads}
    chosen = []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise UserError(f"{asked_by}: no workload {name!r}; {mend}")
        chosen.append(known[name])
    return tuple(chosen)


def every(table: Path) -> tuple[Workload, ...]:
    """All rows."""
    return load(table, _Catalogue).workloads
