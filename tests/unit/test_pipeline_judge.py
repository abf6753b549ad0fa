# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts: what each piece of evidence does to a case, and base against patched."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from harness.analysis.model import Analysis, Finding
from harness.console.endings import Machine
from harness.console.model import Report
from harness.guest.ssh import Ended
from harness.memcg.invariants import Accounting
from harness.memcg.model import Check
from harness.memcg.record import Begin, End, Fault, Stuck, Work
from harness.memcg.stream import CaseStream, read_records
from harness.pipeline.judge import (
    Evidence,
    add_up,
    base_cases,
    blamed_cases,
    cause,
    drifts,
    judge_case,
    said_of,
    weigh,
    with_findings,
)
from harness.pipeline.judge_ending import Afterwards
from harness.pipeline.model import Case, Cell, Run
from harness.verdict import Verdict
from harness.workloads.catalogue import Workload
from harness.workloads.runner import Delivered
from tests.unit.analysis_sample import IMPLICIT, UNBALANCED

_WORKLOAD = Workload(name="anon", program="anon", share=0.5, dir="/tmp", did=("pages_touched",), why="x")
_BEGIN = Begin(
    iface="v2", group="anon", cpus=2, nodes=2, page_size=4096, limit=1 << 26, seconds=1, workers=1, seed=1
)
_ENDED = Ended(0)
_WELL = Machine(runs=True, answers=True)
_UNHEARD = Machine(runs=True, answers=True, heard=False)
_SILENT = Machine(runs=True, answers=False, quiet=9.0)
_MUTE = Machine(runs=True, answers=False, heard=False, quiet=9.0)
_GONE = Machine(runs=False, answers=False)
_STUCK = Stuck(pid=70, name="oom", where="mem_cgroup_oom", ms=4000.0)
_LATE_FAULT = Fault("workload", 110, "did not end in time and was killed")
_GOOD_WORK = Work(worker=0, exit=0, signal=0, facts={"pages_touched": "12", "seed": "1"})


def _check(kept: bool = True) -> Check:
    return Check(
        name="usage-at-rest", kept=kept, measured=9, expected=0, tolerance=1, unit="bytes",
        terms="1", says="usage stays at 9 bytes",
    )  # fmt: skip


def _stream(*records: object) -> CaseStream:
    return read_records([msgspec.json.encode(record) for record in records])


def _evidence(
    *records: object,
    checks: tuple[Check, ...] = (_check(),),
    missing: tuple[str, ...] = (),
    reports: tuple[Report, ...] = (),
    ended: Ended = _ENDED,
    machine: Machine = _WELL,
    crashed: str = "",
    quiet: float = 60.0,
) -> Evidence:
    return Evidence(
        delivered=Delivered((), ended, 3.0, quiet),
        stream=_stream(_BEGIN, *records),
        accounting=Accounting(checks=checks, missing=missing),
        reports=reports,
        after=Afterwards(machine, crashed=crashed),
    )


def _report(severity: str = "bad") -> Report:
    return Report(title="WARNING in drain_stock", kind="warning", severity=severity)


_END = End(ms=1.0)
_DIED = Ended(None, "guest died")
_LATE = Ended(None, "timed out")


def test_all_is_well() -> None:
    assert judge_case(_WORKLOAD, _evidence(_GOOD_WORK, _END))[0] is Verdict.PASS


