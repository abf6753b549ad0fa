# SPDX-License-Identifier: GPL-2.0-only
"""The five verdicts, and how several become one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a case, a cell or a run came to."""

    PASS = "pass"  # noqa: S105 -- a verdict, not a password
    FAIL = "fail"
    """the kernel misbehaved"""
    BROKEN = "broken"
    """the test itself could not do its work"""
    SKIP = "skip"
    """not run, for a reason that is given"""
    INFRA = "infra"
    """the machine or the network under the test failed"""


_GRAVEST_FIRST = (Verdict.FAIL, Verdict.INFRA, Verdict.BROKEN, Verdict.PASS, Verdict.SKIP)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that stands for all: any failure fails; nothing at all is ``broken``, never a pass."""
    seen = set(verdicts)
    for verdict in _GRAVEST_FIRST:
        if verdict in seen:
            return verdict
    return Verdict.BROKEN


GIT_BISECT_SKIP = 125
GIT_BISECT_END = 128


def exit_code(verdict: Verdict) -> int:
    """The command's exit code: 0 pass or skip, 1 the kernel or the test failed, 3 infrastructure."""
    if verdict in (Verdict.PASS, Verdict.SKIP):
        return 0
    return 3 if verdict is Verdict.INFRA else 1


def git_bisect_code(verdict: Verdict) -> int:
    """What ``git bisect run`` is to be told: 0 good, 1 bad, 125 cannot be tested, 128 end here.

    git-bisect(1): 125 skips the revision, above 127 ends the bisection.
    """
    codes = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INFRA: GIT_BISECT_END}
    return codes.get(verdict, GIT_BISECT_SKIP)
