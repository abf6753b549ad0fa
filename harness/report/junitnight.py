# SPDX-License-Identifier: GPL-2.0-only
"""``junit.xml`` of a night: all its entries in one file, by the names that history has for them.

The runs of the entries have each their own ``junit.xml`` too; a job that reads both counts everything twice.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from harness.errors import UserError
from harness.files import write_whole
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.model import Blame, Run
from harness.pipeline.night_cases import WHOLE
from harness.pipeline.night_model import Entry, Night, Outcome
from harness.report.bisect import read_bisection
from harness.report.junit import NAME, suites_of
from harness.report.junitagain import knower
from harness.report.junitnames import Scope, scope_of_entry
from harness.report.junitxml import Suite, Told, document
from harness.report.night import bisected_words, standing_words
from harness.report.plaintext import line
from harness.report.runfile import read_run
from harness.verdict import Verdict


def write_junit_of_night(directory: Path, night: Night) -> Path:
    """Write *night* as ``junit.xml`` in its *directory*, whole or not at all.

    An entry that has no outcome yet has an ``error`` case ``run``, so that a night that was cut off says so.
    """
    done = {outcome.entry: outcome for outcome in night.outcomes}
    suites = [
        suite
        for entry in night.entries
        for suite in _entry_suites(directory.absolute(), night, entry, done.get(entry.name))
    ]
    path = directory / NAME
    write_whole(path, document(suites, night.seconds))
    return path


def _entry_suites(directory: Path, night: Night, entry: Entry, outcome: Outcome | None) -> list[Suite]:
    scope = scope_of_entry(entry)
    if outcome is None:
        return [_bare(scope, night.started, Verdict.INFRA, "the night did not come to this entry's end")]
    run = _run(directory / outcome.run) if outcome.run else None
    if run is None:
        return [_bare(scope, outcome.started, outcome.verdict, outcome.reason, _beside(outcome))]
    # What befell an entry after its run had its verdict (a base that does not boot, say) is in the outcome.
    run = replace(run, verdict=outcome.verdict, reason=outcome.reason, blames=_blames(run, outcome))
    known = knower(entry, outcome, _bisection(directory, outcome))
    return suites_of(directory / outcome.run, run, scope, known, _beside(outcome))


def _bare(scope: Scope, began: str, verdict: Verdict, reason: str, beside: tuple[str, ...] = ()) -> Suite:
    """An entry without a run to read."""
    headline = line(reason) or verdict.value
    case = Told(
        classname=scope.classname("run"),
        name=scope.name(),
        verdict=Verdict.BROKEN if verdict is Verdict.PASS else verdict,
        headline=headline,
        detail=headline,
        stdout="\n".join((f"{verdict.value}: {headline}", *map(line, beside))),
    )
    return Suite(scope.suite("run", scope.kconfig), [case], timestamp=line(began))


def _beside(outcome: Outcome) -> tuple[str, ...]:
    """How the run itself stands against the nights before, and what its bisection came to."""
    stands = [standing_words(one.stand) for one in outcome.changes if one.case.workload == WHOLE]
    return (*stands, *([bisected_words(outcome)] if outcome.bisected else []))


def _blames(run: Run, outcome: Outcome) -> tuple[Blame, ...]:
    """Those of *run*, and what the bisection found where it has none."""
    found = outcome.bisected
    if found is None or not found.number:
        return run.blames
    of = (found.case.kernel, found.case.iface, found.case.kconfig)
    cells = [cell.name for cell in run.cells if (cell.kernel, cell.iface, cell.profile) == of]
    known = {(one.cell, one.case) for one in run.blames}
    more = (
        Blame(number=found.number, subject=found.subject, case=found.case.workload, cell=cell, steps=())
        for cell in cells
        if (cell, found.case.workload) not in known
    )
    return (*run.blames, *more)


def _run(directory: Path) -> Run | None:
    """None where the run left nothing that can be read."""
    try:
        return read_run(directory)
    except UserError:
        return None


def _bisection(directory: Path, outcome: Outcome) -> Bisection | None:
    if outcome.bisected is None or not outcome.bisected.directory:
        return None
    try:
        return read_bisection(directory / outcome.bisected.directory)
    except UserError:
        return None