@pytest.mark.parametrize(
    ("evidence", "verdict", "reason"),
    [
        (_evidence(_GOOD_WORK, _END, checks=(_check(False),)), Verdict.FAIL, "usage stays"),
        (_evidence(_GOOD_WORK, _END, reports=(_report(),)), Verdict.FAIL, "WARNING in drain_stock"),
        (_evidence(_GOOD_WORK, _END, reports=(_report("note"),)), Verdict.PASS, "checks kept"),
        (_evidence(_GOOD_WORK, _END, missing=("usage-at-rest: gone",)), Verdict.BROKEN, "not measured"),
        (
            _evidence(_GOOD_WORK, ended=Ended(None, "guest died"), machine=_GONE),
            Verdict.FAIL,
            "rebooted without a word",
        ),
        (
            _evidence(
                _GOOD_WORK, ended=Ended(None, "guest died"), machine=_GONE, crashed="QEMU ended with -9"
            ),
            Verdict.INFRA,
            "QEMU ended with -9",
        ),
        (_evidence(_GOOD_WORK, ended=Ended(None, "timed out")), Verdict.FAIL, "still answers"),
        (
            _evidence(_GOOD_WORK, ended=Ended(None, "timed out"), machine=_SILENT),
            Verdict.FAIL,
            "hung: neither console nor SSH",
        ),
        (_evidence(_GOOD_WORK, ended=Ended(None, "timed out"), quiet=0.3), Verdict.BROKEN, "not hung"),
        (
            _evidence(_GOOD_WORK, ended=Ended(None, "timed out"), quiet=0.3, machine=_SILENT),
            Verdict.FAIL,
            "hung: neither console nor SSH",
        ),
        (_evidence(_GOOD_WORK, ended=Ended(None, "connection lost")), Verdict.INFRA, "cut off"),
        (_evidence(_GOOD_WORK, ended=Ended(127)), Verdict.BROKEN, "ended with 127"),
        (_evidence(Work(0, 1, 0, {"verify_errors": "3"}), _END), Verdict.FAIL, "worker 0: 3 errors"),
        (
            _evidence(
                Work(0, 1, 0, {"verify_errors": "3", "wrong": "usage is 2 at rest, the limit 1"}), _END
            ),
            Verdict.FAIL,
            "worker 0: usage is 2 at rest, the limit 1",
        ),
        (_evidence(Work(0, 2, 0, {"error": "no room"}), _END), Verdict.BROKEN, "no room"),
        (_evidence(Work(0, 77, 0, {"skip": "no shmat"}), _END), Verdict.SKIP, "no shmat"),
        (_evidence(Work(0, -1, 9, {"pages_touched": "1"}), _END), Verdict.BROKEN, "SIGKILL"),
        (_evidence(Work(0, -1, 11, {"pages_touched": "1"}), _END), Verdict.FAIL, "SIGSEGV"),
        (_evidence(Work(0, -1, 9, {}), _STUCK, _LATE_FAULT, _END), Verdict.FAIL, "in mem_cgroup_oom after"),
        (_evidence(Work(0, 0, 0, {"pages_touched": "0"}), _END), Verdict.BROKEN, "nothing was exercised"),
        (_evidence(_END), Verdict.BROKEN, "nothing was exercised"),
        (_evidence(_GOOD_WORK, Fault("mkdir", 13, "no"), _END), Verdict.BROKEN, "mkdir: no (errno 13)"),
    ],
)
def test_each_piece_of_evidence(evidence: Evidence, verdict: Verdict, reason: str) -> None:
    found, why = judge_case(_WORKLOAD, evidence)
    assert found is verdict
    assert reason in why


@pytest.mark.parametrize(
    ("evidence", "word"),
    [
        (_evidence(_GOOD_WORK, _END), ""),
        (_evidence(_GOOD_WORK, _END, machine=_UNHEARD), "console-lost"),
        (_evidence(_GOOD_WORK, _END, machine=_MUTE), ""),
        (_evidence(_GOOD_WORK, ended=_LATE, machine=_UNHEARD, quiet=0.3), "console-lost"),
        (_evidence(_GOOD_WORK, ended=_LATE), "hung"),
        (_evidence(_GOOD_WORK, ended=_LATE, machine=_SILENT), "hung"),
        (_evidence(_GOOD_WORK, ended=_LATE, quiet=0.3), ""),
        (_evidence(_GOOD_WORK, ended=_DIED, machine=_GONE), "rebooted"),
        (_evidence(_GOOD_WORK, ended=_DIED, machine=_GONE, crashed="QEMU ended with -9"), ""),
        (_evidence(_GOOD_WORK, ended=_DIED, machine=_GONE, reports=(_report("fatal"),)), ""),
        (_evidence(_GOOD_WORK, ended=Ended(None, "connection lost"), machine=_SILENT), ""),
    ],
)
def test_an_end_has_a_word(evidence: Evidence, word: str) -> None:
    assert (evidence.end.word if evidence.end else "") == word


