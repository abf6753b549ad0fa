# SPDX-License-Identifier: GPL-2.0-only
"""A bisection as a value: what is hunted, what was tried, what came of it. ``bisect.json`` is this value."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from harness.console.model import Report
from harness.pipeline.model import Command
from harness.pipeline.plan import Plan
from harness.verdict import Verdict


class Told(StrEnum):
    """What one try of one prefix tells."""

    GOOD = "good"
    BAD = "bad"
    """it fails as the whole series does"""
    OTHER = "other"
    """it fails in another way: neither good nor bad"""
    SKIP = "skip"
    """it does not build or boot, or the workload could not do its work"""


class Hunted(msgspec.Struct, frozen=True, kw_only=True):
    """The failure that is looked for."""

    profile: str
    iface: str
    case: str
    signs: tuple[str, ...]
    """checks that were not kept, and how the case ended; what it is known by without a report"""
    cause: Report | None = None
    """the first kernel report of the case, by whose title and fingerprint it is known"""
    reason: str = ""

    @property
    def title(self) -> str:
        """One line for people."""
        where = f"{self.case} on {self.profile}-{self.iface}"
        return f"{where}: {self.cause.title if self.cause else self.reason}"


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One guest, or one build that failed, of the first ``number`` patches."""

    number: int
    told: Told
    reason: str
    seconds: float
    """building included"""
    built: float = 0.0
    """seconds of that in which a kernel was compiled; 0 from the cache"""
    directory: str = ""
    """relative to the bisection's; empty where nothing was booted"""
    report: Report | None = None
    """the kernel report by which it was told, if one was"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """All tries of one prefix, added up."""

    number: int
    subject: str
    """of its last patch; empty for the base"""
    told: Told | None
    """None while it takes more tries to tell"""
    tries: int
    false_good: float = 0.0
    """of a good one: the probability that it is bad and passed all the same"""
    reason: str = ""


class Bisection(msgspec.Struct, frozen=True, kw_only=True):
    """A whole bisection. ``finished`` is empty while it goes on, and in one that was cut off."""

    run: str
    plan: Plan
    """as it was asked for, command line and all"""
    plan_path: str
    tree: str
    tree_origin: str
    tree_fingerprint: str
    series: str
    series_digest: str
    """of the patches, to know them again"""
    subjects: tuple[str, ...]
    """of the patches, first to last"""
    wanted: float
    """how sure the answer is to be, as a probability"""
    started: str
    force: bool = False
    hunted: Hunted | None = None
    tries: tuple[Try, ...] = ()
    first_bad: int | None = None
    candidates: tuple[int, ...] = ()
    """where patches that cannot be judged hide the first bad one: it is among these"""
    confidence: float = 0.0
    """the probability that every good verdict that the answer stands on is true"""
    hunk: str = ""
    """of the first bad patch: the one that wrote the line of the report, or that changed its function"""
    verdict: Verdict = Verdict.BROKEN
    reason: str = "it did not end"
    finished: str = ""
    seconds: float = 0.0
    commands: tuple[Command, ...] = ()
    """what repeats the two deciding steps"""

    @property
    def total(self) -> int:
        """How many patches the series has."""
        return len(self.subjects)
