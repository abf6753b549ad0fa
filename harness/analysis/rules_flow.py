# SPDX-License-Identifier: GPL-2.0-only
"""The rules that follow every path of a function, for the driver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis import flow_counts, flow_locks, flow_retry
from harness.analysis.flow_function import Callees, largest, study
from harness.analysis.flow_gone import Gone, gone
from harness.analysis.flow_table import Table, shipped
from harness.analysis.model import Raw
from harness.analysis.scope import Rule, Scope
from harness.analysis.source import Function, Source


def find(source: Source, scope: Scope) -> Iterator[Raw]:
    """Findings in the functions of *source* that *scope* names, each defect once, in order of lines."""
    table = shipped()
    callees = Callees(source, table)
    whole = largest(source)
    base = scope.base if scope.base is not source else None
    former, before = (largest(base), Callees(base, table)) if base is not None else ({}, None)
    for function in source.functions:
        if function.name not in scope.functions:
            continue
        found = in_function(function, table, callees)
        old = former.get(function.name) if whole[function.name] is function else None
        if before is not None and old is not None:
            missing = gone((old, before), (function, callees), table)
            known = {(raw.rule, raw.key) for raw in in_function(old, table, before)} if missing else set()
            found = _both(found, missing, known, function, table)
        yield from found


def in_function(function: Function, table: Table, callees: Callees) -> list[Raw]:
    """What the paths of *function* show, each (rule, key) once."""
    studied = study(function, table, callees)
    found: dict[tuple[str, str], Raw] = {}
    for rule in (flow_locks, flow_counts, flow_retry):
        for raw in rule.find(studied, table) if studied else ():
            found.setdefault((raw.rule, raw.key), raw)
    return sorted(found.values(), key=lambda raw: (raw.line, raw.rule))


def _both(
    found: list[Raw], missing: Sequence[Gone], known: set[tuple[str, str]], function: Function, table: Table
) -> list[Raw]:
    """What paths show, and what is gone of what the function released before the series.

    Both speak of one defect: of one kind of lock or object the graver is kept, and of two as grave the one
    with the path, if it is not *known* from before the series.
    """
    for one in missing:
        raw = _gone(function, one)
        same = [
            each
            for each in found
            if each.key.startswith(one.pair.name) and (each.rule, each.key) not in known
        ]
        if all(table.gravity(each.rule) > table.gravity(raw.rule) for each in same):
            found = [each for each in found if each not in same] + [raw]
    return sorted(found, key=lambda raw: (raw.line, raw.rule))


def _gone(function: Function, one: Gone) -> Raw:
    return Raw(
        rule="release-gone" if one.line else "release-of-caller-gone",
        line=one.line or function.first,
        function=function.name,
        message=f"{one.text} was here before the series, and nothing stands in its place",
        key=f"{one.pair.name}:{one.text}",
    )


FLOW_RULES = (Rule(tuple(row.id for row in shipped().rules), find),)
