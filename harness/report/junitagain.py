# SPDX-License-Identifier: GPL-2.0-only
"""What is known of a case beside this one run of it: the nights before, and the tries of a bisection.

A run on its own tries nothing twice, and has none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.pipeline.bisect_model import Bisection, Told, Try
from harness.pipeline.model import Case, Cell
from harness.pipeline.night_cases import plan_digest
from harness.pipeline.night_model import Change, Entry, Outcome
from harness.pipeline.standing import Seen, Standing
from harness.report.junitxml import Again
from harness.report.night import standing_words
from harness.report.plaintext import excerpt, line
from harness.verdict import Verdict

_MOST = 10
"""tries that get an element; Jenkins keeps each one whole in build.xml"""
_TEXT = 2_000


@dataclass(frozen=True)
class Known:
    """Beside what a case came to in this run."""

    words: tuple[str, ...] = ()
    """a line each, for standard output: Jenkins' pages do not show the elements"""
    again: tuple[Again, ...] = ()
    """tries of the same that failed"""


Knower = Callable[[Cell, Case], Known]


def nothing_known(_cell: Cell, _case: Case) -> Known:
    """Of a run on its own."""
    return Known()


def knower(entry: Entry, outcome: Outcome, bisection: Bisection | None) -> Knower:
    """Of the cases of *entry*'s run: where they stand after the nights before, and how their tries went."""
    changes = {
        (one.case.kconfig, one.case.kernel, one.case.iface, one.case.workload): one for one in outcome.changes
    }
    inputs = (outcome.tree_fingerprint, outcome.series_digest, plan_digest(entry.plan))

    def known(cell: Cell, case: Case) -> Known:
        change = changes.get((cell.profile or entry.kconfig, cell.kernel, cell.iface, case.name))
        tries = _tries(bisection, cell, case) if bisection else []
        failed = [_of_try(one) for one in tries if one.told is not Told.GOOD]
        stands = _stands(change, inputs) if change else Known()
        return Known(words=(*stands.words, *_tried(tries)), again=(*stands.again, *failed[:_MOST]))

    return known


def _stands(change: Change, inputs: tuple[str, ...]) -> Known:
    """Where it stands; a failure of a night before is a try of what passes now, if the same was tested."""
    failed, good = change.stand.first_bad, change.stand.last_good
    words = standing_words(change.stand)
    if failed is not None and change.verdict is Verdict.FAIL:
        words += f", first in {failed.night}" + (f", last good in {good.night}" if good else "")
    flaky = change.stand.standing is Standing.FLAKY and change.verdict is Verdict.PASS
    same = flaky and failed is not None and failed.inputs == inputs
    return Known((words,), (_of_night(failed),) if failed is not None and same else ())


def _of_night(seen: Seen) -> Again:
    reason = line(seen.reason) or "no reason given"
    text = f"{seen.night}/{seen.run}, with the same tree, series and plan: {reason}"
    return Again(message=f"{line(seen.night)}: {reason}", kind="flaky", text=excerpt(text, _TEXT))


def _tries(bisection: Bisection, cell: Cell, case: Case) -> list[Try]:
    """The tries that *bisection* made of the kernel of *cell* with *case*."""
    hunted = bisection.hunted
    if hunted is None or (hunted.profile, hunted.iface, hunted.case) != (cell.profile, cell.iface, case.name):
        return []
    number = 0 if cell.kernel == "base" else bisection.total
    return [one for one in bisection.tries if one.number == number and one.told is not Told.SKIP]


def _tried(tries: list[Try]) -> tuple[str, ...]:
    if not tries:
        return ()
    failed = sum(one.told is not Told.GOOD for one in tries)
    return (f"tried again by the bisection: failed {failed} times of {len(tries)}",)


def _of_try(one: Try) -> Again:
    report = one.report
    reason = line(one.reason) or "no reason given"
    other = "fails in another way: " if one.told is Told.OTHER else ""
    kind = line(report.title) if report else "tried again"
    text = f"{one.directory}: {other}{reason}" + (f"\n{report.text}" if report else "")
    return Again(message=f"{other}{reason}", kind=kind or "tried again", text=excerpt(text, _TEXT))
