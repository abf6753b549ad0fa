# SPDX-License-Identifier: GPL-2.0-only
"""What a run came to and what junit.xml counts are the same, whatever the evidence; names tell all apart."""

from __future__ import annotations

import lzma
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.model import Analysis
from harness.pipeline.judge import weigh, with_findings
from harness.pipeline.model import Case, Cell, Run, Said
from harness.report.junit import suites_of
from harness.report.junitaspects import CONSOLE, CUT_SHORT, DRIFT, OWN, aspects
from harness.report.junitnames import scope_of_run
from harness.report.junitxml import document
from harness.report.runfile import read_run
from harness.verdict import Verdict, gravest
from tests.unit.analysis_sample import UNBALANCED, UNSIGNED
from tests.unit.report_sample import BUG, LEAK, case, cell, check, run

_DATA = Path(__file__).parent.parent / "data/junit"
SCHEMA = xmlschema.XMLSchema(_DATA / "jenkins-junit.xsd")
_WARNING = msgspec.structs.replace(BUG, title="WARNING in f", severity="bad")
_NOTE = msgspec.structs.replace(BUG, title="INFO: x", severity="note")
_CUT = Said(verdict=Verdict.INFRA, reason="memcg-case was cut off: lost")
_WRONG = Said(verdict=Verdict.FAIL, reason="worker 0: page 3 generation 1 word 0: 0, wanted 7")
_IDLE = Said(verdict=Verdict.BROKEN, reason="nothing was exercised: pages at zero")
_CANNOT = Said(verdict=Verdict.SKIP, reason="no swap here")


def _judged(name: str, **more: object) -> Case:
    """A case as pipeline/judge has it: its verdict is the gravest of its evidence."""
    one = case(name, Verdict.PASS, "", "base-v1", **more)
    found = [said.verdict for said in one.said]
    found += [Verdict.FAIL] * (any(report.severity != "note" for report in one.reports))
    found += [Verdict.FAIL] * (any(not value.kept for value in one.checks))
    verdict = gravest(found) if found else Verdict.PASS
    return msgspec.structs.replace(one, verdict=verdict, reason=f"{verdict} of {name}")


_CASES = st.builds(
    _judged,
    st.just("x"),
    reports=st.lists(st.sampled_from([BUG, _WARNING, _NOTE]), max_size=3).map(tuple),
    checks=st.lists(st.sampled_from([LEAK, check("stat-sums")]), max_size=2).map(tuple),
    said=st.lists(st.sampled_from([_CUT, _WRONG, _IDLE, _CANNOT]), max_size=3).map(tuple),
    samples=st.sampled_from(["", "base-v1/x.jsonl"]),
    started=st.sampled_from(["", "2026-11-23T06:15:00+00:00"]),
)
_UNTOLD = st.sampled_from(list(Verdict)).map(lambda verdict: case("x", verdict, "of an older harness"))
_CELLS = st.lists(st.lists(_CASES | _UNTOLD, max_size=3), max_size=4)
_FINDINGS = st.lists(st.sampled_from([UNBALANCED, UNSIGNED]), max_size=2).map(tuple)


def _run(rows: list[list[Case]], findings: tuple[object, ...], fail: bool, ended: bool) -> Run:
    names = ("base-v1", "patched-v1", "base-v2", "patched-v2")
    cells = tuple(
        cell(name, tuple(msgspec.structs.replace(one, name=f"w{at}") for at, one in enumerate(row)))
        for name, row in zip(names, rows, strict=False)
    )
    cells = tuple(
        msgspec.structs.replace(one, verdict=gravest(some.verdict for some in one.cases)) for one in cells
    )
    analysis = Analysis(findings=findings, tools=("checkpatch: 0.32",))  # type: ignore[arg-type]
    whole = run((), analysis=analysis, findings_fail=fail, finished="now" if ended else "")
    weighed, verdict, reason = with_findings(weigh(cells), whole)
    return msgspec.structs.replace(whole, cells=weighed, verdict=verdict, reason=reason)


def _holds(value: Run) -> None:
    """What must hold of every run."""
    text = document(suites_of(Path("/nowhere"), value, scope_of_run(value)), value.seconds)
    root = ET.fromstring(text)  # noqa: S314 -- our own
    SCHEMA.validate(text.decode())
    cases = list(root.iter("testcase"))
    tags = Counter(node[0].tag for node in cases if len(node))
    findings = value.findings_fail and any(one.severity == "error" for one in value.analysis.findings)
    fails = any(one.verdict is Verdict.FAIL for kernel in value.cells for one in kernel.cases)
    assert (tags["failure"] > 0) is (fails or findings or value.verdict is Verdict.FAIL)
    if value.verdict is Verdict.FAIL:
        assert tags["failure"]
    if value.verdict in (Verdict.BROKEN, Verdict.INFRA):
        assert tags["error"]
    if value.verdict in (Verdict.PASS, Verdict.SKIP) and value.finished and value.cells:
        assert not tags["error"] + tags["failure"]
    for name, tag in (("failures", "failure"), ("errors", "error")):
        assert int(root.get(name, "")) == tags[tag]
    assert int(root.get("tests", "")) == len(cases)
    names = Counter((node.get("classname"), node.get("name")) for node in cases)
    assert max(names.values()) == 1, "Jenkins tells cases apart by class and name"
    assert len({suite.get("name") for suite in root}) == len(root), "Jenkins merges suites of one name"


