# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree to read from: the user's own directory where there is one, else the private copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.events import Listener
from harness.tree.commit import split_commit
from harness.tree.identify import identify
from harness.tree.inside import contents, inside
from harness.tree.model import Tree, Version
from harness.tree.source import open_tree
from harness.tree.workcopy import read


class Peek(msgspec.Struct, frozen=True, kw_only=True):
    """A tree that nothing is written to."""

    name: str
    version: Version
    root: Path
    """where its files are"""
    read: Callable[[str], bytes | None]
    """the contents of a file by its path in the tree; None when there is none.
    Raises UserError for a path that leaves the tree"""
    tree: Tree | None = None
    """the private copy, when it is that; held until the reading ends"""


@contextmanager
def peek(spec: str, *, cache: Path, listener: Listener, deadline: Deadline) -> Iterator[Peek]:
    """The tree that *spec* names, as harness.tree.source.open_tree has it, without copying a directory."""
    root = Path(spec).expanduser()
    if spec != "debian" and split_commit(spec) is None and root.is_dir():
        root = root.resolve()
        version = identify(root, spec)
        yield Peek(name=root.name, version=version, root=root, read=lambda path: contents(inside(root, path)))
        return
    with open_tree(spec, cache=cache, listener=listener, deadline=deadline) as tree:
        yield Peek(
            name=tree.name,
            version=tree.version,
            root=tree.source,
            read=lambda path: read(tree, path),
            tree=tree,
        )
