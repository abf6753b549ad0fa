# SPDX-License-Identifier: GPL-2.0-only
"""The fault corpus: its table, what counts as caught, and what the matrix adds up to."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from harness.analysis.model import Analysis, Finding
from harness.console.model import Report
from harness.errors import UserError
from harness.events import Ahead, Event
from harness.memcg.model import Check
from harness.pipeline import faults
from harness.pipeline.bench import Request
from harness.pipeline.corpus import Corpus, Fault, Harmless, load_corpus
from harness.pipeline.faults import (
    Fate,
    Matrix,
    Outcome,
    Trial,
    alone,
    not_in_base,
    outcome_of,
    put_through,
    turned,
)
from harness.pipeline.model import Case, Cell, Run
from harness.pipeline.plan import Plan
from harness.pipeline.run import Surroundings
from harness.pipeline.signs import signs_of
from harness.pipeline.stages import RUN
from harness.report.faults import matrix_answer, render_matrix, write_matrix
from harness.verdict import Verdict

_FAULT = Fault(name="leak", kind="missing uncharge", what="x", seen=("usage-at-rest",), static="gone")
_HARMLESS = Harmless(name="calm", what="x", why="y")
_CHECK = Check(
    name="usage-at-rest", kept=False, measured=9, expected=0, tolerance=1, unit="bytes", terms="1", says="9"
)
_BAD = Case(name="anon", verdict=Verdict.FAIL, reason="usage is 9 bytes above", checks=(_CHECK,))
_GOOD = Case(name="anon", verdict=Verdict.PASS, reason="8 checks kept")


def _cells(kernel: str, case: Case) -> tuple[Cell, ...]:
    name = f"{kernel}-plain-v1"
    return (Cell(name=name, kernel=kernel, iface="v1", profile="plain", verdict=case.verdict, cases=(case,)),)


def _run(verdict: Verdict, cells: tuple[Cell, ...], rules: tuple[str, ...] = ()) -> Run:
    findings = tuple(
        Finding(
            rule=rule, severity="warning", patch=1, file="mm/a.c", line=1, function="f", message="m", why="w"
        )
        for rule in rules
    )
    return Run(
        run="1", verdict=verdict, reason="why", plan="p", started="", cells=cells,
        analysis=Analysis(findings=findings),
    )  # fmt: skip


_BASE = _cells("base", _GOOD)


def test_a_failure_that_the_base_does_not_have_kills() -> None:
    run = _run(Verdict.FAIL, _cells("patched", _BAD), rules=("gone",))
    outcome = outcome_of(_FAULT, run, _BASE, 40.0)
    assert outcome.fate is Fate.KILLED
    assert (outcome.cell, outcome.case) == ("patched-plain-v1", "anon")
    assert outcome.signs == ("usage-at-rest",)
    assert outcome.as_stated
    assert outcome.found == ("gone",)


def test_a_sign_that_the_corpus_does_not_name_is_not_as_stated() -> None:
    fault = msgspec.structs.replace(_FAULT, seen=("limit-kept",))
    outcome = outcome_of(fault, _run(Verdict.FAIL, _cells("patched", _BAD)), _BASE, 1.0)
    assert outcome.fate is Fate.KILLED
    assert not outcome.as_stated


def test_each_run_is_expected_to_take_what_those_of_its_kind_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    run = _run(Verdict.PASS, _BASE)
    monkeypatch.setattr(faults, "_timed", lambda _trial, _name, series: (run, 10.0 if series else 60.0))
    trial = Trial(
        request=Request(plan=Plan(name="p"), plan_path=tmp_path, results=tmp_path, cache=tmp_path, jobs=1),
        directory=tmp_path,
        surroundings=lambda: pytest.fail("no run is made"),
        publish=lambda _matrix: None,
        listener=told.append,
    )
    corpus = Corpus(faults=(_FAULT,), harmless=(_HARMLESS,))
    assert put_through(corpus, trial, 2).finished
    ahead = [event for event in told if isinstance(event, Ahead)]
    assert [(one.stage, one.number, one.total) for one in ahead] == [
        ("base", 1, 4),
        ("base", 2, 4),
        ("patches", 3, 4),
        ("patches", 4, 4),
    ]
    assert [[work.seconds for work in one.in_turn] for one in ahead] == [
        [None] * 4,
        [60.0, None, None],
        [None, None],
        [10.0],
    ]
    assert [one.in_turn[0].task for one in ahead] == [RUN] * 4


def test_what_the_base_does_too_kills_nothing() -> None:
    run = _run(Verdict.FAIL, _cells("patched", _BAD))
    assert outcome_of(_FAULT, run, _cells("base", _BAD), 1.0).fate is Fate.SURVIVED


def test_a_pass_is_a_survivor_or_quiet() -> None:
    run = _run(Verdict.PASS, _cells("patched", _GOOD))
    assert outcome_of(_FAULT, run, _BASE, 1.0).fate is Fate.SURVIVED
    assert outcome_of(_HARMLESS, run, _BASE, 1.0).fate is Fate.QUIET


def test_a_harmless_change_that_fails_is_a_false_alarm() -> None:
    run = _run(Verdict.FAIL, _cells("patched", _BAD))
    assert outcome_of(_HARMLESS, run, _BASE, 1.0).fate is Fate.FALSE_ALARM


def test_what_was_not_judged_is_left_out() -> None:
    infra = Case(name="anon", verdict=Verdict.INFRA, reason="no QEMU")
    assert outcome_of(_FAULT, _run(Verdict.INFRA, _cells("patched", infra)), _BASE, 1.0).fate is Fate.LEFT_OUT


def test_a_kernel_that_does_not_build_is_caught_by_the_build() -> None:
    fault = msgspec.structs.replace(_FAULT, seen=("build",))
    for cells in ((), _cells("patched", _GOOD)):  # the first kernel, or one after the first has passed
        outcome = outcome_of(fault, _run(Verdict.FAIL, cells), _BASE, 1.0)
        assert outcome.fate is Fate.KILLED
        assert outcome.signs == ("build",)
        assert outcome.as_stated


def test_a_failure_in_what_the_base_has_not_had_is_asked_of_the_base_first(tmp_path: Path) -> None:
    run = _run(Verdict.FAIL, _cells("patched", _BAD))
    assert not_in_base(run, _BASE) is None
    skipped = _cells("base", Case(name="anon", verdict=Verdict.SKIP, reason="no time"))
    unknown = not_in_base(run, skipped)
    assert unknown is not None
    request = Request(plan=Plan(name="p", workloads=("x", "anon")), plan_path=tmp_path, results=tmp_path,
                      cache=tmp_path, jobs=1)  # fmt: skip
    trial = Trial(request=request, directory=tmp_path, surroundings=_nobody, publish=print)
    plan = alone(trial, *unknown).request.plan
    assert (plan.matrix, plan.workloads) == ((("plain", "v1"),), ("anon",))


@pytest.mark.parametrize("later", [_GOOD, Case(name="anon", verdict=Verdict.SKIP, reason="no time")])
def test_what_the_base_did_once_it_does(later: Case) -> None:
    base = (*_cells("base", _BAD), *_cells("base", later))
    run = _run(Verdict.FAIL, _cells("patched", _BAD))
    assert not_in_base(run, base) is None
    assert outcome_of(_FAULT, run, base, 40.0).fate is Fate.SURVIVED


def test_each_run_of_the_base_has_its_own_seed_and_beginning(tmp_path: Path) -> None:
    plan = Plan(name="p", workloads=("a", "b", "c", "d"), seed=5)
    request = Request(plan=plan, plan_path=tmp_path, results=tmp_path, cache=tmp_path, jobs=1)
    trial = Trial(request=request, directory=tmp_path, surroundings=_nobody, publish=print)
    plans = [turned(trial, number).request.plan for number in range(3)]
    assert [one.seed for one in plans] == [5, 6, 7]
    assert len({one.workloads for one in plans}) == 3
    assert all(sorted(one.workloads) == ["a", "b", "c", "d"] for one in plans)


def _nobody() -> Surroundings:
    raise AssertionError("nothing is run here")


def test_signs_are_reports_checks_and_the_rest() -> None:
    report = Report(title="WARNING in f", kind="warning", severity="bad")
    note = Report(title="Memory cgroup out of memory", kind="oom", severity="note")
    both = msgspec.structs.replace(_BAD, reports=(report, note))
    assert signs_of(both) == ("console: warning", "usage-at-rest")
    hung = Case(name="anon", verdict=Verdict.FAIL, reason="no end after 99 s", ending="hung")
    assert signs_of(hung) == ("hang",)
    slow = Case(name="anon", verdict=Verdict.BROKEN, reason="too slow, not hung")
    assert signs_of(slow) == ("workload",)
    triple = Case(name="anon", verdict=Verdict.FAIL, reason="because", ending="triple-fault")
    assert signs_of(triple) == ("triple-fault",)
    lied = Case(name="anon", verdict=Verdict.FAIL, reason="worker 1: page 3 generation 1 word 0: 0, wanted 7")
    assert signs_of(lied) == ("workload",)
    boot = Case(name="boot", verdict=Verdict.FAIL, reason="does not boot")
    assert signs_of(boot) == ("boot",)


def _matrix(*fates: Fate) -> Matrix:
    outcomes = tuple(
        Outcome(name=f"n{i}", kind="k", fate=fate, seconds=1.0, reason="[red]r\x1b[0m", static="gone")
        for i, fate in enumerate(fates)
    )
    return Matrix(plan="faults", tree="t", outcomes=outcomes, seconds=2.0, finished=True)


@pytest.mark.parametrize(
    ("fates", "verdict"),
    [
        ((Fate.KILLED, Fate.QUIET), Verdict.PASS),
        ((Fate.KILLED, Fate.SURVIVED), Verdict.FAIL),
        ((Fate.KILLED, Fate.FALSE_ALARM), Verdict.FAIL),
        ((Fate.KILLED, Fate.LEFT_OUT), Verdict.INFRA),
    ],
)
def test_the_matrix_as_a_verdict(fates: tuple[Fate, ...], verdict: Verdict) -> None:
    assert _matrix(*fates).verdict is verdict


def test_a_matrix_that_was_cut_off_is_no_pass() -> None:
    matrix = msgspec.structs.replace(_matrix(Fate.KILLED), finished=False)
    assert matrix.verdict is Verdict.INFRA


def test_the_answer_keeps_the_command_contract(tmp_path: Path) -> None:
    matrix = _matrix(Fate.KILLED, Fate.SURVIVED, Fate.FALSE_ALARM, Fate.QUIET, Fate.LEFT_OUT)
    answer = matrix_answer(matrix, tmp_path)
    assert (answer["killed"], answer["total"]) == (1, 2)
    assert answer["survivors"] == ["n1"]
    assert answer["false_alarms"] == ["n2"]
    assert answer["left_out"] == ["n4"]
    written = msgspec.json.decode(write_matrix(tmp_path, matrix).read_bytes(), type=Matrix)
    assert written == matrix


def test_the_terminal_shows_every_row_and_the_sums(tmp_path: Path) -> None:
    said = io.StringIO()
    render_matrix(_matrix(Fate.KILLED, Fate.SURVIVED, Fate.LEFT_OUT), Console(file=said, width=200))
    text = said.getvalue()
    assert "1 of 2 faults caught" in text
    assert "1 left out" in text
    assert "[red]r" in text, "what a kernel says is no markup"
    assert "\x1b" not in text


_YAML = """faults:
  - {name: leak, class: missing uncharge, what: x, seen: [SIGN]}
