# SPDX-License-Identifier: GPL-2.0-only
"""A series put on just the files that it touches, in memory, patch after patch.

harness.tree.landing says where each hunk goes, and refuses what is not proven; git, in a scratch
directory, has to come to the same bytes (harness.tree.gitcheck). A patch that lost its white space is
repaired first, against the files as they are at that point.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import UserError
from harness.series.hunks import HunkLines, hunks_of
from harness.series.model import FileChange, Patch, Series
from harness.series.repair import Repair, repair
from harness.tree.gitcheck import Section, refused_by_git
from harness.tree.landing import Landed, land
from harness.tree.model import Applied, HunkLanding, Overlay, PatchLanding, Tree

_Files = dict[str, bytes | None]
_BLOB_DIGITS = 7
"""git abbreviates to no fewer unless told to (core.abbrev)"""
_OFF = ("rejected", "conflict")


def apply_series(
    series: Series, read: Callable[[str], bytes | None], *, scratch: Path, deadline: Deadline
) -> Applied:
    """Put *series* on the files that *read* gives (None: no such file); nothing outside *scratch* changes.

    ``prefixes`` ends before the first patch that did not go on whole. The later ones are tried all the
    same, on what there is with the patch's side of each conflict and without rejected hunks, so that the
    landings speak of the whole series; these are ``provisional``. A landing with hunk 0 speaks of the
    file as a whole.
    """
    pristine: _Files = {path: read(path) for path in series.paths()}
    files = dict(pristine)
    landings: list[PatchLanding] = []
    prefixes: list[Overlay] = [{}]
    tried: list[Overlay] = [{}]
    patches: list[Patch] = []
    repairs: list[Repair | None] = []
    for given in series.patches:
        deadline.check(f"{series.source or series.name}: applying")
        mended = repair(given, files.get) if given.damaged else None
        patch = mended.patch if mended is not None else given
        firm = len(landings) == len(prefixes) - 1
        if patch.damaged:
            hunks = _not_repaired(patch, mended)
        else:
            files, hunks = _put_on(patch, files, scratch, deadline)
        landings.append(_landing(patch, _told(hunks, mended), firm))
        tried.append({path: data for path, data in files.items() if data != pristine[path]})
        if firm and landings[-1].status == "applied":
            prefixes.append(tried[-1])
        patches.append(patch)
        repairs.append(mended)
    return Applied(
        landings=tuple(landings),
        prefixes=tuple(prefixes),
        patches=tuple(patches),
        repairs=tuple(repairs),
        tried=tuple(tried),
    )


def require_whole(applied: Applied, series: Series, tree: Tree) -> None:
    """UserError, one line with patch, hunk and reason, unless all of *series* went on *tree*."""
    for landing, patch in zip(applied.landings, applied.patches or series.patches, strict=True):
        for hunk in landing.hunks:
            if hunk.status in _OFF:
                raise UserError(
                    f"{series.source or series.name}: patch {patch.number}/{patch.total} {patch.subject!r} "
                    f"does not apply to {tree.name} {tree.version.text}: {hunk.file}"
                    f"{_which(patch, hunk)}: {hunk.reason}; nothing was changed"
                )


def _which(patch: Patch, hunk: HunkLanding) -> str:
    """`` hunk 4 (line 123)``: the line of the file before the patch."""
    if not hunk.hunk:
        return ""
    for change, hunks in hunks_of(patch) if not patch.damaged else ():
        if change.path == hunk.file and hunk.hunk <= len(hunks):
            return f" hunk {hunk.hunk} (line {hunks[hunk.hunk - 1].old_start})"
    return f" hunk {hunk.hunk}"


def _landing(patch: Patch, hunks: tuple[HunkLanding, ...], firm: bool) -> PatchLanding:
    off = {hunk.status for hunk in hunks if hunk.status in _OFF}
    status = "rejected" if "rejected" in off else "conflict" if off else "applied"
    return PatchLanding(
        number=patch.number, subject=patch.subject, status=status, hunks=hunks, provisional=not firm
    )


def _not_repaired(patch: Patch, mended: Repair | None) -> tuple[HunkLanding, ...]:
    reason = f"its white space was lost and could not be found again: {mended.reason if mended else ''}"
    return (HunkLanding(file=patch.damaged[0].path, hunk=0, status="rejected", reason=reason),)


def _told(hunks: tuple[HunkLanding, ...], mended: Repair | None) -> tuple[HunkLanding, ...]:
    """*hunks* with what their repair guessed; those that went on as they are count as ``repaired``."""
    if mended is None:
        return hunks
    guessed = {(one.file, one.hunk): one.guessed for one in mended.hunks}
    return tuple(
        msgspec.structs.replace(
            hunk,
            status="repaired" if hunk.status in ("clean", "offset") else hunk.status,
            guessed=guessed.get((hunk.file, hunk.hunk), 0),
        )
        for hunk in hunks
    )


def _put_on(
    patch: Patch, before: _Files, scratch: Path, deadline: Deadline
) -> tuple[_Files, tuple[HunkLanding, ...]]:
    """The files after *patch*, as far as it went on, and where its hunks landed."""
    files = dict(before)
    sections: list[Section] = []
    for change, wanted in hunks_of(patch):
        source = None if _is_new(change) else files[change.old_path]
        landed = _land_file(change, wanted, files, source)
        sections.append(Section(change=change, landed=landed, source=source))
        _take(files, change, landed)
    hunks = tuple(hunk for section in sections for hunk in section.landed.hunks)
    if any(hunk.status in _OFF for hunk in hunks):
        return files, hunks
    if why := refused_by_git(patch, sections, scratch, deadline):
        path = patch.files[0].path if patch.files else ""
        return before, (*hunks, HunkLanding(file=path, hunk=0, status="rejected", reason=why))
    return files, hunks


def _take(files: _Files, change: FileChange, landed: Landed) -> None:
    """Let *files* be as they are after *change*; what was refused as a whole changes none."""
    if any(hunk.status == "rejected" for hunk in landed.hunks) and (
        change.kind != "modified" or landed.refused
    ):
        return
    if change.kind in ("deleted", "renamed"):
        files[change.old_path] = None
    if change.kind != "deleted":
        files[change.path] = landed.data


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
    same = source is not None and len(change.old_blob) >= _BLOB_DIGITS and _is_blob(source, change.old_blob)
    landed = land(source or b"", wanted, change.path, same_base=same)
    if change.kind == "deleted" and landed.whole and landed.data:
        return _refused(change.path, whole, "has lines that the patch does not take away with it")
    return landed


def _is_blob(data: bytes, abbreviated: str) -> bool:
    """True when git knows *data* by this name (a blob's: SHA-1 over type, length and contents)."""
    named = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return named.startswith(abbreviated.lower())


def _refused(path: str, hunk: int, reason: str) -> Landed:
    landing = HunkLanding(file=path, hunk=hunk, status="rejected", reason=reason)
    return Landed(data=b"", hunks=(landing,), refused=True)
