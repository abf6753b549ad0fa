# SPDX-License-Identifier: GPL-2.0-only
"""A case taken apart for ``junit.xml``: what it told itself, its counters, its console. Pure.

Each failure shows once, where it was seen: a workload that a crash cut short is ``skip`` beside the console
that fails. What no aspect accounts for stays with the case itself, so that none of them can hide it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.console.model import Report
from harness.memcg.model import Check
from harness.pipeline.cell import BOOT
from harness.pipeline.judge import cause, told
from harness.pipeline.model import Case
from harness.report.plaintext import line
from harness.verdict import Verdict, gravest

OWN, DRIFT, CONSOLE = "", "drift", "console"
CUT_SHORT = "cut short: see the console case beside it"


@dataclass(frozen=True)
class Aspect:
    """One of the cases that a case is in ``junit.xml``."""

    word: str
    """:data:`OWN`, :data:`DRIFT` or :data:`CONSOLE`"""
    verdict: Verdict
    reason: str
    kind: str = ""
    """what kind of failure, for the ``type``; empty where the verdict says all"""


def aspects(case: Case) -> tuple[Aspect, ...]:
    """The aspects of *case*, itself first. What was not run, and a test of a program, has no other."""
    ran = bool(case.started or bad(case) or case.checks)
    ran = ran or (case.name == BOOT and case.verdict is not Verdict.SKIP)
    if not ran or case.name.count(".") > 1:
        return (Aspect(OWN, case.verdict, case.reason, case.ending),)
    drift = (_drift(case),) if case.samples or case.checks else ()
    others = (*drift, _console(case))
    return (_own(case, others), *others)


def bad(case: Case) -> list[Report]:
    """The reports that fail *case*."""
    return [report for report in case.reports if report.severity != "note"]


def over(case: Case) -> list[Check]:
    """The checks that fail *case*."""
    return [check for check in case.checks if not check.kept]


def _console(case: Case) -> Aspect:
    complaints = bad(case)
    if not complaints:
        notes = f", {len(case.reports)} notes" if case.reports else ""
        return Aspect(CONSOLE, Verdict.PASS, f"console clean{notes}")
    first = cause(complaints)
    return Aspect(CONSOLE, Verdict.FAIL, _and_more([told(first)], len(complaints)), line(first.title))


def _drift(case: Case) -> Aspect:
    failed = over(case)
    if failed:
        said = _and_more([check.says for check in failed], len(failed))
        return Aspect(DRIFT, Verdict.FAIL, said, f"drift: {line(failed[0].name)}")
    if case.checks:
        return Aspect(DRIFT, Verdict.PASS, f"{len(case.checks)} checks kept")
    return Aspect(DRIFT, Verdict.SKIP, CUT_SHORT if bad(case) else f"nothing to check: {case.reason}")


def _own(case: Case, others: Iterable[Aspect]) -> Aspect:
    elsewhere = {one.verdict for one in others}
    own = _told_itself(case, elsewhere)
    if case.verdict in elsewhere | {own.verdict}:
        return own
    return Aspect(OWN, case.verdict, case.reason, case.ending)


def _told_itself(case: Case, elsewhere: set[Verdict]) -> Aspect:
    verdict = gravest(one.verdict for one in case.said) if case.said else Verdict.PASS
    reasons = [one.reason for one in case.said if one.verdict is verdict]
    crashed = any(report.severity == "fatal" for report in case.reports)
    if verdict is not Verdict.FAIL and bad(case) and (reasons or crashed):
        return Aspect(OWN, Verdict.SKIP, "; ".join([CUT_SHORT, *reasons[:1]]))
    if reasons:
        return Aspect(OWN, verdict, _and_more(reasons, len(reasons)), case.ending)
    if case.verdict is Verdict.FAIL and Verdict.FAIL in elsewhere:
        return Aspect(OWN, Verdict.PASS, "ran to its end")
    return Aspect(OWN, case.verdict, case.reason, case.ending)


def _and_more(reasons: list[str], count: int) -> str:
    return reasons[0] + (f" (and {count - 1} more)" if count > 1 else "")
