# SPDX-License-Identifier: GPL-2.0-only
"""A case that was cut short, or whose guest was: what it says, and of whom. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.console.endings import Machine, Word, ending
from harness.console.model import Report
from harness.guest.ssh import TIMED_OUT
from harness.verdict import Verdict
from harness.workloads.runner import Delivered

_STILL_AT_WORK = 5.0
"""seconds without a sample; they are taken every 0.2 s, and one may wait for the group's locks"""


@dataclass(frozen=True)
class Afterwards:
    """What was known of the guest when a case was over."""

    machine: Machine
    console: str = ""
    """its last lines"""
    crashed: str = ""
    """what QEMU itself died of, or who ended it, if it was not the guest"""


@dataclass(frozen=True)
class End:
    """An end that is a finding."""

    verdict: Verdict
    reason: str
    word: Word = ""


def end_of(
    delivered: Delivered, after: Afterwards, reports: Sequence[Report], *, whole: bool, samples: bool
) -> End | None:
    """How a case ended; None where its exit code, the way SSH ended, or a fatal one of *reports* says it.

    *whole*: it has said all that it had to say. *samples*: it says something all the time.
    """
    machine = after.machine
    if whole:
        lost = machine.runs and machine.answers and not machine.heard
        return _met(after, reports) if lost else None
    if after.crashed:
        return End(Verdict.INFRA, after.crashed)
    if not machine.runs:
        return _met(after, reports)
    if delivered.ended.why != TIMED_OUT:
        return None
    late = f"no end after {delivered.seconds:.0f} s: "
    if samples and machine.answers and machine.heard and delivered.quiet < _STILL_AT_WORK:
        return End(Verdict.BROKEN, f"{late}too slow, not hung: samples still come")
    still = End(Verdict.FAIL, f"{late}hung; the guest still answers", "hung")
    return _met(after, reports, late) or still


def _met(after: Afterwards, reports: Sequence[Report], late: str = "") -> End | None:
    found = ending(after.console, reports, after.machine)
    return End(Verdict.FAIL, late + found.says, found.word) if found else None
