# SPDX-License-Identifier: GPL-2.0-only
"""The catalogue of workloads: configs/workloads.yaml as values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.errors import UserError
from harness.tables import load


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
