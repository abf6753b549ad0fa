# SPDX-License-Identifier: GPL-2.0-only
"""``goto again`` with nothing that limits how often."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.analysis.cfg import around
from harness.analysis.flow_expr import Assign, Call, names_in
from harness.analysis.flow_function import Studied
from harness.analysis.flow_table import Table
from harness.analysis.model import Raw


def find(studied: Studied, table: Table) -> Iterator[Raw]:
    """A way back to a retry label on which nothing waits, counts, or changes what is tested."""
    graph = studied.prepared.graph
    for number, step in enumerate(graph.steps):
        if step.kind != "back" or step.node is None:
            continue
        label = step.node.child_by_field_name("label")
        name = studied.source.text(label) if label is not None else ""
        if not re.search(table.retries, name):
            continue
        if not _limited(studied, table, around(graph, number)):
            yield Raw(
                rule="unbounded-retry",
                line=studied.source.line_of(step.node),
                function=studied.name,
                message=f"goto {name}: nothing on the way back waits, counts, or changes what is tested",
                key=f"goto {name}",
            )


def _limited(studied: Studied, table: Table, steps: set[int]) -> bool:
    tested: set[str] = set()
    changed: set[str] = set()
    for number in steps:
        act = studied.prepared.acts.get(number)
        if act is None:
            continue
        if studied.prepared.graph.steps[number].kind in {"any", "switch"}:
            return True
        if act.condition is not None:
            tested |= names_in(act.condition.subject)
        for one in act.operations:
            if isinstance(one, Call) and re.search(table.waits, one.name):
                return True
            if isinstance(one, Assign) and not one.counted:
                changed |= names_in(one.target)
    return bool(tested & changed)
