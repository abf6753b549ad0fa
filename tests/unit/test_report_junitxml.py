# SPDX-License-Identifier: GPL-2.0-only
"""What junit-xml 1.9 does that would lose or spoil a result, and that ours does not."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import junit_xml
import msgspec
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.pipeline.model import Case, Said
from harness.report.junit import suites_of
from harness.report.junitnames import scope_of_run
from harness.report.junittext import attached
from harness.report.junitxml import Again, Suite, Told, document
from harness.verdict import Verdict
from tests.unit.report_sample import BUG, LEAK, STARTED, case, cell, red, run

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent.parent / "data/junit/jenkins-junit.xsd")
_ANY = st.text(max_size=60) | st.sampled_from(
    ["\udc80", "\ud800", "\ufffe", "\x00", "]]>", "\x1b[0m", "\u2028"]
)


def _one(text: bytes) -> ET.Element:
    (node,) = ET.fromstring(text).iter("testcase")  # noqa: S314 -- our own
    return node


def _document(**told: object) -> bytes:
    fields: dict[str, object] = {"classname": "memcg.v6_1.run", "name": "n", "headline": "h", **told}
    return document([Suite("s", [Told(**fields)])], 1.0)  # type: ignore[arg-type]


def test_the_library_drops_a_failure_without_words() -> None:
    """So a headline is never empty."""
    mute = junit_xml.TestCase("x")
    mute.add_failure_info("", "")
    (node,) = junit_xml.TestSuite("s", [mute]).build_xml_doc().iter("testcase")
    assert not list(node)
    silent = case("anon", Verdict.FAIL, reports=(msgspec.structs.replace(BUG, title="", file="", text=""),))
    silent = msgspec.structs.replace(silent, reason="", said=(Said(verdict=Verdict.FAIL, reason=""),))
    value = run((cell("patched-v1", (silent,), Verdict.FAIL),), Verdict.FAIL)
    root = ET.fromstring(document(suites_of(Path("/x"), value, scope_of_run(value)), 1.0))  # noqa: S314
    assert len(root.findall(".//failure")) == 2


@settings(max_examples=40, deadline=None)
@given(_ANY, _ANY, _ANY)
def test_whatever_a_kernel_says_is_xml(first: str, second: str, third: str) -> None:
    """Lone surrogates and U+FFFE make the library raise, or write what no reader takes."""
    report = msgspec.structs.replace(BUG, title=first, condition=second, because=third, text=first + second)
    check = msgspec.structs.replace(LEAK, name=first, says=second, terms=third)
    said = (Said(verdict=Verdict.FAIL, reason=first),)
    one = Case(
        name=second,
        verdict=Verdict.FAIL,
        reason=third,
        started=STARTED,
        reports=(report,),
        said=said,
        checks=(check,),
        facts={first: second, "output": third},
        samples=third,
        drift=first,
    )
    where = msgspec.structs.replace(cell("patched-v1", (one,), Verdict.FAIL), console=first, profile=second)
    value = msgspec.structs.replace(red(), cells=(where,), series=first, tree=second, reason=third)
    text = document(suites_of(Path("/nowhere"), value, scope_of_run(value)), 1.0)
    SCHEMA.validate(text.decode())


@pytest.mark.parametrize(
    ("verdict", "tags"),
    [
        (Verdict.PASS, ["flakyFailure", "flakyFailure"]),
        (Verdict.FAIL, ["failure", "rerunFailure", "rerunFailure"]),
        (Verdict.BROKEN, ["error"]),
        (Verdict.SKIP, ["skipped"]),
    ],
)
def test_tries_that_failed_stand_where_jenkins_reads_them(verdict: Verdict, tags: list[str]) -> None:
    again = (Again("first", "k", "text of it"), Again("second", "k", "t"))
    text = _document(verdict=verdict, again=again, stdout="out")
    node = _one(text)
    assert [child.tag for child in node] == [*tags, "system-out"]
    SCHEMA.validate(text.decode())
    if verdict in (Verdict.PASS, Verdict.FAIL):
        assert [child.get("message") for child in node[len(tags) - 2 : len(tags)]] == ["first", "second"]
        assert node[len(tags) - 2].findtext("stackTrace") == "text of it"


def test_a_suite_without_cases_is_not_written() -> None:
    told = Told("memcg.v6_1.run", "n", Verdict.PASS, "h")
    root = ET.fromstring(document([Suite("empty", []), Suite("s", [told])], 0.1 + 0.2))  # noqa: S314
    assert [suite.get("name") for suite in root] == ["s"]
    assert root.get("time") == "0.300"
    assert root[0].get("disabled") is None


def test_attachments_that_jenkins_would_cut_are_left_out() -> None:
    files = [Path(f"/{letter * 150}.svg") for letter in "abcd"]
    lines = attached("text", files, whole=False).splitlines()
    assert lines == ["text", *(f"[[ATTACHMENT|{path}]]" for path in files[2:])], "the last is the best"
    assert len("\n".join(lines[1:])) <= 500
    assert len(attached("text", files).splitlines()) == 5
    assert attached("x", [Path("/a]]b")]) == "x"
