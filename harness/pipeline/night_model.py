# SPDX-License-Identifier: GPL-2.0-only
"""A night as a value: what is to be run, what came of it, and what that is against the nights before.

``night.json`` is :class:`Night`, so these names are a contract.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from harness.pipeline.plan import Plan
from harness.pipeline.standing import Stand
from harness.verdict import Verdict


class Keep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of past nights is kept; 0 is no bound."""

    days: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    gigabytes: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """10^9 bytes"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the matrix: a run to be made."""

    tree: str
    series: str
    plan_name: str
    kconfig: str
    """these four are names, by which history knows it again"""
    plan: Plan
    """with tree and series, as it is run"""
    origin: str
    """the plan's file"""

    @property
    def name(self) -> str:
        """``TREE/SERIES/PLAN/KCONFIG``."""
        return "/".join((self.tree, self.series, self.plan_name, self.kconfig))

    @property
    def directory(self) -> str:
        """Of its runs, below the night's: as the name, fit for one step of a path."""
        return self.name.replace("/", ",")


class CaseName(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """What history knows a case by, from night to night."""

    tree: str
    series: str
    plan: str
    kconfig: str
    kernel: str
    """``base`` or ``patched``; empty in what the run itself came to"""
    iface: str
    workload: str

    def __str__(self) -> str:
        """In the order of the fields, without those that are empty."""
        return "/".join(part for part in msgspec.structs.astuple(self) if part)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One case of one night."""

    case: CaseName
    verdict: Verdict
    reason: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A case that does not just pass, held against the nights before."""

    case: CaseName
    verdict: Verdict
    reason: str
    stand: Stand


class Bisected(msgspec.Struct, frozen=True, kw_only=True):
    """The bisection of a new failure."""

    case: CaseName
    directory: str = ""
    """relative to the night's; empty until it has one"""
    finished: bool = False
    verdict: Verdict = Verdict.BROKEN
    reason: str = ""
    number: int = 0
    """of the first bad patch; 0 while none is known"""
    subject: str = ""
    confidence: float = 0.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one entry came to."""

    entry: str
    """its name"""
    verdict: Verdict
    reason: str
    input_error: bool = False
    """it is broken because tree, series or plan cannot be used"""
    started: str = ""
    seconds: float = 0.0
    run: str = ""
    """its run's directory, relative to the night's; empty where none was made"""
    tree_revision: str = ""
    tree_fingerprint: str = ""
    series_digest: str = ""
    changes: tuple[Change, ...] = ()
    bisected: Bisected | None = None


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """A whole night. ``finished`` is empty while it goes on, and in one that was cut off."""

    run: str
    """the name of its directory"""
    verdict: Verdict = Verdict.BROKEN
    reason: str = "the night did not end"
    name: str
    plan_path: str
    started: str
    finished: str = ""
    seconds: float = 0.0
    """without those between a cut and ``harness resume``"""
    budget: float = 0.0
    """seconds; 0: no bound"""
    keep: Keep = Keep()
    bisect: bool = False
    confidence: float = 0.95
    window: int = 10
    force: bool = False
    lanes: int = 1
    """entries side by side"""
    entries: tuple[Entry, ...]
    """in the order in which they are begun"""
    outcomes: tuple[Outcome, ...] = ()
    """in the order in which they ended"""
    removed: tuple[str, ...] = ()
    """of past nights, by ``keep``; relative to the results directory"""
