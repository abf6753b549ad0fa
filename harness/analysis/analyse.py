# SPDX-License-Identifier: GPL-2.0-only
"""The analysis of a series that was put on a tree: facts, findings, and the workloads that it reaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from harness.analysis.facts_patch import PatchFacts, c_files, patch_facts
from harness.analysis.model import Analysis, Finding
from harness.analysis.novel import Ask, brought, find_all, finding
from harness.analysis.reach import Reached, Touched
from harness.analysis.rules import RULES, shipped_rows
from harness.analysis.scope import Rule
from harness.analysis.states import States
from harness.analysis.table import RuleRow, shipped_facts
from harness.series.model import Patch, Series
from harness.tree.model import Overlay, Version

_GRAVEST_FIRST = ("error", "warning", "note")


def analyse(
    series: Series,
    states: States,
    *,
    rules: Sequence[Rule] = RULES,
    rows: Mapping[str, RuleRow] | None = None,
    reach: Callable[[Sequence[Touched], Overlay], Reached] | None = None,
    version: Version | None = None,
) -> Analysis:
    """What is known of *series* without running it, as far as it went on (*states*).

    *rules* and the *rows* of their tables are those of the project unless given; *reach* says which
    workloads exercise functions, in the tree with the series on (harness.analysis.reach.reach_in);
    without it no workload is named.
    """
    patches = states.patches or series.patches[: states.last]
    facts = [
        patch_facts(patch, before, after, states.parsed, shipped_facts())
        for patch, (before, after) in zip(patches, pairwise(states), strict=True)
    ]
    ask = _ask(patches, facts, rules, version)
    there = reach(_touched(facts), states[states.last].overlay) if reach else Reached()
    return Analysis(
        findings=_findings(states, ask, shipped_rows() if rows is None else rows, patches),
        functions=tuple(change for one in facts for change in one.functions),
        structures=tuple(change for one in facts for change in one.structures),
        assertions_added=tuple(change for one in facts for change in one.assertions_added),
        assertions_removed=tuple(change for one in facts for change in one.assertions_removed),
        calls=tuple(change for one in facts for change in one.calls),
        guards=tuple(dict.fromkeys(guard for one in facts for guard in one.guards)),
        workloads=there.workloads,
        unreached=there.unreached,
        unparsed=tuple(dict.fromkeys(place for one in facts for place in one.unparsed)),
    )


def _touched(facts: list[PatchFacts]) -> list[Touched]:
    """The functions that the series touches and that are still there at the end."""
    last = {(change.file, change.name): change.change for one in facts for change in one.functions}
    return [function for function, change in last.items() if change != "removed"]


def _ask(
    patches: Sequence[Patch], facts: list[PatchFacts], rules: Sequence[Rule], version: Version | None
) -> Ask:
    """Every C file that the series touches, with all functions that it touches there in any patch."""
    functions: dict[str, set[str]] = {}
    former: dict[str, str] = {}
    for patch, one in zip(patches, facts, strict=True):
        for change in c_files(patch):
            names = functions.setdefault(change.path, set())
            if change.old_path != change.path:
                names |= functions.setdefault(change.old_path, set())
                former[change.path] = former.pop(change.old_path, change.old_path)
        for function in one.functions:
            functions[function.file].add(function.name)
    for path, old in former.items():
        functions.setdefault(old, set()).update(functions[path])
    return Ask(functions=functions, former=former, rules=rules, version=version)


def _findings(
    states: States, ask: Ask, rows: Mapping[str, RuleRow], patches: Sequence[Patch]
) -> tuple[Finding, ...]:
    results = find_all(states, ask)
    findings = []
    for position, file, raw in brought(results, states, ask):
        source = states[states.last].source(file)
        if source is not None:
            findings.append(finding(patches[position - 1].number, file, raw, rows[raw.rule], source))
    return tuple(
        sorted(
            findings,
            key=lambda one: (_GRAVEST_FIRST.index(one.severity), one.patch, one.file, one.line, one.rule),
        )
    )
