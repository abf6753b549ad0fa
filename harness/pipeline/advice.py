# SPDX-License-Identifier: GPL-2.0-only
"""Where a series that does not go on this tree would go on: asked of the history at hand."""

from __future__ import annotations

from pathlib import Path

from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.events import Listener
from harness.series.model import Series
from harness.tree.base import find_base
from harness.tree.model import Tree

_PATIENCE = 60.0
"""seconds: an error waits for this search"""


def better_base(series: Series, tree: Tree, listener: Listener, deadline: Deadline) -> str:
    """``; it goes on best …`` to end an error with; "" without a history, or when that does not help."""
    if tree.kind not in ("git", "commit"):
        return ""
    repository = tree.origin.rpartition("@")[0] if tree.kind == "commit" else tree.origin
    try:
        found = find_base(
            series, Path(repository), range_="", deadline=deadline.within(_PATIENCE), listener=listener
        )
    except HarnessError:
        return ""
    best = next(iter(found), None)
    if best is None:
        return ""
    on = best.clean + best.offset + best.fuzzy
    return (
        f"; of its history it goes on best on {best.commit[:12]} ({best.date[:10]}), with {on} of "
        f"{on + best.rejected} hunks: harness base {series.source or series.name} --git {repository}"
    )
