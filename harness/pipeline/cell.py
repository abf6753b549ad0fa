# SPDX-License-Identifier: GPL-2.0-only
"""One cell: one kernel, one interface, its workloads one after the other, a fresh guest after each death."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from harness.console.detector import find_reports
from harness.console.endings import STILL_TALKS, Ending, ending
from harness.console.markers import by_case
from harness.console.model import Report
from harness.deadline import Deadline
from harness.events import Listener, Task, task
from harness.files import write_whole
from harness.guest.bootfail import lacks
from harness.memcg.invariants import judge
from harness.memcg.stream import read_records, to_jsonl
from harness.pipeline.judge import Evidence, add_up, cause, judge_case, said_of, told
from harness.pipeline.judge_program import Heard, judge_program
from harness.pipeline.life import Attempt, CellJob, Host, Life
from harness.pipeline.model import Case, Cell, Said
from harness.verdict import Verdict, gravest
from harness.workloads.catalogue import Workload
from harness.workloads.program import Program

BOOT = "boot"
"""the case that every cell begins with: the kernel comes up and says nothing bad"""
_ENOUGH = "the run ended with another failure (--fail-fast)"

Guests = Callable[[CellJob, Task, Deadline, threading.Event], Sequence[Life]]
"""has guests take the workloads of a job: :func:`guests_here`, or what asks another machine to"""


def guests_here(
    job: CellJob, progress: Task, deadline: Deadline, cancelled: threading.Event
) -> Sequence[Life]:
    """The guests of *job*, one after the other; their logs are in its directory. InfraError without QEMU."""
    pending = list(job.workloads)
    lives: list[Life] = []
    host = Host(job, progress, deadline, cancelled, lambda attempt, said: _fails(job, attempt, said))
    while not job.ended() and (not lives or (pending and lives[-1].attempts and not cancelled.is_set())):
        # A guest that took no workload at all would not take the next one either.
        log = job.directory / (f"console-{len(lives) + 1}.log" if lives else "console.log")
        lives.append(host.live(log, pending))
    return lives


def run_cell(
    job: CellJob,
    guests: Guests = guests_here,
    *,
    listener: Listener,
    deadline: Deadline,
    cancelled: threading.Event,
) -> Cell:
    """Boot, run every workload, judge. InfraError when no guest can be had; all else is in the Cell.

    Judged is here, wherever the *guests* were: what sources and patches say of a report is known here alone.
    """
    total = sum(map(job.seconds, job.workloads))
    with task(listener, job.name, f"{job.name}: {len(job.workloads)} workloads", total) as progress:
        lives = guests(job, progress, deadline, cancelled)
        cell = _judge_cell(job, lives, cancelled.is_set()) if lives else _never_begun(job)
        progress.outcome = str(cell.verdict)
    return cell


def _judge_cell(job: CellJob, lives: Sequence[Life], interrupted: bool) -> Cell:
    left = job.workloads[sum(len(life.attempts) for life in lives) :]
    heard = [_reports(job, life) for life in lives]
    cases = [_judge_boot(lives, [report for windows in heard for report in windows.get("", ())])]
    for life, windows in zip(lives, heard, strict=True):
        for attempt in life.attempts:
            cases += _judge_attempt(job, attempt, windows.get(attempt.workload.name, ()))
    verdict, why = _why_left(job, cases[0], interrupted)
    cases += [Case(name=workload.name, verdict=verdict, reason=why) for workload in left]
    cases += [Case(name=name, verdict=Verdict.SKIP, reason=reason) for name, reason in job.lacking]
    return Cell(
        name=job.name,
        kernel=job.kernel_name,
        iface=job.iface,
        profile=job.profile,
        verdict=gravest(case.verdict for case in cases),
        cases=tuple(cases),
        console=str(lives[0].log.relative_to(job.directory.parent)),
        boots=len(lives),
        boot_seconds=lives[0].boot_seconds,
    )


def _why_left(job: CellJob, boot: Case, interrupted: bool) -> tuple[Verdict, str]:
    """What becomes of the workloads that no guest was given."""
    if interrupted:
        return Verdict.INFRA, "interrupted"
    if job.ended():
        return Verdict.SKIP, _ENOUGH
    return Verdict.BROKEN, f"no guest to run it in: {boot.reason.partition('; ')[0]}"


def _never_begun(job: CellJob) -> Cell:
    names = (BOOT, *(workload.name for workload in job.workloads))
    return Cell(
        name=job.name,
        kernel=job.kernel_name,
        iface=job.iface,
        profile=job.profile,
        verdict=Verdict.SKIP,
        cases=tuple(Case(name=name, verdict=Verdict.SKIP, reason=_ENOUGH) for name in names),
    )


def _fails(job: CellJob, attempt: Attempt, console: str) -> bool:
    reports = by_case(console, find_reports(console)).get(attempt.workload.name, ())
    return any(case.verdict is Verdict.FAIL for case in _judge_attempt(job, attempt, reports))


def _reports(job: CellJob, life: Life) -> dict[str, tuple[Report, ...]]:
    """What the console of *life* has, explained, by case."""
    return by_case(life.console, tuple(map(job.explain, find_reports(life.console))))


def _judge_boot(lives: Sequence[Life], reports: Sequence[Report]) -> Case:
    """The kernel's way to its first workload, in every guest of the cell."""
    bad = [report for report in reports if report.severity != "note"]
    last = lives[-1]
    end = _end_of_boot(last, bad)
    if bad:
        verdict, reason = Verdict.FAIL, told(cause(bad))
    elif last.failure:
        verdict, reason = Verdict.FAIL, f"{end.says}: {last.failure}" if end else last.failure
    elif last.ssh:
        verdict, reason = Verdict.INFRA, f"the console is clean, but {last.ssh}"
    elif missing := lacks(lives[0].console):
        verdict, reason = Verdict.BROKEN, f"the guest lacks {'; '.join(missing)}"
    else:
        verdict, reason = Verdict.PASS, f"ready after {lives[0].boot_seconds:.1f} s, console clean"
    return Case(
        name=BOOT,
        verdict=verdict,
        reason=reason,
        ending=end.word if end else "",
        seconds=lives[0].boot_seconds,
        reports=tuple(reports),
        said=(Said(verdict=Verdict.BROKEN, reason=last.failure),) if bad and last.failure else (),
    )


