# SPDX-License-Identifier: GPL-2.0-only
"""The analysis of a series on a tree: our rules, the field's own tools, and the workloads that reach it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.analysis.analyse import analyse
from harness.analysis.model import Analysis
from harness.analysis.reach import reach_in
from harness.analysis.table import load_routes
from harness.analysis.tools import Kit, outside
from harness.analysis.tools_checkpatch import find_checkpatch
from harness.analysis.tools_join import joined
from harness.analysis.tools_states import States
from harness.deadline import Deadline
from harness.events import Listener, task
from harness.series.model import Series
from harness.tree.model import Applied, Version

_TREES = "trees/*/src"


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """The tree that a series is analysed on, with nothing put on it."""

    root: Path
    read: Callable[[str], bytes | None]
    version: Version


def examine_series(
    series: Series, applied: Applied, ground: Ground, *, cache: Path, listener: Listener, deadline: Deadline
) -> Analysis:
    """What is known of *series*, as far as it went on, without running it; outside tools where installed."""
    with task(listener, "analysis", f"analyse {ascii(series.name)[1:-1][:80]}") as progress:
        ours = analyse(
            series,
            applied,
            ground.read,
            reach=reach_in(ground.root, load_routes()),
            version=ground.version,
        )
        patches = (applied.patches or series.patches)[: len(applied.prefixes) - 1]
        said = outside(
            States(applied, ground.read), patches, _kit(ground, cache), deadline=deadline, listener=listener
        )
        findings = joined(ours.findings, said.findings)
        count = sum(one.severity == "error" for one in findings)
        progress.outcome = f"{len(findings)} findings, {count} of them errors"
    return msgspec.structs.replace(ours, findings=findings, tools=said.tools)


def _kit(ground: Ground, cache: Path) -> Kit:
    """checkpatch of the tree itself, else of another tree that was opened before; builds of this tree."""
    trees = sorted(cache.glob(_TREES), key=lambda path: path.stat().st_mtime, reverse=True)
    return Kit(
        checkpatch=find_checkpatch([ground.root, *trees]),
        source=ground.root,
        builds=tuple(sorted((ground.root.parent / "build").glob("*/"))) if ground.root in trees else (),
    )
