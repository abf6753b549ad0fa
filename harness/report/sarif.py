# SPDX-License-Identifier: GPL-2.0-only
"""An analysis as SARIF 2.1.0 (OASIS, errata 01), for Jenkins' warnings-ng and for code hosts.

Files are relative to the tree's root (``TREE``, 3.14.14 originalUriBaseIds), which is named in words only:
where it lies on this machine is nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from harness import __version__
from harness.analysis.model import Analysis, Finding, Related
from harness.report.plaintext import clean, encodable, excerpt, line
from harness.series.model import Series

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE = "TREE"
_FINGERPRINT = "memcgHarness/v1"
_PROJECT = "memcg-harness"
_BEFORE = 3
_MOST = 5_000
_TEXT = 2_000
_STEPS = 200


def sarif(
    analysis: Analysis, series: Series, tree_name: str, *, titles: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The log: one run, each finding a result, the rules with their explanations.

    ``level`` is the severity; the line and its surroundings are snippets, the path that leads there is
    a code flow (the lines it speaks of are related locations too), the fingerprint stays the same when
    lines move. What an outside tool did or why it was not used, and functions that the parser could make
    nothing of, are notifications. *titles* has what rules are called, where they have a title (the rule
    tables). At most 5,000 findings are given; a notification counts the rest.
    """
    findings = analysis.findings[:_MOST]
    rules = _rules(findings, titles or {})
    subjects = {patch.number: line(patch.subject) for patch in series.patches}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": _PROJECT, "version": __version__, "rules": list(rules.values())}},
                "invocations": [{"executionSuccessful": True, **_notifications(analysis)}],
                "originalUriBaseIds": {
                    _BASE: {"description": {"text": f"the kernel tree {line(tree_name)}, with the series on"}}
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, list(rules), subjects) for one in findings],
                "properties": {"series": line(series.name), "patches": len(series.patches)},
            }
        ],
    }
    safe: dict[str, Any] = encodable(log)
    return safe


def _rules(findings: Iterable[Finding], titles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The rules that found something, in order of appearance (3.49 reportingDescriptor)."""
    rules: dict[str, dict[str, Any]] = {}
    for one in findings:
        why = excerpt(one.why, _TEXT) or line(one.rule)
        title = titles.get(one.rule) or one.rule.replace("/", ": ").replace("-", " ")
        rules.setdefault(
            one.rule,
            {
                "id": line(one.rule),
                "shortDescription": {"text": line(title)},
                "fullDescription": {"text": why},
                "help": {"text": why},
                "defaultConfiguration": {"level": one.severity},
            },
        )
    return rules


def _result(one: Finding, rules: Sequence[str], subjects: Mapping[int, str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": line(one.rule),
        "ruleIndex": rules.index(one.rule),
        "level": one.severity,
        "message": {"text": line(one.message, _TEXT) or line(one.rule)},
        "locations": [_place(one)] if one.file else [],
        "properties": {
            "patch": one.patch,
            "subject": subjects.get(one.patch, ""),
            "function": line(one.function),
            "tools": list(one.tools),
        },
    }
    if one.fingerprint:
        result["partialFingerprints"] = {_FINGERPRINT: one.fingerprint}
    if one.related:
        steps = [_step(related) for related in one.related[:_STEPS]]
        result["relatedLocations"] = [{"id": at, **step} for at, step in enumerate(steps, 1)]
        end = {**_place(one), "message": {"text": line(one.message, _TEXT) or line(one.rule)}}
        flow = [{"location": step} for step in [*steps, *([end] if one.file else [])]]
        result["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
    return result


def _place(one: Finding) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _file(one.file)}
    if one.line > 0:
        physical["region"] = _region(one.line, (one.source,))
        if one.surroundings:
            first = max(1, one.line - _BEFORE)
            physical["contextRegion"] = _region(first, one.surroundings)
    place: dict[str, Any] = {"physicalLocation": physical}
    if one.function:
        place["logicalLocations"] = [{"name": line(one.function), "kind": "function"}]
    return place


def _step(related: Related) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _file(related.file)}
    if related.line > 0:
        physical["region"] = {"startLine": related.line}
    return {"physicalLocation": physical, "message": {"text": line(related.text, _TEXT) or "here"}}


def _file(path: str) -> dict[str, str]:
    """A relative URI reference (RFC 3986), with all that has a meaning in URIs escaped."""
    return {"uri": quote(encodable(path)), "uriBaseId": _BASE}


def _region(first: int, lines: Sequence[str]) -> dict[str, Any]:
    text = "\n".join(clean(one[:_TEXT]) for one in lines)
    return {"startLine": first, "endLine": first + len(lines) - 1, "snippet": {"text": text}}


def _notifications(analysis: Analysis) -> dict[str, Any]:
    """What is to be known of the analysis itself (3.20.21 toolExecutionNotifications)."""
    notes = [("note", text) for text in analysis.tools]
    notes += [("warning", f"not understood by the parser: {text}") for text in analysis.unparsed[:_STEPS]]
    if len(analysis.findings) > _MOST:
        notes.append(("warning", f"{len(analysis.findings) - _MOST} more findings were left out"))
    return {
        "toolExecutionNotifications": [
            {"level": level, "message": {"text": line(text, _TEXT) or "-"}} for level, text in notes
        ]
    }
