# SPDX-License-Identifier: GPL-2.0-only
"""``junit.xml``, written for the reader that Jenkins has (junit plugin, ``SuiteResult``, ``CaseResult``).

One suite is one cell, so that what the base kernel does is never counted against the patched one.
The tests hold it against a schema of what that reader and Jenkins' xunit plugin take.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import junit_xml

from harness.files import write_whole
from harness.pipeline.model import Case, Cell, Run
from harness.report import junitnames, junittext
from harness.report.junitfindings import findings_suite
from harness.report.plaintext import line
from harness.report.runfile import cut_off
from harness.verdict import Verdict

NAME = "junit.xml"
_HARNESS_SUITE = "memcg-harness"
_QUIET = (Verdict.PASS, Verdict.SKIP)
_COUNTS = ("tests", "failures", "errors")


def write_junit(directory: Path, run: Run) -> Path:
    """Write *run* as ``junit.xml`` in *directory*, whole or not at all; every text made printable.

    Attachments are named by absolute paths below *directory*. A run that was cut off, or that has no
    results, has an ``error`` case ``run``: Jenkins takes a file without cases for nothing at all.
    """
    path = directory / NAME
    write_whole(path, document(directory.absolute(), run))
    return path


def document(directory: Path, run: Run) -> bytes:
    """The document, UTF-8."""
    suites = [_cell_suite(directory, run, cell) for cell in run.cells]
    if run.analysis.tools:  # it was made: each tool has its line, also one that is not there
        suites.append(findings_suite(run, run.analysis))
    trouble = _run_trouble(run)
    if trouble:
        suites.insert(0, _harness_suite(run, trouble))
    # junit_xml.to_xml_report_string() is not used: its root carries `disabled`, which the schema of
    # Jenkins' xunit plugin (junit-10.xsd) refuses, and sums of floats like 0.30000000000000004 or
    # 1e-05, which that schema refuses too.
    root = ET.Element("testsuites")
    for suite in suites:
        root.append(_element(suite))
    for name in _COUNTS:
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{run.seconds:.3f}")
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _element(suite: junit_xml.TestSuite) -> ET.Element:
    """What junit-xml makes of *suite*, mended where it cannot be told to do otherwise."""
    element: ET.Element = suite.build_xml_doc()
    # No schema but the Ant task's knows `disabled`, and nobody reads it.
    del element.attrib["disabled"]
    # junit-xml leaves out the time of a case that took none, and prints sums as Python does.
    element.set("time", f"{sum(case.elapsed_sec for case in suite.test_cases):.3f}")
    for node, case in zip(element.iter("testcase"), suite.test_cases, strict=True):
        node.set("time", f"{case.elapsed_sec:.3f}")
    return element


def _cell_suite(directory: Path, run: Run, cell: Cell) -> junit_xml.TestSuite:
    cases = [_case(directory, run, cell, case) for case in cell.cases]
    trouble = _cell_trouble(run, cell)
    if trouble:
        cases.append(_case(directory, run, cell, trouble))
    began = next((case.started for case in cell.cases if case.started), run.started)
    # The start goes on the suite: junit-10.xsd has no timestamp on a case.
    return junit_xml.TestSuite(
        junitnames.suite(run, cell),
        cases,
        hostname=line(run.machine.get("host", "")) or None,
        timestamp=line(began) or None,
        properties=junittext.properties(run, cell),
    )


def _case(directory: Path, run: Run, cell: Cell, case: Case) -> junit_xml.TestCase:
    made = junit_xml.TestCase(
        line(case.name) or "unnamed",
        classname=junitnames.classname(run, cell.name),
        elapsed_sec=max(0.0, case.seconds),
        stdout=junittext.stdout(directory, cell, case),
    )
    headline = junittext.headline(cell, case)
    detail = junittext.detail(directory, run, cell, case)
    _judge(made, case.verdict, headline, detail, junittext.kind(case))
    return made


def _judge(made: junit_xml.TestCase, verdict: Verdict, headline: str, detail: str, kind: str) -> None:
    """One element at most: Jenkins lets ``skipped`` hide a failure, and ``error`` hide ``failure``.

    *headline* is never empty: junit-xml drops a failure without message and text, making it a pass.
    """
    if verdict is Verdict.FAIL:
        made.add_failure_info(headline, detail, kind)
    elif verdict is Verdict.SKIP:
        made.add_skipped_info(headline)
    elif verdict is not Verdict.PASS:
        made.add_error_info(headline, detail, kind)


def _cell_trouble(run: Run, cell: Cell) -> Case | None:
    """A case ``guest`` for what befell the cell and shows in none of its cases (it did not boot, …)."""
    if not cell.cases:
        verdict = Verdict.BROKEN if cell.verdict is Verdict.PASS else cell.verdict
        because = f": {run.reason}" if run.reason and cell.verdict is run.verdict else ""
        return Case(name="guest", verdict=verdict, reason=f"no case ran on {cell.name}{because}")
    if cell.verdict in _QUIET or cell.verdict in {case.verdict for case in cell.cases}:
        return None
    return Case(name="guest", verdict=cell.verdict, reason=run.reason)


def _run_trouble(run: Run) -> Case | None:
    """A case ``run`` for what befell the run and shows in none of its cells."""
    if cut_off(run):
        reason = "the run was cut off before it ended; what is reported is true, but not all"
        return Case(name="run", verdict=Verdict.INFRA, reason=reason)
    if not run.cells:
        verdict = Verdict.BROKEN if run.verdict is Verdict.PASS else run.verdict
        return Case(name="run", verdict=verdict, reason=run.reason or "the run has no results")
    if run.verdict in _QUIET or run.verdict in {cell.verdict for cell in run.cells}:
        return None
    return Case(name="run", verdict=run.verdict, reason=run.reason)


def _harness_suite(run: Run, trouble: Case) -> junit_xml.TestSuite:
    made = junit_xml.TestCase("run", classname=junitnames.classname(run, "harness"), elapsed_sec=run.seconds)
    headline = line(trouble.reason) or trouble.verdict.value
    detail = f"{headline}\n\n{junittext.repeat(run)}"
    _judge(made, trouble.verdict, headline, detail, "cut off" if cut_off(run) else trouble.verdict.value)
    return junit_xml.TestSuite(
        _HARNESS_SUITE,
        [made],
        hostname=line(run.machine.get("host", "")) or None,
        timestamp=line(run.started) or None,
        properties=junittext.properties(run, None),
    )
