# SPDX-License-Identifier: GPL-2.0-only
"""Suites and cases as XML, for the reader that Jenkins has (junit plugin, ``SuiteResult``, ``CaseResult``).

The tests hold it against a schema of what that reader and Jenkins' xunit plugin take. junit-xml makes the
elements; what it cannot be told to do otherwise is mended here. Texts have to be clean already (plaintext).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import junit_xml

from harness.verdict import Verdict

_COUNTS = ("tests", "failures", "errors")


@dataclass(frozen=True)
class Again:
    """Another try of a case, with the same kernel, that failed."""

    message: str
    kind: str
    text: str


@dataclass(frozen=True)
class Told:
    """One ``<testcase>``."""

    classname: str
    name: str
    verdict: Verdict
    headline: str
    """never empty: junit-xml drops a failure without message and text, making it a pass"""
    kind: str = ""
    detail: str = ""
    seconds: float = 0.0
    stdout: str = ""
    again: tuple[Again, ...] = ()


@dataclass(frozen=True)
class Suite:
    """One ``<testsuite>``; without cases it is not written, since Jenkins would not show it."""

    name: str
    cases: Sequence[Told]
    hostname: str = ""
    timestamp: str = ""
    """on the suite: the xunit plugin's schema has none on a case"""
    properties: Mapping[str, str] = field(default_factory=dict)


def document(suites: Sequence[Suite], seconds: float) -> bytes:
    """The document, UTF-8; *seconds* is how long all of it took.

    junit_xml.to_xml_report_string() is not used: its root carries `disabled`, which the schema of Jenkins'
    xunit plugin (junit-10.xsd) refuses, and sums of floats like 0.30000000000000004 or 1e-05, refused too.
    """
    root = ET.Element("testsuites")
    for suite in suites:
        if suite.cases:
            root.append(_suite(suite))
    for name in _COUNTS:
        root.set(name, str(sum(int(one.get(name, "0")) for one in root)))
    root.set("time", f"{seconds:.3f}")
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _suite(suite: Suite) -> ET.Element:
    made = junit_xml.TestSuite(
        suite.name,
        [_case(one) for one in suite.cases],
        hostname=suite.hostname or None,
        timestamp=suite.timestamp or None,
        properties=dict(suite.properties),
    )
    element: ET.Element = made.build_xml_doc()
    # No schema but the Ant task's knows `disabled`, and nobody reads it.
    del element.attrib["disabled"]
    # junit-xml leaves out the time of a case that took none, and prints sums as Python does.
    element.set("time", f"{sum(one.seconds for one in suite.cases):.3f}")
    for node, one in zip(element.iter("testcase"), suite.cases, strict=True):
        node.set("time", f"{one.seconds:.3f}")
        _tried_again(node, one)
    return element


def _case(one: Told) -> junit_xml.TestCase:
    """One result at most: Jenkins lets ``skipped`` hide a failure, and ``error`` hide ``failure``."""
    made = junit_xml.TestCase(one.name, classname=one.classname, elapsed_sec=one.seconds, stdout=one.stdout)
    kind = one.kind or one.verdict.value
    if one.verdict is Verdict.FAIL:
        made.add_failure_info(one.headline, one.detail, kind)
    elif one.verdict is Verdict.SKIP:
        made.add_skipped_info(one.headline)
    elif one.verdict is not Verdict.PASS:
        made.add_error_info(one.headline, one.detail, kind)
    return made


def _tried_again(node: ET.Element, one: Told) -> None:
    """Surefire's elements, for which junit-xml has no word: ``flakyFailure`` of a case that passes all the
    same, ``rerunFailure`` of one that fails. A case of any other verdict has none.
    """
    tags = {Verdict.PASS: "flakyFailure", Verdict.FAIL: "rerunFailure"}
    if one.verdict not in tags:
        return
    at = 1 if one.verdict is Verdict.FAIL else 0
    for number, again in enumerate(one.again):
        element = ET.Element(tags[one.verdict], {"message": again.message, "type": again.kind})
        ET.SubElement(element, "stackTrace").text = again.text
        node.insert(at + number, element)
