# SPDX-License-Identifier: GPL-2.0-only
"""From evidence to a verdict: one case, and base held against patched. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from harness.console.model import Report
from harness.memcg.invariants import Accounting
from harness.memcg.record import Stuck, Work
from harness.memcg.stream import CaseStream
from harness.pipeline.judge_ending import Afterwards, End, end_of
from harness.pipeline.model import Case, Cell, Drift, Run, Said
from harness.verdict import Verdict, gravest
from harness.workloads.catalogue import Workload
from harness.workloads.runner import Delivered

_SKIPPED = 77
_BROKE = 2


@dataclass(frozen=True)
class Evidence:
    """All that is known of one case."""

    delivered: Delivered
    stream: CaseStream
    accounting: Accounting
    reports: tuple[Report, ...]
    """console reports that began while it ran"""
    after: Afterwards

    @property
    def end(self) -> End | None:
        """How it was cut short, or its guest was, where that is a finding."""
        whole = self.stream.complete
        return end_of(self.delivered, self.after, self.reports, whole=whole, samples=True)


Finding = tuple[Verdict, str]


def judge_case(workload: Workload, evidence: Evidence) -> Finding:
    """Verdict and one-line reason. The console speaks first: SSH and counters may be its victims."""
    accounting = [(Verdict.FAIL, check.says) for check in evidence.accounting.checks if not check.kept]
    findings = [
        *_console(evidence.reports),
        *_ending(evidence),
        *accounting,
        *_of_workload(workload, evidence),
    ]
    if not findings:
        short = f"; too few samples for {len(evidence.accounting.short)}" if evidence.accounting.short else ""
        return Verdict.PASS, f"{len(evidence.accounting.checks)} checks kept, console clean{short}"
    verdict = gravest(verdict for verdict, _reason in findings)
    reasons = list(dict.fromkeys(reason for found, reason in findings if found is verdict))
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return verdict, reasons[0] + more


def said_of(workload: Workload, evidence: Evidence) -> tuple[Said, ...]:
    """What speaks against the case beside the console and the counters."""
    findings = [*_ending(evidence), *_of_workload(workload, evidence)]
    return tuple(Said(verdict=verdict, reason=reason) for verdict, reason in dict.fromkeys(findings))


def add_up(work: Sequence[Work]) -> dict[str, str]:
    """The workers' facts: numbers summed, the rest as the first worker says it."""
    total: dict[str, str] = {}
    for worker in work:
        for key, value in worker.facts.items():
            if value.isdigit() and total.get(key, "0").isdigit() and key != "seed":
                total[key] = str(int(total.get(key, "0")) + int(value))
            else:
                total.setdefault(key, value)
    return total


def cause(reports: Sequence[Report]) -> Report:
    """Of several reports the one to name: the first that leads to a patch, else the first.

    A section that is never left shows first in whoever schedules or sleeps next, a bystander.
    """
    return next((report for report in reports if report.patches), reports[0])


def told(report: Report) -> str:
    """One line: the title, where and what failed there, and which patch stands behind it."""
    place = f"{report.file}:{report.line}" if report.file and report.line else ""
    words = report.title + (f" at {place}" if place and place not in report.title else "")
    words += f": {report.condition}" if report.condition else ""
    return words + (f"; {report.because}" if report.because else "")


def weigh(cells: Sequence[Cell]) -> tuple[tuple[Cell, ...], Verdict, str]:
    """Hold patched against base: cells with reasons that say who is not to blame, the verdict, why.

    A patched case that fails as the base does (the same reports, the same checks) stays a failure of that
    kernel, but is never laid at the series' door.
    """
    base = base_cases(cells)
    weighed = tuple(_excuse(cell, base) if cell.kernel == "patched" else cell for cell in cells)
    blamed = blamed_cases(weighed, base)
    if blamed:
        cell, case = blamed[0]
        more = f"; {len(blamed) - 1} more cases fail" if len(blamed) > 1 else ""
        known = base.get(like(cell, case))
        against = f"the base: {known.verdict}" if known else "no base was run"
        return weighed, Verdict.FAIL, f"{cell.name} {case.name}: {case.reason}; {against}{more}"
    verdict = gravest(cell.verdict for cell in weighed)
    if verdict is Verdict.PASS:
        count = sum(case.verdict is Verdict.PASS for cell in weighed for case in cell.cases)
        return weighed, verdict, f"{count} cases in {len(weighed)} cells pass"
    for cell in weighed:
        for case in cell.cases:
            if case.verdict is verdict:
                return weighed, verdict, f"{cell.name} {case.name}: {case.reason}"
    return weighed, verdict, "nothing was run"


def with_findings(
    weighed: tuple[tuple[Cell, ...], Verdict, str], run: Run
) -> tuple[tuple[Cell, ...], Verdict, str]:
    """What the cells came to, and what analysis found: errors fail a run where nothing else goes wrong."""
    cells, verdict, reason = weighed
    errors = [one for one in run.analysis.findings if one.severity == "error"]
    if verdict not in (Verdict.PASS, Verdict.SKIP) or not errors or not run.findings_fail:
        return weighed
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    where = f"{first.file}:{first.line}"
    return (
        cells,
        Verdict.FAIL,
        f"patch {first.patch}: {first.rule} at {where}: {first.message}{more}; {reason}",
    )


Likeness = tuple[str, str, str]
"""what a case of the base and one of the patched kernel have in common: profile, interface, name"""