harmless:
  - {name: calm, what: x, why: y}
"""


def _corpus(tmp_path: Path, yaml: str, *patches: str) -> Path:
    (tmp_path / "faults.yaml").write_text(yaml)
    for name in patches:
        (tmp_path / f"{name}.patch").write_text("")
    return tmp_path


def test_a_corpus_is_read(tmp_path: Path) -> None:
    yaml = _YAML.replace("SIGN", "usage-at-rest, 'console: lockdep', hang")
    corpus = load_corpus(_corpus(tmp_path, yaml, "leak", "calm"))
    assert [row.name for row in corpus.rows] == ["leak", "calm"]
    assert corpus.faults[0].kind == "missing uncharge"
    assert [row.name for row in corpus.only(["calm"], "--only").rows] == ["calm"]
    with pytest.raises(UserError, match=r"no fault 'leek'; did you mean 'leak'"):
        corpus.only(["leek"], "--only leek")


@pytest.mark.parametrize(
    ("sign", "patches", "message"),
    [
        ("usage-at-rest", ["leak"], r"faults.yaml: 'calm': calm.patch is missing"),
        ("usage-at-breast", ["leak", "calm"], r"'leak': seen: 'usage-at-breast' is no sign"),
        ("", ["leak", "calm"], r"'leak': seen: nothing is no sign"),
    ],
)
def test_a_corpus_that_cannot_be_judged_is_refused(
    tmp_path: Path, sign: str, patches: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_corpus(_corpus(tmp_path, _YAML.replace("SIGN", sign), *patches))


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    yaml = _YAML.replace("SIGN", "hang").replace("calm", "leak")
    with pytest.raises(UserError, match=r"'leak' is there twice"):
        load_corpus(_corpus(tmp_path, yaml, "leak"))
