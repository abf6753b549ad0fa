# SPDX-License-Identifier: GPL-2.0-only
"""One finding for one defect, however many tools saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from harness.analysis.model import Finding
from harness.analysis.tools_table import Table, table

_GRAVITY = {"error": 0, "warning": 1, "note": 2}


def joined(
    findings: Sequence[Finding], others: Iterable[Finding], rows: Table | None = None
) -> tuple[Finding, ...]:
    """*findings* with *others* (of outside tools) among them; gravest first, then by patch, file and line.

    One of *others* that names the same kind of defect (``same`` of the table) in the same function, or
    within ``near`` lines, of the same file as a finding adds its tool to that finding and is not listed
    itself. Findings of the harness are never joined with each other.
    """
    rows = rows if rows is not None else table()
    kept = list(findings)
    for other in sorted(others, key=lambda one: _GRAVITY[one.severity]):
        at = _twin(kept, other, rows)
        if at is None:
            kept.append(other)
        else:
            kept[at] = _both(kept[at], other)
    return tuple(
        sorted(kept, key=lambda one: (_GRAVITY[one.severity], one.patch, one.file, one.line, one.rule))
    )


def _twin(kept: Sequence[Finding], other: Finding, rows: Table) -> int | None:
    """The index of the finding of *kept* that is the same defect as *other* and nearest to it."""
    kind = rows.kind(other.rule)
    near: list[tuple[int, int]] = []
    for at, one in enumerate(kept):
        if one.file != other.file or not one.file or rows.kind(one.rule) != kind:
            continue
        if set(one.tools) & set(other.tools):
            continue  # a tool that says two things means two defects
        apart = abs(one.line - other.line)
        if apart <= rows.near or (one.function and one.function == other.function):
            near.append((apart, at))
    return min(near)[1] if near else None


def _both(one: Finding, other: Finding) -> Finding:
    graver = min(one.severity, other.severity, key=_GRAVITY.__getitem__)
    return msgspec.structs.replace(
        one,
        tools=(*one.tools, *(tool for tool in other.tools if tool not in one.tools)),
        severity=graver,
        related=one.related or other.related,
    )