@settings(max_examples=150, deadline=None)
@given(_CELLS, _FINDINGS, st.booleans(), st.booleans())
def test_a_made_up_run_counts_as_it_was_judged(
    rows: list[list[Case]], findings: tuple[object, ...], fail: bool, ended: bool
) -> None:
    _holds(_run(rows, findings, fail, ended))


@pytest.mark.parametrize("name", ["worker-found-wrong", "hung-task"])
def test_a_recorded_run_counts_as_it_was_judged(name: str, tmp_path: Path) -> None:
    """Of the fault corpus, on Linux 6.1."""
    path = tmp_path / "run.json"
    path.write_bytes(lzma.decompress((_DATA / f"{name}.run.json.xz").read_bytes()))
    recorded = read_run(path)
    assert recorded.verdict is Verdict.FAIL
    _holds(recorded)


@given(_CASES | _UNTOLD)
def test_an_aspect_hides_nothing_and_adds_nothing(one: Case) -> None:
    found = [aspect.verdict for aspect in aspects(one)]
    assert one.verdict in found
    assert (Verdict.FAIL in found) is (one.verdict is Verdict.FAIL)
    quiet = one.verdict in (Verdict.PASS, Verdict.SKIP)
    assert not (quiet and {Verdict.FAIL, Verdict.BROKEN, Verdict.INFRA} & set(found))


@given(_CASES, st.sampled_from(list(Verdict)))
def test_a_verdict_that_no_evidence_accounts_for_is_not_lost(one: Case, verdict: Verdict) -> None:
    told = msgspec.structs.replace(one, verdict=verdict)
    assert verdict in [aspect.verdict for aspect in aspects(told)]


def _verdicts(**more: object) -> dict[str, Verdict]:
    return {one.word: one.verdict for one in aspects(_judged("anon", **more))}


def test_a_crash_is_counted_once() -> None:
    assert _verdicts(reports=(BUG,), checks=(), said=(_CUT,)) == {
        OWN: Verdict.SKIP,
        DRIFT: Verdict.SKIP,
        CONSOLE: Verdict.FAIL,
    }
    own, drift, _console = aspects(_judged("anon", reports=(BUG,), checks=(), said=(_CUT,)))
    assert own.reason == f"{CUT_SHORT}; memcg-case was cut off: lost"
    assert drift.reason == CUT_SHORT


def test_each_kind_of_evidence_has_its_own_case() -> None:
    assert _verdicts(reports=(_WARNING,)) == {OWN: Verdict.PASS, DRIFT: Verdict.PASS, CONSOLE: Verdict.FAIL}
    assert _verdicts(checks=(LEAK,)) == {OWN: Verdict.PASS, DRIFT: Verdict.FAIL, CONSOLE: Verdict.PASS}
    assert _verdicts(said=(_WRONG,)) == {OWN: Verdict.FAIL, DRIFT: Verdict.PASS, CONSOLE: Verdict.PASS}
    assert _verdicts(said=(_IDLE,)) == {OWN: Verdict.BROKEN, DRIFT: Verdict.PASS, CONSOLE: Verdict.PASS}
    assert _verdicts(said=(_WRONG,), reports=(_WARNING,), checks=(LEAK,)) == dict.fromkeys(
        (OWN, DRIFT, CONSOLE), Verdict.FAIL
    )


def test_what_was_not_run_is_one_case() -> None:
    left_out = case("anon", Verdict.SKIP, "no time", checks=(), samples="", started="")
    assert [one.word for one in aspects(left_out)] == [OWN]
    boot = Case(name="boot", verdict=Verdict.PASS, reason="ready")
    assert [one.word for one in aspects(boot)] == [OWN, CONSOLE]


def test_a_boot_that_panics_is_told_by_its_console() -> None:
    boot = Case(name="boot", verdict=Verdict.FAIL, reason="panic", reports=(BUG,),
                said=(Said(verdict=Verdict.BROKEN, reason="it never became ready"),))  # fmt: skip
    assert [(one.word, one.verdict) for one in aspects(boot)] == [
        (OWN, Verdict.SKIP),
        (CONSOLE, Verdict.FAIL),
    ]


def test_names_are_the_same_from_night_to_night() -> None:
    """Another stable release, another series' length, other numbers: the names that Jenkins has stay."""

    def names(value: Run) -> set[tuple[str | None, str | None]]:
        root = ET.fromstring(document(suites_of(Path("/x"), value, scope_of_run(value)), 1.0))  # noqa: S314
        return {(node.get("classname"), node.get("name")) for node in root.iter("testcase")}

    first = _run([[_judged("a")], [_judged("a", checks=(LEAK,))]], (UNBALANCED,), True, True)
    moved = msgspec.structs.replace(UNBALANCED, patch=3, line=9)
    later = _run([[_judged("a")], [_judged("a", reports=(BUG,))]], (moved, moved), True, True)
    later = msgspec.structs.replace(later, tree="linux-source-6.1 6.1.200", run="another", series="v2")
    assert names(first) == names(later)


def test_cells_that_differ_in_profile_are_told_apart() -> None:
    cells: tuple[Cell, ...] = tuple(
        msgspec.structs.replace(cell(f"base-{profile}-v1", (_judged("a"),)), kernel="base", iface="v1",
                                profile=profile)
        for profile in ("plain", "see")
    )  # fmt: skip
    _holds(run(cells))
