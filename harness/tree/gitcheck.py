# SPDX-License-Identifier: GPL-2.0-only
"""git's word on what harness.tree.landing worked out: both must come to the same bytes.

``git apply``, without fuzz, puts each patch on the virtual base at the lines that were worked out;
``git merge-file`` merges what the file has with what the patch makes of the virtual base.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.git import ALONE, GIT
from harness.process import Completed, run
from harness.series.model import FileChange, Patch
from harness.tree.inside import contents, inside
from harness.tree.landing import Landed

_SECTION = re.compile(rb"(?m)^(?=diff --git )")
_HEADER = re.compile(rb"(?m)^@@ -\d+((?:,\d+)?) \+\d+((?:,\d+)?) @@")


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a patch, and what became of it."""

    change: FileChange
    landed: Landed
    source: bytes | None
    """the file before; None when there was none"""


def refused_by_git(patch: Patch, sections: Sequence[Section], scratch: Path, deadline: Deadline) -> str:
    """Why git does not take what was worked out, as one line; empty when it comes to the same.

    Raises InfraError when git applies the patch and comes to something else.
    """
    diffs = [part for part in _SECTION.split(patch.diff) if part]
    paths = [section.change.path for section in sections]
    groups = [range(len(sections))]
    if len(set(paths)) < len(paths):  # a file twice: its second virtual base is not its first result
        groups = [range(at, at + 1) for at in range(len(sections))]
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        for number, group in enumerate(groups):
            root = Path(directory) / f"tree-{number}"
            root.mkdir()
            text = b"".join(_renumbered(diffs[at], sections[at].landed) for at in group)
            if why := _applied(patch, [sections[at] for at in group], text, root, deadline):
                return why
        for section in sections:
            if section.landed.inexact and not _merges(section, Path(directory), deadline):
                return f"git merge-file does not come to the same in {section.change.path!a}"
    return ""


def _renumbered(diff: bytes, landed: Landed) -> bytes:
    """*diff* of one file with its hunks where they were placed in the virtual base."""
    starts = iter(landed.starts)

    def header(found: re.Match[bytes]) -> bytes:
        old, new = next(starts)
        # an empty side counts from the line before it
        return b"@@ -%d%s +%d%s @@" % (
            old - (found[1] == b",0"),
            found[1],
            new - (found[2] == b",0"),
            found[2],
        )

    return _HEADER.sub(header, diff)


def _applied(patch: Patch, sections: Sequence[Section], text: bytes, root: Path, deadline: Deadline) -> str:
    for section in sections:
        if section.source is not None:
            file = inside(root, section.change.old_path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(section.landed.base)
    options = ("-p1", "--whitespace=nowarn", "--no-ignore-whitespace", "-")
    done = _git(["apply", *options], root, deadline, text)
    if done.exit != 0:
        return f"git apply: {ascii(done.last_lines(2))[1:200]}"
    wanted: dict[str, bytes | None] = {}
    for section in sections:
        change = section.change
        if change.kind in ("deleted", "renamed"):
            wanted[change.old_path] = None
        if change.kind != "deleted":
            wanted[change.path] = section.landed.target
    for path, data in wanted.items():
        if contents(inside(root, path)) != data:
            raise InfraError(f"{patch.origin}: git apply and the check differ on {path!a}; report this")
    return ""


def _merges(section: Section, directory: Path, deadline: Deadline) -> bool:
    """True when git's three-way merge of the file and the patched virtual base gives what we gave."""
    ours, base, theirs = (directory / name for name in ("ours", "base", "theirs"))
    ours.write_bytes(section.source or b"")
    base.write_bytes(section.landed.base)
    theirs.write_bytes(section.landed.target)
    done = _git(["merge-file", "--quiet", ours.name, base.name, theirs.name], directory, deadline)
    return done.exit == 0 and ours.read_bytes() == section.landed.data


def _git(argv: list[str], cwd: Path, deadline: Deadline, stdin: bytes | None = None) -> Completed:
    """Run git where whatever repository lies around, and whatever its user has set, does not matter."""
    return run(
        [*GIT, *argv],
        cwd=cwd,
        deadline=deadline,
        env={**ALONE, "GIT_CEILING_DIRECTORIES": str(cwd.parent)},
        stdin=stdin,
    )
