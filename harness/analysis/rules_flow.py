# SPDX-License-Identifier: GPL-2.0-only
"""The rules that follow every path of a function, for the driver."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis import flow_counts, flow_locks, flow_retry
from harness.analysis.flow_function import Callees, study
from harness.analysis.flow_table import Table, shipped
from harness.analysis.model import Raw
from harness.analysis.scope import Rule, Scope
from harness.analysis.source import Function, Source


def find(source: Source, scope: Scope) -> Iterator[Raw]:
    """Findings in the functions of *source* that *scope* names, each defect once, in order of lines."""
    table = shipped()
    callees = Callees(source, table)
    for function in source.functions:
        if function.name in scope.functions:
            yield from in_function(function, table, callees)


def in_function(function: Function, table: Table, callees: Callees) -> list[Raw]:
    """Findings in *function*, each (rule, key) once."""
    studied = study(function, table, callees)
    if studied is None:
        return []
    found: dict[tuple[str, str], Raw] = {}
    for rule in (flow_locks, flow_counts, flow_retry):
        for raw in rule.find(studied, table):
            found.setdefault((raw.rule, raw.key), raw)
    return sorted(found.values(), key=lambda raw: (raw.line, raw.rule))


FLOW_RULES = (Rule(tuple(row.id for row in shipped().rules), find),)
