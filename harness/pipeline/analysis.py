# SPDX-License-Identifier: GPL-2.0-only
"""The analysis of a series on a tree: our rules, the field's own tools, and the workloads that reach it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from harness.analysis.analyse import analyse
from harness.analysis.model import Analysis
from harness.analysis.reach import reach_in
from harness.analysis.states import States
from harness.analysis.table import load_routes
from harness.analysis.tools import kit_for, outside
from harness.analysis.tools_join import joined
from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import Listener, task
from harness.series.model import Series
from harness.tree.model import Applied, Tree, Version


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """The tree that a series is analysed on, with nothing put on it."""

    root: Path
    read: Callable[[str], bytes | None]
    version: Version
    tree: Tree | None = None
    """the private copy, when it is that"""


def examine_series(
    series: Series,
    applied: Applied,
    ground: Ground,
    *,
    cache: Path,
    listener: Listener,
    deadline: Deadline,
    checkpatch: Path | None = None,
) -> Analysis:
    """What is known of *series* without running it; by outside tools too, where they are installed.

    A series that did not go on whole is looked at as it was tried (:attr:`Applied.tried`). Raises
    UserError for a patch that lost its white space and cannot be repaired on this tree: it says nothing.
    """
    for patch, landing in zip(applied.patches, applied.landings, strict=True):
        if patch.damaged:
            raise UserError(f"{patch.origin}: {landing.hunks[0].reason}; give the tree that it was made for")
    applied = msgspec.structs.replace(applied, prefixes=applied.tried)
    with task(listener, "analysis", f"analyse {ascii(series.name)[1:-1][:80]}") as progress:
        states = States(applied, ground.read)
        kit = kit_for(ground.root, ground.tree, cache=cache, checkpatch=checkpatch)
        # The tools are processes of their own: they run while our rules do.
        with ThreadPoolExecutor(1) as beside:
            asked = beside.submit(outside, states, applied.patches, kit, deadline=deadline, listener=listener)
            ours = analyse(
                series,
                states,
                reach=reach_in(ground.root, load_routes(), cache=cache),
                version=ground.version,
            )
            said = asked.result()
        findings = joined(ours.findings, said.findings)
        count = sum(one.severity == "error" for one in findings)
        progress.outcome = f"{len(findings)} findings, {count} of them errors"
    return msgspec.structs.replace(ours, findings=findings, tools=said.tools)
