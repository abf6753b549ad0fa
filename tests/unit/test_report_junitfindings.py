# SPDX-License-Identifier: GPL-2.0-only
"""Findings as JUnit cases: against the schema, against another reader, and what fails."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import junitparser
import msgspec
import pytest
import xmlschema

from harness.analysis.model import Analysis
from harness.report.junitfindings import findings_suite
from harness.report.junitnames import scope_of_run
from harness.report.junitxml import document
from tests.unit.analysis_sample import FILE, IMPLICIT, UNBALANCED, UNSIGNED, analysis, hostile_analysis
from tests.unit.report_sample import green

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent.parent / "data/junit/jenkins-junit.xsd")


def suite(value: Analysis, *, fail: bool = True) -> ET.Element:
    run = msgspec.structs.replace(green(), findings_fail=fail)
    (element,) = ET.fromstring(document([findings_suite(run, value, scope_of_run(run))], 1.0))  # noqa: S314
    return element


def case(value: Analysis, name: str) -> ET.Element:
    (node,) = suite(value).findall(f"testcase[@name='{name}']")
    return node


@pytest.mark.parametrize(
    ("value", "failures"),
    [(analysis(), 1), (hostile_analysis(), 1), (Analysis(), 0)],
    ids=["full", "hostile", "empty"],
)
def test_schema_and_second_reader(tmp_path: Path, value: Analysis, failures: int) -> None:
    path = tmp_path / "junit.xml"
    path.write_bytes(document([findings_suite(green(), value, scope_of_run(green()))], 1.0))
    SCHEMA.validate(path)
    (read,) = junitparser.JUnitXml.fromfile(str(path))
    found = [type(result) for node in read for result in node.result]
    assert found.count(junitparser.Failure) == failures
    assert path.stat().st_size < 400_000


def test_an_error_fails_its_case_with_line_and_path() -> None:
    failure = case(analysis(), f"{FILE} default").find("failure")
    assert failure is not None
    assert failure.get("message") == f"{FILE}:120: returns with rcu_read_lock() held"
    assert failure.get("type") == "unbalanced-section"
    for part in (
        "patch 2: memcg: charge twice",
        f"{FILE}:120: error: returns with rcu_read_lock() held [unbalanced-section; harness, sparse]",
        ">   120 \t\treturn 0;",
        f"{FILE}:116: rcu_read_lock() is taken here",
        "holds up every grace period",
    ):
        assert part in (failure.text or "")


def test_warnings_and_notes_fail_nothing_and_are_said() -> None:
    for name, said in (
        (f"{IMPLICIT.file} default", "warning: 0 where a pointer is meant"),
        (
            "series as a whole default",
            "note: Missing Signed-off-by: line(s) [checkpatch/MISSING_SIGN_OFF; checkpatch]",
        ),
    ):
        node = case(analysis(), name)
        assert [child.tag for child in node] == ["system-out"]
        assert said in (node.findtext("system-out") or "")


def test_nothing_found_is_a_case_that_passes() -> None:
    (node,) = suite(Analysis()).findall("testcase")
    assert node.get("name") == "findings default"
    assert [child.tag for child in node] == ["system-out"]


def test_names_are_the_same_when_lines_move_and_findings_are_more() -> None:
    moved = msgspec.structs.replace(UNBALANCED, patch=3, line=700, message="another", fingerprint="ff")
    before = suite(Analysis(findings=(UNBALANCED,)))
    after = suite(Analysis(findings=(moved, moved)))
    names = [
        [(node.get("classname"), node.get("name")) for node in one.iter("testcase")]
        for one in (before, after)
    ]
    assert names[0] == names[1] == [("memcg.v6_1.findings", f"{FILE} default")]
    assert before.get("name") == after.get("name") == "memcg.v6_1 findings default (static analysis)"


def test_findings_that_are_only_reported_fail_nothing() -> None:
    found = suite(analysis(), fail=False)
    assert not found.findall("testcase/failure")
    assert "returns with rcu_read_lock() held" in "".join(found.itertext())


def test_the_bound_hides_no_failure() -> None:
    notes = tuple(msgspec.structs.replace(UNSIGNED, file=f"mm/{number}.c") for number in range(600))
    found = suite(Analysis(findings=(*notes, UNBALANCED)))
    assert len(found.findall("testcase")) == 500
    assert len(found.findall("testcase/failure")) == 1
