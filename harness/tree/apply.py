# SPDX-License-Identifier: GPL-2.0-only
"""A series put on just the files that it touches, in a scratch directory, patch after patch.

``git apply`` does it, strictly: context must match, offsets are allowed, fuzz is not (on the 2008
series fuzz 3 put a hunk silently into the wrong place). harness.tree.landing does it again, to know
where each hunk went and why one did not; both must come to the same bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.process import run
from harness.series.hunks import HunkLines, hunks_of
from harness.series.model import FileChange, Patch, Series
from harness.tree.inside import contents, inside
from harness.tree.landing import Landed, land
from harness.tree.listing import GIT
from harness.tree.model import Applied, HunkLanding, Overlay, PatchLanding, Tree

_Files = dict[str, bytes | None]


def apply_series(
    series: Series, read: Callable[[str], bytes | None], *, scratch: Path, deadline: Deadline
) -> Applied:
    """Put *series* on the files that *read* gives (None: no such file); nothing outside *scratch* changes.

    After a patch that does not go on the later ones are ``not tried``, and ``prefixes`` ends with the
    last one that did. A landing with hunk 0 speaks of the file as a whole.
    """
    pristine: _Files = {path: read(path) for path in series.paths()}
    files = dict(pristine)
    landings: list[PatchLanding] = []
    prefixes: list[Overlay] = [{}]
    for patch in series.patches:
        if landings and landings[-1].status != "applied":
            landings.append(_landing(patch, "not tried", ()))
            continue
        after, hunks = _worked_out(patch, files)
        if all(hunk.status != "rejected" for hunk in hunks):
            hunks += _checked(patch, files, after, scratch, deadline)
        if any(hunk.status == "rejected" for hunk in hunks):
            landings.append(_landing(patch, "rejected", hunks))
            continue
        landings.append(_landing(patch, "applied", hunks))
        files = after
        prefixes.append({path: data for path, data in files.items() if data != pristine[path]})
    return Applied(landings=tuple(landings), prefixes=tuple(prefixes))


def require_whole(applied: Applied, series: Series, tree: Tree) -> None:
    """UserError, one line with patch, hunk and reason, unless all of *series* went on *tree*."""
    for landing, patch in zip(applied.landings, series.patches, strict=True):
        for hunk in landing.hunks:
            if hunk.status == "rejected":
                raise UserError(
                    f"{series.source or series.name}: patch {patch.number}/{patch.total} {patch.subject!r} "
                    f"does not apply to {tree.name} {tree.version.text}: {hunk.file}"
                    f"{_which(patch, hunk)}: {hunk.reason}; nothing was changed"
                )


def _which(patch: Patch, hunk: HunkLanding) -> str:
    """`` hunk 4 (line 123)``: the line of the file before the patch."""
    if not hunk.hunk:
        return ""
    for change, hunks in hunks_of(patch):
        if change.path == hunk.file and hunk.hunk <= len(hunks):
            return f" hunk {hunk.hunk} (line {hunks[hunk.hunk - 1].old_start})"
    return f" hunk {hunk.hunk}"


def _landing(patch: Patch, status: str, hunks: tuple[HunkLanding, ...]) -> PatchLanding:
    return PatchLanding(number=patch.number, subject=patch.subject, status=status, hunks=hunks)


def _worked_out(patch: Patch, before: _Files) -> tuple[_Files, tuple[HunkLanding, ...]]:
    """The files after *patch*, and where its hunks land."""
    files = dict(before)
    hunks: list[HunkLanding] = []
    for change, wanted in hunks_of(patch):
        source = None if _is_new(change) else files[change.old_path]
        landed = _land_file(change, wanted, files, source)
        hunks += landed.hunks
        if change.kind in ("deleted", "renamed"):
            files[change.old_path] = None
        if change.kind != "deleted":
            files[change.path] = landed.data
    return files, tuple(hunks)


def _is_new(change: FileChange) -> bool:
    return change.kind == "added" and change.old_path == change.path


def _land_file(
    change: FileChange, wanted: tuple[HunkLines, ...], files: _Files, source: bytes | None
) -> Landed:
    whole = 0 if not wanted else 1
    if change.kind in ("added", "renamed") and files[change.path] is not None:
        return _refused(change.path, whole, "is in the tree already")
    if source is None and not _is_new(change):
        return _refused(change.old_path, whole, "is not in the tree")
    landed = land(source or b"", wanted, change.path)
    if change.kind == "deleted" and landed.whole and landed.data:
        return _refused(change.path, whole, "has lines that the patch does not take away with it")
    return landed


def _refused(path: str, hunk: int, reason: str) -> Landed:
    return Landed(data=b"", hunks=(HunkLanding(file=path, hunk=hunk, status="rejected", reason=reason),))


def _checked(
    patch: Patch, before: _Files, after: _Files, scratch: Path, deadline: Deadline
) -> tuple[HunkLanding, ...]:
    """Let git apply *patch*: nothing to add when it comes to *after*, a rejection when it refuses."""
    touched = {path for change in patch.files for path in (change.old_path, change.path)}
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        root = Path(directory) / "tree"
        root.mkdir()
        for path in touched:
            data = before[path]
            if data is not None:
                file = inside(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        done = run(
            [*GIT, "apply", "-p1", "--whitespace=nowarn", "--no-ignore-whitespace", "-"],
            cwd=root,
            deadline=deadline,
            env={
                "LC_ALL": "C",
                "GIT_CEILING_DIRECTORIES": directory,  # whatever repository lies around it does not matter
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
            },
            stdin=patch.diff,
        )
        if done.exit != 0:
            reason = f"git apply: {ascii(done.last_lines(2))[1:200]}"
            return (HunkLanding(file=patch.files[0].path, hunk=0, status="rejected", reason=reason),)
        for path in sorted(touched):
            if contents(inside(root, path)) != after[path]:
                raise InfraError(f"{patch.origin}: git apply and the check differ on {path!a}; report this")
    return ()
