# SPDX-License-Identifier: GPL-2.0-only
"""What static analysis found in a series, as a suite of ``junit.xml`` beside the suites of the cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import junit_xml

from harness.analysis.model import Analysis, Finding
from harness.pipeline.model import Run
from harness.report import junitnames
from harness.report.plaintext import clean, excerpt, line

_CELL = "findings"
_GRAVEST_FIRST = ("error", "warning", "note")
_BEFORE = 3
_MOST = 500
_ONE = 6_000
_DETAIL = 60_000
_STDOUT = 40_000
_STEPS = 20


def findings_suite(run: Run, analysis: Analysis) -> junit_xml.TestSuite:
    """The suite: a case for each patch and file with findings, which fails when one of them is an error.

    Warnings and notes are in the case's standard output and fail nothing. Without findings there is one
    case ``findings``, which passes. Names hold no line and no count, so that Jenkins knows a case again
    in the next build. At most 500 cases are given.
    """
    groups: dict[tuple[int, str], list[Finding]] = {}
    for one in analysis.findings:
        groups.setdefault((one.patch, one.file), []).append(one)
    subjects = {landing.number: landing.subject for landing in run.patches}
    classname = junitnames.classname(run, _CELL)
    # the ones with errors first, so that the bound cannot hide a failure behind notes
    ordered = sorted(groups.items(), key=lambda item: (not _errors(item[1]), item[0]))
    cases = [
        _case(classname, patch, file, subjects.get(patch, ""), found)
        for (patch, file), found in ordered[:_MOST]
    ]
    tools = {f"tool.{index}": line(text) for index, text in enumerate(analysis.tools, 1)}
    return junit_xml.TestSuite(
        f"{classname} (static analysis)",
        cases or [junit_xml.TestCase(_CELL, classname=classname, elapsed_sec=0.0, stdout="no findings")],
        hostname=line(run.machine.get("host", "")) or None,
        timestamp=line(run.started) or None,
        properties=tools,
    )


def _case(
    classname: str, patch: int, file: str, subject: str, found: Sequence[Finding]
) -> junit_xml.TestCase:
    head = f"patch {patch}: {line(subject)}" if subject else f"patch {patch}"
    errors = _errors(found)
    others = [one for one in found if one.severity != "error"]
    made = junit_xml.TestCase(
        f"patch {patch} {line(file) or 'as a whole'}",
        classname=classname,
        elapsed_sec=0.0,
        stdout=excerpt(_text(head, others), _STDOUT),
    )
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        headline = f"{line(first.file)}:{first.line}: {line(first.message) or line(first.rule)}{more}"
        made.add_failure_info(headline, excerpt(_text(head, errors), _DETAIL), line(first.rule))
    return made


def _errors(found: Iterable[Finding]) -> list[Finding]:
    return [one for one in found if one.severity == "error"]


def _text(head: str, found: Sequence[Finding]) -> str:
    ordered = sorted(found, key=lambda one: (_GRAVEST_FIRST.index(one.severity), one.line))
    return "\n\n".join([head, *(excerpt(_one(one), _ONE) for one in ordered)])


def _one(one: Finding) -> str:
    """A finding as compilers write it, with its line, the path that leads there, and why it matters."""
    where = f"{one.file}:{one.line}" if one.line else one.file
    place = f"{line(where)}: " if one.file else ""
    parts = [f"{place}{one.severity}: {line(one.message)} [{line(one.rule)}; {', '.join(one.tools)}]"]
    if one.function:
        parts.append(f"  in {line(one.function)}")
    first = max(1, one.line - _BEFORE)
    for number, text in enumerate(one.surroundings, first):
        parts.append(f"{'>' if number == one.line else ' '}{number:6} {clean(text)}")
    parts += [f"  {line(step.file)}:{step.line}: {line(step.text)}" for step in one.related[:_STEPS]]
    return "\n".join([*parts, f"  {line(one.why, 600)}"])
