# SPDX-License-Identifier: GPL-2.0-only
"""A series laid on a tree, no kernel built: what apply, analyze and repair work on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.events import Listener
from harness.files import make_directory
from harness.series.model import Series
from harness.series.source import open_series
from harness.tree.apply import apply_series
from harness.tree.model import Applied
from harness.tree.peek import Peek, peek


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A series, the tree it was tried on, and how that went."""

    series: Series
    tree: Peek
    applied: Applied


@contextmanager
def lay(series: str, tree: str, *, cache: Path, listener: Listener, deadline: Deadline) -> Iterator[Laid]:
    """Try *series* on *tree*; neither is written to. The tree can be read until the block ends."""
    make_directory(cache, "the cache directory")
    read = open_series(series, cache=cache, listener=listener, deadline=deadline)
    with (
        peek(tree, cache=cache, listener=listener, deadline=deadline) as base,
        tempfile.TemporaryDirectory(dir=cache, prefix="lay.") as scratch,
    ):
        applied = apply_series(read, base.read, scratch=Path(scratch), deadline=deadline)
        yield Laid(series=read, tree=base, applied=applied)
