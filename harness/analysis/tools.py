# SPDX-License-Identifier: GPL-2.0-only
"""The field's own tools on a series: checkpatch, sparse and coccinelle, each where it is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from harness.analysis.model import Finding
from harness.analysis.states import States
from harness.analysis.tools_checkpatch import SCRIPT, checkpatch, find_checkpatch
from harness.analysis.tools_checkpatch import version as checkpatch_version
from harness.analysis.tools_coccinelle import coccinelle
from harness.analysis.tools_coccinelle import version as coccinelle_version
from harness.analysis.tools_run import Unusable
from harness.analysis.tools_sparse import sparse
from harness.analysis.tools_sparse import version as sparse_version
from harness.analysis.tools_states import one_line
from harness.analysis.tools_table import table
from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError, UserError
from harness.events import Listener, silent, task
from harness.series.model import Patch
from harness.tree.inside import contents
from harness.tree.model import Tree
from harness.tree.place import SOURCE
from harness.tree.workcopy import read_at


class Kit(msgspec.Struct, frozen=True, kw_only=True):
    """What of the machine the tools may use."""

    checkpatch: Path | None = None
    """the script (harness.analysis.tools_checkpatch.find_checkpatch)"""
    source: Path | None = None
    """the tree as it was given, on disk, with nothing put on it"""
    builds: tuple[Path, ...] = ()
    """directories in which ``source`` was built; the first that compiled what the series changes is used"""


def kit_for(root: Path, tree: Tree | None, *, cache: Path, checkpatch: Path | None = None) -> Kit:
    """The kit for the kernel at *root*, which has nothing put on it; *tree* when that is a private copy.

    The script is *checkpatch* if given (UserError when it is none, or too old), else the tree's own, else
    that of another tree in the cache: for an old tree that of the distribution. One that a series has
    changed is never run. Builds are all that are there, whatever their profile, the latest first; a
    directory of the user's has none here, for what is built is its private copy.
    """
    if checkpatch is not None:
        try:
            checkpatch_version(checkpatch)
        except Unusable as error:
            raise UserError(
                f"{checkpatch}: {error}; name the scripts/checkpatch.pl of a newer kernel"
            ) from error
    copies = [
        *([root] if tree is not None else []),
        *sorted((cache / "trees").glob(f"*/{SOURCE}"), reverse=True),
    ]
    own = [] if tree is not None else [root]
    found = checkpatch or find_checkpatch([*own, *(source for source in copies if _as_given(source))])
    builds = (root.parent / "build").glob("*/") if tree is not None else ()
    latest = sorted(builds, key=lambda path: path.stat().st_mtime, reverse=True)
    return Kit(checkpatch=found, source=root, builds=tuple(latest))


def _as_given(source: Path) -> bool:
    """True when no series has changed the script of the private copy at *source*."""
    try:
        return read_at(source, SCRIPT) == contents(source / SCRIPT)
    except HarnessError:  # a copy that somebody else is just making, or left half made
        return False


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """What the tools said."""

    findings: tuple[Finding, ...]
    tools: tuple[str, ...]
    """for each tool one line: its version and what it did, or why it was not used"""


_Tool = Callable[[Path, Deadline], tuple[str, tuple[Finding, ...]]]


def _used(name: str, tool: _Tool, deadline: Deadline, listener: Listener) -> tuple[str, tuple[Finding, ...]]:
    """The tool's line, and its findings: none where it cannot be used."""
    with task(listener, f"analysis {name}", name) as current:
        try:
            with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
                which, found = tool(Path(scratch).resolve(), deadline)
        except (Unusable, InfraError) as error:
            current.outcome = f"not used: {one_line(str(error))}"
            return f"{name}: {current.outcome}", ()
        plural = "" if len(found) == 1 else "s"
        return f"{name}: {which}, {len(found)} new finding{plural}", found


def outside(
    states: States,
    patches: Sequence[Patch],
    kit: Kit,
    *,
    deadline: Deadline,
    listener: Listener = silent,
) -> Outside:
    """What the installed tools say of the end of the series and not of the base, by patch.

    A tool that is not there, fails or takes too long (``seconds`` of configs/analysis/tools.yaml) costs
    its own findings only, and its line says so. Nothing outside a scratch directory is written.
    """
    rows = table()

    def with_checkpatch(scratch: Path, until: Deadline) -> tuple[str, tuple[Finding, ...]]:
        if kit.checkpatch is None:
            raise Unusable("no scripts/checkpatch.pl of Linux 4.0 or later at hand")
        which = checkpatch_version(kit.checkpatch)
        found = checkpatch(
            states, patches, kit.checkpatch, rows=rows.checkpatch, scratch=scratch, deadline=until
        )
        return which, found

    def with_sparse(scratch: Path, until: Deadline) -> tuple[str, tuple[Finding, ...]]:
        which = sparse_version(scratch, until)
        if kit.source is None or not kit.builds:
            raise Unusable("this tree was not built yet; harness build makes what it needs")
        found = sparse(
            states, source=kit.source, builds=kit.builds, rows=rows.sparse, scratch=scratch, deadline=until
        )
        return which, found

    def with_coccinelle(scratch: Path, until: Deadline) -> tuple[str, tuple[Finding, ...]]:
        which = coccinelle_version(scratch, until)
        found = coccinelle(states, rows=rows.coccinelle, scratch=scratch, deadline=until)
        return f"{which}, {len(rows.coccinelle.rows)} rules", found

    tools: dict[str, tuple[float, _Tool]] = {
        "checkpatch": (rows.checkpatch.seconds, with_checkpatch),
        "sparse": (rows.sparse.seconds, with_sparse),
        "coccinelle": (rows.coccinelle.seconds, with_coccinelle),
    }

    # A child dies with the thread that started it, so none outlives this block.
    with ThreadPoolExecutor(len(tools)) as pool:
        used = [
            pool.submit(_used, name, tool, deadline.within(seconds), listener)
            for name, (seconds, tool) in tools.items()
        ]
        said = [future.result() for future in used]
    return Outside(
        findings=tuple(one for _line, found in said for one in found),
        tools=tuple(line for line, _found in said),
    )