def test_a_lost_console_makes_no_pass() -> None:
    """What the kernel may have said by then, nobody heard."""
    verdict, reason = judge_case(_WORKLOAD, _evidence(_GOOD_WORK, _END, machine=_UNHEARD))
    assert verdict is Verdict.FAIL
    assert reason == "the console was lost: SSH still answers, but nothing more came"


def test_a_report_that_tells_of_the_end_is_the_only_reason() -> None:
    evidence = _evidence(_GOOD_WORK, ended=_DIED, machine=_GONE, reports=(_report("fatal"),))
    assert judge_case(_WORKLOAD, evidence) == (Verdict.FAIL, "WARNING in drain_stock")


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (_evidence(_GOOD_WORK, _END, checks=(_check(False),), reports=(_report(),)), []),
        (_evidence(Work(0, 0, 11, {}), _END, reports=(_report(),)), [Verdict.FAIL, Verdict.BROKEN]),
        (_evidence(_GOOD_WORK, ended=_DIED, machine=_GONE, reports=(_report("fatal"),)), [Verdict.INFRA]),
        (_evidence(_GOOD_WORK, _END, missing=("x", "x")), [Verdict.BROKEN]),
    ],
)
def test_what_is_neither_console_nor_counters_is_kept_apart(evidence: Evidence, said: list[Verdict]) -> None:
    """Also what the verdict does not come from, so that a report can tell which of them saw it."""
    assert [one.verdict for one in said_of(_WORKLOAD, evidence)] == said


def test_the_console_speaks_before_a_lost_connection() -> None:
    evidence = _evidence(
        _GOOD_WORK, reports=(_report("fatal"),), ended=Ended(None, "connection lost"), machine=_SILENT
    )
    assert judge_case(_WORKLOAD, evidence) == (Verdict.FAIL, "WARNING in drain_stock")


def test_facts_add_up_but_a_seed_does_not() -> None:
    total = add_up([_GOOD_WORK, Work(1, 0, 0, {"pages_touched": "30", "seed": "1", "note": "x"})])
    assert total == {"pages_touched": "42", "seed": "1", "note": "x"}


def _cell(kernel: str, verdict: Verdict, checks: tuple[Check, ...] = ()) -> Cell:
    case = Case(name="anon", verdict=verdict, reason="because", checks=checks)
    return Cell(name=f"{kernel}-v1", kernel=kernel, iface="v1", verdict=verdict, cases=(case,))


def test_a_failure_that_the_base_does_not_have_is_blamed() -> None:
    cells, verdict, reason = weigh([_cell("base", Verdict.PASS), _cell("patched", Verdict.FAIL)])
    assert verdict is Verdict.FAIL
    assert reason == "patched-v1 anon: because; the base: pass"
    assert len(blamed_cases(cells, base_cases(cells))) == 1


def test_a_failure_of_the_base_is_never_blamed_on_the_patch() -> None:
    cells, verdict, _reason = weigh([_cell("base", Verdict.FAIL), _cell("patched", Verdict.FAIL)])
    assert verdict is Verdict.FAIL  # a kernel failed; the run is not green
    assert "not the series" in cells[1].cases[0].reason
    assert blamed_cases(cells, base_cases(cells)) == []


def test_a_base_that_fails_in_another_way_excuses_nobody() -> None:
    """A crash is not made good by a counter that drifts without the series too."""
    base = _cell("base", Verdict.FAIL, (_check(False),))
    patched = _cell("patched", Verdict.FAIL, (_check(False),))
    assert blamed_cases([base, patched], base_cases([base, patched])) == []
    (case,) = patched.cases
    crashed = replace(patched, cases=(replace(case, reports=(_report("fatal"),)),))
    cells, _verdict, reason = weigh([base, crashed])
    assert "not the series" not in cells[1].cases[0].reason
    assert reason.startswith("patched-v1 anon: because; the base: fail")
    wrong_data = _cell("patched", Verdict.FAIL)
    assert len(blamed_cases([base, wrong_data], base_cases([base, wrong_data]))) == 1