def like(cell: Cell, case: Case) -> Likeness:
    """Under which the case of another kernel is to be held against *case* of *cell*."""
    return (cell.profile, cell.iface, case.name)


def base_cases(cells: Sequence[Cell]) -> dict[Likeness, Case]:
    """The base's cases."""
    return {like(cell, case): case for cell in cells if cell.kernel == "base" for case in cell.cases}


def blamed_cases(cells: Sequence[Cell], base: dict[Likeness, Case]) -> list[tuple[Cell, Case]]:
    """Cases that fail on the patched kernel and do not on the base, or not in that way."""
    return [
        (cell, case)
        for cell in cells
        if cell.kernel == "patched"
        for case in cell.cases
        if case.verdict is Verdict.FAIL and not _known(case, base.get(like(cell, case)))
    ]


def drifts(cells: Sequence[Cell]) -> tuple[Drift, ...]:
    """Every check of every cell that was not kept."""
    return tuple(
        Drift(cell=cell.name, case=case.name, check=check)
        for cell in cells
        for case in cell.cases
        for check in case.checks
        if not check.kept
    )


def _excuse(cell: Cell, base: dict[Likeness, Case]) -> Cell:
    cases = tuple(
        replace(case, reason=f"{case.reason} [the base fails here too: not the series]")
        if case.verdict is Verdict.FAIL and _known(case, base.get(like(cell, case)))
        else case
        for case in cell.cases
    )
    return replace(cell, cases=cases)


def _known(case: Case, base: Case | None) -> bool:
    """True when the *base* fails too, and in every way in which *case* does."""
    return base is not None and base.verdict is Verdict.FAIL and _ways(case) <= _ways(base)


def _ways(case: Case) -> frozenset[str]:
    """In which ways a failed case fails: reports by fingerprint, checks by name, else its end."""
    reports = {report.fingerprint or report.title for report in case.reports if report.severity != "note"}
    checks = {check.name for check in case.checks if not check.kept}
    return frozenset(reports | checks) or frozenset({case.ending or "the workload"})


def _console(reports: Sequence[Report]) -> list[Finding]:
    bad = [report for report in reports if report.severity != "note"]
    if not bad:
        return []
    first = cause(bad)
    return [(Verdict.FAIL, told(report)) for report in (first, *(one for one in bad if one is not first))]


def _ending(evidence: Evidence) -> list[Finding]:
    if end := evidence.end:
        return [(end.verdict, end.reason)]
    if evidence.stream.complete:
        return []
    ended = evidence.delivered.ended
    if ended.exit is not None:
        return [(Verdict.BROKEN, f"memcg-case ended with {ended.exit} before its last word")]
    return [(Verdict.INFRA, f"memcg-case was cut off: {ended.why}")]


def _of_workload(workload: Workload, evidence: Evidence) -> list[Finding]:
    return [
        *_stuck(evidence.stream.stuck),
        *_workers(evidence.stream.work),
        *_test_itself(workload, evidence),
    ]


def _stuck(tasks: Sequence[Stuck]) -> list[Finding]:
    return [(Verdict.FAIL, _does_not_wake(task)) for task in tasks]


def _does_not_wake(task: Stuck) -> str:
    where = f" in {task.where}" if task.where.strip("0") else ""
    return f"a task ({task.name}) does not wake any more: asleep in the kernel{where} after its time was up"


def _workers(work: Sequence[Work]) -> list[Finding]:
    return [finding for worker in work for finding in _worker(worker)]


def _worker(worker: Work) -> list[Finding]:
    who = f"worker {worker.worker}"
    if worker.signal:
        name = signal.Signals(worker.signal).name if worker.signal in set(signal.Signals) else "signal"
        if worker.signal in (signal.SIGKILL, signal.SIGTERM):
            return [(Verdict.BROKEN, f"{who} was ended by {name}: out of memory or out of time")]
        return [(Verdict.FAIL, f"{who} was killed by {name}")]
    if worker.exit == _SKIPPED:
        return [(Verdict.SKIP, worker.facts.get("skip", "the workload cannot run here"))]
    if worker.exit == _BROKE:
        return [(Verdict.BROKEN, f"{who}: {worker.facts.get('error', 'could not do its work')}")]
    if worker.exit:
        errors = worker.facts.get("verify_errors", "some")
        # "failed" is of programs of others; "wrong" is what ours saw first, of data or of an interface
        said = worker.facts.get("failed") or worker.facts.get("wrong")
        return [(Verdict.FAIL, f"{who}: {said or f'{errors} errors, of which it says no more'}")]
    return []


def _test_itself(workload: Workload, evidence: Evidence) -> list[Finding]:
    """What makes a green result worthless: faults of memcg-case, nothing exercised, nothing measured."""
    if not evidence.stream.complete:
        return []
    stream = evidence.stream
    findings = [
        (Verdict.BROKEN, f"{fault.action}: {fault.text} (errno {fault.errno})") for fault in stream.faults
    ]
    if any(worker.exit == _SKIPPED for worker in stream.work):
        return findings
    facts = add_up(stream.work)
    idle = [name for name in workload.did if not facts.get(name, "").isdigit() or int(facts[name]) == 0]
    if idle:
        findings.append((Verdict.BROKEN, f"nothing was exercised: {', '.join(idle)} at zero"))
    findings += [(Verdict.BROKEN, f"not measured: {missing}") for missing in evidence.accounting.missing]
    return findings
