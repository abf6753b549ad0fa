# SPDX-License-Identifier: GPL-2.0-only
"""The one junit.xml of a night: entries told apart, what stood in nights before, and what was tried again."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import junitparser
import msgspec
import pytest
import xmlschema
from junitparser import xunit2

from harness.errors import InfraError
from harness.pipeline.bisect_model import Bisection, Hunted, Told, Try
from harness.pipeline.model import Case, Run
from harness.pipeline.night import alone, begin
from harness.pipeline.night_cases import plan_digest
from harness.pipeline.night_model import Bisected, CaseName, Change, Entry, Night, Outcome
from harness.pipeline.night_plan import NightPlan
from harness.pipeline.standing import Seen, Stand, Standing
from harness.report.bisect import write_bisection
from harness.report.history import open_history
from harness.report.junitnight import write_junit_of_night
from harness.report.runfile import write_run
from harness.verdict import Verdict
from tests.unit.night_sample import Fake, around, entry, run_of, site
from tests.unit.report_sample import BUG, HOSTILE

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent.parent / "data/junit/jenkins-junit.xsd")
_STARTED = "2026-11-29T02:00:00+00:00"
_NAME = CaseName(
    tree="debian", series="s", plan="p", kconfig="plain", kernel="patched", iface="v1", workload="anon"
)


def _entry(tree: str = "debian", series: str = "x") -> Entry:
    return entry(tree, series=series)


def _night(directory: Path, *done: tuple[Entry, Run | None, Mapping[str, object]]) -> Night:
    """A night with an entry for each of *done*; its run, where there is one, is kept as runs are."""
    outcomes = []
    for one, run, more in done:
        fields: dict[str, object] = {"verdict": Verdict.BROKEN, "reason": "no such tree", **more}
        if run is not None:
            where = directory / one.directory / run.run
            where.mkdir(parents=True)
            write_run(where, run)
            fields |= {
                "verdict": run.verdict,
                "reason": run.reason,
                "run": f"{one.directory}/{run.run}",
                "tree_fingerprint": run.tree_fingerprint,
                "series_digest": run.series_digest,
                **more,
            }
        outcomes.append(Outcome(entry=one.name, started=_STARTED, **fields))  # type: ignore[arg-type]
    return Night(
        run="20261129-020000-night-n",
        name="n",
        plan_path="/n.yaml",
        started=_STARTED,
        entries=tuple(one for one, _run, _more in done),
        outcomes=tuple(outcomes),
    )


def _cases(directory: Path, night: Night) -> dict[tuple[str, str], ET.Element]:
    path = write_junit_of_night(directory, night)
    SCHEMA.validate(path)
    root = ET.parse(path).getroot()  # noqa: S314 -- our own
    names = [suite.get("name") for suite in root]
    assert len(set(names)) == len(names), "Jenkins merges suites of one name"
    cases = [((node.get("classname", ""), node.get("name", "")), node) for node in root.iter("testcase")]
    assert len(dict(cases)) == len(cases), "Jenkins knows a case by class and name"
    return dict(cases)


def test_entries_are_told_apart_by_the_names_of_history(tmp_path: Path) -> None:
    rows = [
        _entry(),
        _entry(series=""),
        msgspec.structs.replace(_entry(), plan_name="long"),
        msgspec.structs.replace(_entry(), kconfig="see"),
        _entry("mainline"),
    ]
    runs = [run_of("r", Verdict.PASS) for _row in rows]
    runs[3] = msgspec.structs.replace(
        runs[3], cells=tuple(msgspec.structs.replace(one, profile="see") for one in runs[3].cells)
    )
    found = _cases(tmp_path, _night(tmp_path, *((row, run, {}) for row, run in zip(rows, runs, strict=True))))
    assert ("memcg.debian.v1.anon", "patched plain s p") in found
    assert ("memcg.debian.v1.anon", "patched plain none p") in found
    assert ("memcg.debian.v1.anon", "base plain s long") in found
    assert ("memcg.debian.v1.anon", "base see s p") in found
    assert ("memcg.mainline.run", "s p plain") in found


def test_what_has_no_run_is_an_error_or_a_skip(tmp_path: Path) -> None:
    night = _night(
        tmp_path,
        (_entry("gone"), None, {}),
        (_entry("late"), None, {"verdict": Verdict.SKIP, "reason": "no time left"}),
        (_entry("spoilt"), None, {"verdict": Verdict.INFRA, "reason": "the disk is full"}),
    )
    night = msgspec.structs.replace(night, entries=(*night.entries, _entry("cut")))
    found = _cases(tmp_path, night)
    ends = {
        classname.split(".")[1]: (node[0].tag, node[0].get("message"))
        for (classname, _), node in found.items()
    }
    assert ends == {
        "gone": ("error", "no such tree"),
        "late": ("skipped", "no time left"),
        "spoilt": ("error", "the disk is full"),
        "cut": ("error", "the night did not come to this entry's end"),
    }


@pytest.mark.parametrize("verdict", [Verdict.INFRA, Verdict.BROKEN])
def test_an_entry_that_ends_with_an_error_after_its_verdict_has_one(tmp_path: Path, verdict: Verdict) -> None:
    run = run_of("r", base=Verdict.FAIL)
    more: dict[str, object] = {"verdict": verdict, "reason": "the base kernel does not boot"}
    found = _cases(tmp_path, _night(tmp_path, (_entry(), run, more)))
    assert found["memcg.debian.run", "s p plain"][0].tag == "error"
    assert found["memcg.debian.v1.anon", "base plain s p"][0].tag == "failure"


def _change(verdict: Verdict, standing: Standing, bad: Seen, good: Seen | None = None) -> Change:
    stand = Stand(standing=standing, failed=2, told=9, first_bad=bad, last_good=good)
    return Change(case=_NAME, verdict=verdict, reason="x", stand=stand)


def _seen(night: str, tree: str = "t1", verdict: Verdict = Verdict.FAIL, reason: str = "usage stays") -> Seen:
    return Seen(
        night=night,
        verdict=verdict,
        reason=reason,
        run=f"e/{night}",
        tree_fingerprint=tree,
        series_digest="d",
        plan_digest=plan_digest(_entry().plan),
    )


def test_a_flaky_case_that_passes_says_when_it_failed(tmp_path: Path) -> None:
    flaky = _change(Verdict.PASS, Standing.FLAKY, _seen("20261127-020000-night-n"))
    night = _night(tmp_path, (_entry(), run_of("r", Verdict.PASS), {"changes": (flaky,)}))
    node = _cases(tmp_path, night)["memcg.debian.v1.anon", "patched plain s p"]
    assert [child.tag for child in node] == ["flakyFailure", "system-out"]
    assert node[0].get("message") == "20261127-020000-night-n: usage stays"
    said = (node.findtext("system-out") or "").splitlines()
    assert said[1] == "flaky, failed in 2 of 9 nights", "Jenkins' pages do not show the element"
    (suite,) = [one for one in xunit2.JUnitXml.fromfile(str(tmp_path / "junit.xml")) if "patched" in one.name]
    (read,) = [one for one in suite if one.classname.endswith("anon")]
    assert isinstance(read, xunit2.TestCase)
    assert read.is_passed
    assert [type(one) for one in read.interim_result] == [xunit2.FlakyFailure]
    assert read.interim_result[0].stack_trace.startswith("20261127-020000-night-n/e/")


def test_a_failure_of_another_tree_is_no_try_of_this_one(tmp_path: Path) -> None:
    flaky = _change(Verdict.PASS, Standing.FLAKY, _seen("20261127-020000-night-n", tree="t0"))
    night = _night(tmp_path, (_entry(), run_of("r", Verdict.PASS), {"changes": (flaky,)}))
    node = _cases(tmp_path, night)["memcg.debian.v1.anon", "patched plain s p"]
    assert [child.tag for child in node] == ["system-out"]
    assert "flaky, failed in 2 of 9 nights" in (node[0].text or "")


def test_a_failure_says_since_when(tmp_path: Path) -> None:
    good = _seen("20261126-020000-night-n", verdict=Verdict.PASS)
    still = _change(Verdict.FAIL, Standing.STILL, _seen("20261127-020000-night-n"), good)
    night = _night(tmp_path, (_entry(), run_of("r", Verdict.FAIL), {"changes": (still,)}))
    node = _cases(tmp_path, night)["memcg.debian.v1.anon", "patched plain s p"]
    assert [child.tag for child in node] == ["failure", "system-out"]
    assert (node.findtext("system-out") or "").splitlines()[1] == (
        "still failing, first in 20261127-020000-night-n, last good in 20261126-020000-night-n"
    )


def _bisection(directory: Path, where: str, *tries: Try) -> Bisected:
    known = Bisection(
        run="b",
        plan=_entry().plan,
        plan_path="/p",
        tree="t",
        tree_origin="t",
        tree_fingerprint="t1",
        series="s",
        series_digest="d",
        subjects=("one", "two"),
        wanted=0.95,
        started="",
        hunted=Hunted(profile="plain", iface="v1", case="anon", signs=()),
        tries=tries,
    )
    (directory / where).mkdir(parents=True)
    write_bisection(directory / where, known)
    return Bisected(
        case=_NAME,
        directory=where,
        finished=True,
        reason="patch 2/2 is the first bad one",
        number=2,
        subject="two",
        confidence=0.97,
    )


def _try(number: int, told: Told, reason: str = "usage stays", **more: object) -> Try:
    return Try(number=number, told=told, reason=reason, seconds=1.0, directory=f"{number:02}-1", **more)  # type: ignore[arg-type]


def test_the_tries_of_a_bisection_are_reruns_of_the_failure(tmp_path: Path) -> None:
    bisected = _bisection(
        tmp_path,
        "debian,s,p,plain/b",
        _try(2, Told.BAD),
        _try(2, Told.OTHER, "WARNING", report=BUG),
        _try(2, Told.GOOD),
        _try(2, Told.SKIP),
        _try(0, Told.GOOD),
        _try(0, Told.OTHER, "drifts"),
        _try(1, Told.BAD),
    )
    night = _night(tmp_path, (_entry(), run_of("r", Verdict.FAIL), {"bisected": bisected}))
    found = _cases(tmp_path, night)
    node = found["memcg.debian.v1.anon", "patched plain s p"]
    assert [child.tag for child in node] == ["failure", "rerunFailure", "rerunFailure", "system-out"]
    assert [child.get("message") for child in node[1:3]] == ["usage stays", "fails in another way: WARNING"]
    assert "invalid opcode" in (node[2].findtext("stackTrace") or "")
    assert "tried again by the bisection: failed 2 times of 3" in (node.findtext("system-out") or "")
    assert "first bad patch: 2 two" in (node[0].text or "")
    base = found["memcg.debian.v1.anon", "base plain s p"]
    assert [child.tag for child in base] == ["flakyFailure", "system-out"], "it passed, and failed as well"
    assert "bisected debian/s/p/plain/patched/v1/anon: patch 2/2" in (
        found["memcg.debian.run", "s p plain"].findtext("system-out") or ""
    )


def test_a_run_or_a_bisection_that_cannot_be_read_leaves_the_outcome(tmp_path: Path) -> None:
    bisected = _bisection(tmp_path, "debian,s,p,plain/b")
    (tmp_path / "debian,s,p,plain/b/bisect.json").write_text("{")
    night = _night(tmp_path, (_entry(), run_of("r", Verdict.FAIL), {"bisected": bisected}))
    assert _cases(tmp_path, night)["memcg.debian.v1.anon", "patched plain s p"][0].tag == "failure"
    (tmp_path / "debian,s,p,plain/r/run.json").write_text("{")
    (node,) = _cases(tmp_path, night).values()
    assert node[0].tag == "failure"


def test_hostile_words_of_another_night_are_bounded(tmp_path: Path) -> None:
    flaky = _change(Verdict.PASS, Standing.FLAKY, _seen("n", reason=HOSTILE + "x" * 1_000_000))
    report = msgspec.structs.replace(BUG, title=HOSTILE, text=HOSTILE + "y" * 100_000)
    tries = [_try(2, Told.BAD, HOSTILE, report=report)] * 20
    bisected = _bisection(tmp_path, "debian,s,p,plain/b", *tries)
    run = run_of("r", Verdict.FAIL)
    both: tuple[tuple[Run, Mapping[str, object]], ...] = (
        (run_of("q", Verdict.PASS), {"changes": (flaky,)}),
        (run, {"bisected": bisected}),
    )
    for value, more in both:
        night = _night(tmp_path, (_entry(), value, more))
        _cases(tmp_path, night)
        text = (tmp_path / "junit.xml").read_text()
        assert len(text) < 100_000
        assert "[[ATTACHMENT|/etc" not in text
        assert "\x1b" not in text


def test_a_night_writes_it_after_each_entry(tmp_path: Path) -> None:
    counts: list[int] = []

    def publish(directory: Path, night: Night) -> None:
        path = write_junit_of_night(directory, night)
        read = junitparser.JUnitXml.fromfile(str(path))
        counts.append(read.errors)

    with alone(tmp_path), open_history(tmp_path, new=True) as history:
        fake = Fake(a=run_of("x"), b=InfraError("no room"))
        made = dataclasses.replace(around(history, fake), publish=publish)
        begin(
            NightPlan(name="n", trees=(), plans=()),
            tmp_path / "n.yaml",
            [entry("a"), entry("b")],
            site(tmp_path),
            made,
        )
    assert counts == [2, 2, 2, 2], "what has no outcome yet, or no run that can be read, is no pass"


def test_a_case_that_names_nothing_is_named(tmp_path: Path) -> None:
    run = run_of("r")
    bare = msgspec.structs.replace(run.cells[0], cases=(Case(name="", verdict=Verdict.PASS, reason=""),))
    run = msgspec.structs.replace(run, cells=(bare,))
    assert ("memcg.debian.v1.unnamed", "base plain s p") in _cases(
        tmp_path, _night(tmp_path, (_entry(), run, {}))
    )