def test_a_base_that_ended_in_another_way_excuses_nobody() -> None:
    (hung,), (rebooted,) = _cell("base", Verdict.FAIL).cases, _cell("patched", Verdict.FAIL).cases
    base = replace(_cell("base", Verdict.FAIL), cases=(replace(hung, ending="hung"),))
    patched = replace(_cell("patched", Verdict.FAIL), cases=(replace(rebooted, ending="rebooted"),))
    assert len(blamed_cases([base, patched], base_cases([base, patched]))) == 1
    same = replace(patched, cases=(replace(rebooted, ending="hung"),))
    assert blamed_cases([base, same], base_cases([base, same])) == []


def test_of_several_reports_the_one_that_leads_to_a_patch_is_named() -> None:
    bystander = _report("bad")
    lead = replace(_report("bad"), title="WARNING: lock held", patches=(4,), because="patch 4 changed a")
    assert cause([bystander, lead]) is lead
    assert cause([bystander]) is bystander
    verdict, reason = judge_case(_WORKLOAD, _evidence(_GOOD_WORK, _END, reports=(bystander, lead)))
    assert verdict is Verdict.FAIL
    assert reason == "WARNING: lock held; patch 4 changed a (and 1 more)"


def test_a_base_that_broke_excuses_nobody() -> None:
    """The base gave no result, so it does not say that the failure is older than the series."""
    cells, _verdict, reason = weigh([_cell("base", Verdict.BROKEN), _cell("patched", Verdict.FAIL)])
    assert len(blamed_cases(cells, base_cases(cells))) == 1
    assert "base" in reason


def test_only_a_whole_run_passes() -> None:
    assert weigh([_cell("base", Verdict.PASS), _cell("patched", Verdict.PASS)])[1] is Verdict.PASS
    assert weigh([_cell("base", Verdict.INFRA), _cell("patched", Verdict.PASS)])[1] is Verdict.INFRA
    assert weigh([])[1] is Verdict.BROKEN


def test_drift_lists_what_was_not_kept() -> None:
    cell = _cell("patched", Verdict.FAIL, (_check(), _check(False)))
    assert [drift.check.kept for drift in drifts([cell])] == [False]
    assert drifts([replace(cell, cases=())]) == ()


@pytest.mark.parametrize(
    ("findings", "fails", "cells", "verdict"),
    [
        ((UNBALANCED, IMPLICIT), True, Verdict.PASS, Verdict.FAIL),
        ((UNBALANCED,), False, Verdict.PASS, Verdict.PASS),  # only to be reported
        ((IMPLICIT,), True, Verdict.PASS, Verdict.PASS),  # a warning fails nothing
        ((), True, Verdict.PASS, Verdict.PASS),
        ((UNBALANCED,), True, Verdict.INFRA, Verdict.INFRA),  # what the guests came to is not hidden
    ],
)
def test_an_error_of_analysis_fails_a_run_that_passed(
    findings: tuple[Finding, ...], fails: bool, cells: Verdict, verdict: Verdict
) -> None:
    run = Run(
        run="r",
        verdict=Verdict.BROKEN,
        reason="",
        plan="p",
        started="",
        analysis=Analysis(findings=findings),
        findings_fail=fails,
    )
    weighed = weigh([_cell("base", Verdict.PASS), _cell("patched", cells)])
    _cells, got, reason = with_findings(weighed, run)
    assert got is verdict
    assert ("unbalanced-section at mm/memcontrol.c:120" in reason) == (verdict is Verdict.FAIL)


def test_an_error_of_analysis_fails_a_run_that_could_run_nothing() -> None:
    """A tree too old for the interface skips every cell: exit 0 would hide what was found."""
    run = Run(run="r", verdict=Verdict.BROKEN, reason="", plan="p", started="",
              analysis=Analysis(findings=(UNBALANCED,)))  # fmt: skip
    weighed = weigh([_cell("base", Verdict.SKIP), _cell("patched", Verdict.SKIP)])
    assert weighed[1] is Verdict.SKIP
    assert with_findings(weighed, run)[1] is Verdict.FAIL
