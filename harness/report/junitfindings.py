# SPDX-License-Identifier: GPL-2.0-only
"""What static analysis found in a series, as a suite of ``junit.xml`` beside the suites of the cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from harness.analysis.model import Analysis, Finding
from harness.pipeline.model import Run
from harness.report.junitnames import Scope
from harness.report.junitxml import Suite, Told
from harness.report.plaintext import clean, excerpt, line
from harness.verdict import Verdict

_CELL = "findings"
_WHOLE = "series as a whole"
_GRAVEST_FIRST = ("error", "warning", "note")
_BEFORE = 3
_MOST = 500
_ONE = 6_000
_DETAIL = 60_000
_STDOUT = 40_000
_STEPS = 20


def findings_suite(run: Run, analysis: Analysis, scope: Scope) -> Suite:
    """The suite: a case for each file with findings, which fails when one of them is an error.

    All others are in the case's standard output and fail nothing, nor do errors where the plan has findings
    reported only. Without findings there is one case ``findings``, which passes. Names hold no line, no count
    and no patch's number, so that Jenkins knows a case again when the series has another patch before it. At
    most 500 cases are given.
    """
    groups: dict[str, list[Finding]] = {}
    for one in analysis.findings:
        groups.setdefault(one.file, []).append(one)
    subjects = {landing.number: landing.subject for landing in run.patches}
    classname = scope.classname(_CELL)
    # the ones with errors first, so that the bound cannot hide a failure behind notes
    ordered = sorted(groups.items(), key=lambda item: (not _errors(item[1]), item[0]))
    fail = run.findings_fail
    cases = [
        _case(classname, scope.name(line(file) or _WHOLE), subjects, found, fail=fail)
        for file, found in ordered[:_MOST]
    ]
    nothing = Told(classname, scope.name(_CELL), Verdict.PASS, "no findings", stdout="no findings")
    return Suite(
        f"{scope.suite(_CELL, scope.kconfig)} (static analysis)",
        cases or [nothing],
        hostname=line(run.machine.get("host", "")),
        timestamp=line(run.started),
        properties={f"tool.{index}": line(text) for index, text in enumerate(analysis.tools, 1)},
    )


def _case(
    classname: str, name: str, subjects: Mapping[int, str], found: Sequence[Finding], *, fail: bool
) -> Told:
    errors = _errors(found) if fail else []
    others = [one for one in found if one not in errors]
    stdout = excerpt(_text(subjects, others), _STDOUT)
    if not errors:
        return Told(classname, name, Verdict.PASS, "no errors", stdout=stdout)
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    headline = f"{line(first.file)}:{first.line}: {line(first.message) or line(first.rule)}{more}"
    detail = excerpt(_text(subjects, errors), _DETAIL)
    return Told(classname, name, Verdict.FAIL, headline, line(first.rule), detail, stdout=stdout)


def _errors(found: Iterable[Finding]) -> list[Finding]:
    return [one for one in found if one.severity == "error"]


def _text(subjects: Mapping[int, str], found: Sequence[Finding]) -> str:
    """Patch by patch, each with the gravest first."""
    ordered = sorted(found, key=lambda one: (one.patch, _GRAVEST_FIRST.index(one.severity), one.line))
    parts: list[str] = []
    for patch, some in groupby(ordered, key=lambda one: one.patch):
        subject = line(subjects.get(patch, ""))
        parts.append(f"patch {patch}: {subject}" if subject else f"patch {patch}")
        parts += [excerpt(_one(one), _ONE) for one in some]
    return "\n\n".join(parts)


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
