# SPDX-License-Identifier: GPL-2.0-only
"""The diff of one patch, brought to one form: ``-p1``, git headers, LF, nothing but headers and hunks.

Or, where white space was lost on the way, its hunks as they are left.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from unidiff.constants import LINE_TYPE_EMPTY
from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from harness.errors import UserError
from harness.series.archive import (
    LooseFile,
    blanks_collapsed,
    collapsed,
    loose_files,
    tabs_expanded,
    white_space_lost,
)
from harness.series.change import Change, FileHeader, change_of, header_of, raw_names
from harness.series.lines import MOST_LINES, DiffLines, diff_lines, lf_lines
from harness.series.model import DamagedFile, FileChange
from harness.series.names import DEV_NULL, strip_evidence
from harness.series.subject import one_line
from harness.series.text import Text

_REPAIR = "get the patch anew, as it was sent"


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """A patch's changes: as bytes for ``git apply -p1``, and file by file in the same order."""

    data: bytes
    """empty when ``damaged`` is not"""
    files: tuple[FileChange, ...]
    damaged: tuple[DamagedFile, ...] = ()
    notes: tuple[str, ...] = ()
    """what had to be put right, one phrase each"""


def read_diff(text: Text, level: int | None = None) -> Diff | None:
    """The diff in *text*, or None when there is none. *level* is ``-p`` where the series file says it.

    Raises UserError naming the patch and the line or the path: malformed, binary, names a path
    outside the tree, makes a symbolic link, too long.
    """
    lines = lf_lines(text)
    try:
        found = diff_lines(text, lines)
        if not any(line.startswith(("diff --git ", "--- ")) for _, line in found.lines):
            return None
        parsed = _parse(text, found)
    except UserError:
        if white_space_lost(lines):
            return _read_damaged(text, lines, level, "white space was lost, markers of context too")
        raise
    if "\t" not in text.body and blanks_collapsed(lines):
        return _read_damaged(text, lines, level, "runs of blanks and tabs were made one blank")
    if "\t" not in text.body and tabs_expanded([line.removesuffix("\n") for _, line in found.lines]):
        return _read_damaged(text, [collapsed(line) for line in lines], level, "tabs were made blanks")
    headers = [header_of(file) for file in parsed]
    changes = _changes(text, headers, level)
    return Diff(
        data="".join(map(_written, parsed, changes)).encode("utf-8", "surrogateescape"),
        files=tuple(
            _file_change(change, file.added, file.removed, len(file))
            for file, change in zip(parsed, changes, strict=True)
        ),
        notes=found.notes,
    )


def _read_damaged(text: Text, lines: list[str], level: int | None, note: str) -> Diff:
    if len(lines) > MOST_LINES:
        raise text.refused(f"over {MOST_LINES} lines", "give it in several patches")
    loose = loose_files(text, lines)
    changes = _changes(text, [_loose_header(file) for file in loose], level)
    return Diff(
        data=b"",
        files=tuple(
            _file_change(change, _marked(file, "+"), _marked(file, "-"), len(file.hunks))
            for file, change in zip(loose, changes, strict=True)
        ),
        damaged=tuple(
            DamagedFile(path=change.new, kind=change.kind, hunks=tuple(hunk.hunk for hunk in file.hunks))
            for file, change in zip(loose, changes, strict=True)
        ),
        notes=(note,),
    )


def _loose_header(file: LooseFile) -> FileHeader:
    old, _, old_stamp = file.old.partition("\t")
    new, _, new_stamp = file.new.partition("\t")
    hunks = [hunk.hunk for hunk in file.hunks]
    return FileHeader(
        old=old,
        new=new,
        old_stamp=old_stamp,
        new_stamp=new_stamp,
        adds_all=all(hunk.old_start == 0 and hunk.old_count == 0 for hunk in hunks),
        removes_all=all(hunk.new_start == 0 and hunk.new_count == 0 for hunk in hunks),
    )


def _marked(file: LooseFile, mark: str) -> int:
    return sum(line.startswith(mark) for hunk in file.hunks for line in hunk.hunk.lines)


def _changes(text: Text, headers: list[FileHeader], level: int | None) -> list[Change]:
    """Every file's change; a file that does not show its ``-p`` level has that of the others."""
    levels = [strip_evidence(*raw_names(header)) for header in headers]
    shown = next((found for found in levels if found is not None), 1)
    return [
        change_of(text, header, level if level is not None else shown if found is None else found)
        for header, found in zip(headers, levels, strict=True)
    ]


def _file_change(change: Change, added: int, removed: int, hunks: int) -> FileChange:
    return FileChange(
        path=change.new,
        kind=change.kind,
        old_path=change.old,
        added=added,
        removed=removed,
        hunks=hunks,
        old_blob=change.old_blob,
        new_blob=change.new_blob,
    )


def _parse(text: Text, found: DiffLines) -> PatchSet:
    """unidiff's view of the lines; its complaint becomes ours, at the line that it had got to."""
    last = 0

    def feed() -> Iterator[str]:
        nonlocal last
        for place, line in found.lines:
            last = place
            yield line

    try:
        parsed = PatchSet(feed())
    except (UnidiffParseError, ValueError) as error:
        what = one_line(str(error))
        raise text.refused(
            f"malformed diff: {what[:1].lower()}{ascii(what[1:120])[1:-1]}", _REPAIR, last
        ) from None
    for file in parsed:
        if not file and file.patch_info is None:
            place = found.lines[(file.diff_line_no or 1) - 1][0]
            raise text.refused("malformed diff: a file header without hunks", _REPAIR, place)
    return parsed


def _written(file: PatchedFile, change: Change) -> str:
    """The file's section in the one form. A name with a blank gets a tab after it, as git does."""
    head = [f"diff --git a/{change.old} b/{change.new}"]
    added, deleted = change.kind == "added" and not change.copied, change.kind == "deleted"
    if added:
        head.append(f"new file mode {change.new_mode or '100644'}")
    elif deleted:
        head.append(f"deleted file mode {change.old_mode or '100644'}")
    elif change.old_mode and change.new_mode and change.old_mode != change.new_mode:
        head += [f"old mode {change.old_mode}", f"new mode {change.new_mode}"]
    if change.kind == "renamed" or change.copied:
        verb = "copy" if change.copied else "rename"
        head += [f"{verb} from {change.old}", f"{verb} to {change.new}"]
    if change.old_blob or change.new_blob:
        head.append(f"index {change.old_blob or '0' * 7}..{change.new_blob or '0' * 7}")
    if file:
        head.append(f"--- {DEV_NULL if added else _side('a', change.old)}")
        head.append(f"+++ {DEV_NULL if deleted else _side('b', change.new)}")
    return "\n".join(head) + "\n" + "".join(_hunk(hunk) for hunk in file)


def _side(prefix: str, name: str) -> str:
    return f"{prefix}/{name}\t" if " " in name else f"{prefix}/{name}"


def _hunk(hunk: Hunk) -> str:
    """The hunk as text, without the blank lines that unidiff hangs on after its end."""
    header = str(hunk).split("\n", 1)[0]
    return f"{header}\n" + "".join(str(line) for line in hunk if line.line_type != LINE_TYPE_EMPTY)