def _end_of_boot(life: Life, bad: Sequence[Report]) -> Ending | None:
    """How a guest ended that never became ready; None for one that is only slow, or whose kernel told."""
    failed = life.failed
    if failed is None or bad or (failed.machine.runs and failed.machine.quiet < STILL_TALKS):
        return None
    return ending(life.console, bad, failed.machine)


def _judge_attempt(job: CellJob, attempt: Attempt, reports: Sequence[Report]) -> tuple[Case, ...]:
    if isinstance(attempt.workload, Program):
        return _judge_program(job, attempt.workload, attempt, reports)
    return (_judge_workload(job, attempt.workload, attempt, reports),)


def _judge_program(
    job: CellJob, program: Program, attempt: Attempt, reports: Sequence[Report]
) -> tuple[Case, ...]:
    output = job.directory / f"{program.name}.tap"
    write_whole(output, b"\n".join((*attempt.delivered.lines, b"")))
    heard = Heard(
        delivered=attempt.delivered,
        started=attempt.started,
        reports=tuple(reports),
        after=attempt.after,
        output=str(output.relative_to(job.directory.parent)),
    )
    return judge_program(program, heard, job.version.numbers)


def _judge_workload(job: CellJob, workload: Workload, attempt: Attempt, reports: Sequence[Report]) -> Case:
    stream = read_records(attempt.delivered.lines)
    evidence = Evidence(
        delivered=attempt.delivered,
        stream=stream,
        accounting=judge(stream, job.version, job.load.settle * 1000, moves=workload.moves),
        reports=tuple(reports),
        after=attempt.after,
    )
    verdict, reason = judge_case(workload, evidence)
    samples = job.directory / f"{workload.name}.samples.jsonl"
    write_whole(samples, b"".join(to_jsonl(stream)))
    return Case(
        name=workload.name,
        verdict=verdict,
        reason=reason,
        ending=evidence.end.word if evidence.end else "",
        seconds=attempt.delivered.seconds,
        started=attempt.started,
        checks=evidence.accounting.checks,
        reports=evidence.reports,
        said=said_of(workload, evidence),
        facts=add_up(stream.work),
        samples=str(samples.relative_to(job.directory.parent)),
        drift=str(samples.with_name(f"{workload.name}.drift.svg").relative_to(job.directory.parent))
        if stream.at("run")
        else "",
    )
