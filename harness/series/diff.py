# SPDX-License-Identifier: GPL-2.0-only
"""The diff of one patch, brought to one form: ``-p1``, git headers, LF, nothing but headers and hunks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from unidiff.constants import LINE_TYPE_EMPTY, SUBMODULE_FILE_MODE, SYMLINK_FILE_MODE
from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from harness.series.lines import diff_lines
from harness.series.model import FileChange
from harness.series.names import DEV_NULL, plain_name, strip, strip_evidence, unsafe
from harness.series.subject import one_line
from harness.series.text import Text

_REPAIR = "get the patch anew, as it was sent"
_TAKE_OUT = "no such file can be patched here; take it out of the patch"
_EPOCH = ("1970-01-01", "1969-12-31")


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """A patch's changes: as bytes for ``git apply -p1``, and file by file in the same order."""

    data: bytes
    files: tuple[FileChange, ...]


class _Names(msgspec.Struct, frozen=True, kw_only=True):
    """The two names of a file, stripped, and what happens to it."""

    old: str
    new: str
    kind: str
    copied: bool = False


def read_diff(text: Text, level: int | None = None) -> Diff | None:
    """The diff in *text*, or None when there is none. *level* is ``-p`` where the series file says it.

    Raises UserError naming the patch and the line or the path: malformed, binary, names a path
    outside the tree, makes a symbolic link.
    """
    lines = diff_lines(text)
    if not any(line.startswith(("diff --git ", "--- ")) for _, line in lines):
        return None
    parsed = _parse(text, lines)
    levels = [strip_evidence(*_raw_names(file)) for file in parsed]
    shown = next((found for found in levels if found is not None), 1)
    data: list[str] = []
    changes: list[FileChange] = []
    for file, found in zip(parsed, levels, strict=True):
        depth = level if level is not None else found if found is not None else shown
        names = _names(text, file, depth)
        data.append(_written(file, names))
        changes.append(
            FileChange(
                path=names.new,
                kind=names.kind,
                old_path=names.old,
                added=file.added,
                removed=file.removed,
                hunks=len(file),
            )
        )
    return Diff(data="".join(data).encode("utf-8", "surrogateescape"), files=tuple(changes))


def _parse(text: Text, lines: list[tuple[int, str]]) -> PatchSet:
    """unidiff's view of *lines*; its complaint becomes ours, at the line that it had got to."""
    last = 0

    def feed() -> Iterator[str]:
        nonlocal last
        for place, line in lines:
            last = place
            yield line

    try:
        parsed = PatchSet(feed())
    except (UnidiffParseError, ValueError) as error:
        what = one_line(str(error))
        raise text.refused(f"malformed diff: {what[:1].lower()}{what[1:120]}", _REPAIR, last) from None
    for file in parsed:
        if not file and file.patch_info is None:
            place = lines[(file.diff_line_no or 1) - 1][0]
            raise text.refused("malformed diff: a file header without hunks", _REPAIR, place)
    return parsed


def _raw_names(file: PatchedFile) -> tuple[str, str]:
    old, new = plain_name(file.source_file), plain_name(file.target_file)
    return (new if old == f"{new}.orig" else old), new


def _info(file: PatchedFile, key: str) -> str | None:
    """What git's extended header says after *key*, e.g. ``rename from``."""
    for line in file.patch_info or ():
        if line.startswith(f"{key} "):
            return plain_name(line[len(key) + 1 :].rstrip("\n"))
    return None


def _names(text: Text, file: PatchedFile, level: int) -> _Names:
    """Strip, check and compare the names of *file*; renames are believed from git's headers alone."""
    raw_old, raw_new = _raw_names(file)
    for verb, copied in (("rename", False), ("copy", True)):
        source, target = _info(file, f"{verb} from"), _info(file, f"{verb} to")
        if source is not None and target is not None:
            _refuse_unsafe(text, source, target)
            return _Names(old=source, new=target, kind="added" if copied else "renamed", copied=copied)
    _refuse_unsafe(text, *(name for name in (raw_old, raw_new) if name != DEV_NULL))
    if {file.source_mode, file.target_mode} & {SYMLINK_FILE_MODE, SUBMODULE_FILE_MODE}:
        name = raw_new if raw_old == DEV_NULL else raw_old
        raise text.refused(f"{name!r} is a symbolic link or a submodule", _TAKE_OUT)
    old, new = strip(raw_old, level), strip(raw_new, level)
    kind = _kind(file)
    path = old if new == DEV_NULL else new
    _refuse_unsafe(text, path)
    if DEV_NULL not in (old, new) and old != new:
        raise text.refused(
            f"malformed diff: {raw_old!r} and {raw_new!r} are two files",
            "make it a git rename, or mend the names",
        )
    return _Names(old=path, new=path, kind=kind)


def _refuse_unsafe(text: Text, *names: str) -> None:
    for name in names:
        if why := unsafe(name):
            shown = ascii(name[:200])
            raise text.refused(f"{text.subject.text!r}: {shown} {why}", "refused; take it out of the patch")


def _kind(file: PatchedFile) -> str:
    """Added and deleted as git's header says; without one, as /dev/null, the epoch or empty sides say."""
    git = file.patch_info is not None
    old_epoch = (file.source_timestamp or "").startswith(_EPOCH)
    new_epoch = (file.target_timestamp or "").startswith(_EPOCH)
    if file.source_file == DEV_NULL or (not git and (file.is_added_file or old_epoch)):
        return "added"
    if file.target_file == DEV_NULL or (not git and (file.is_removed_file or new_epoch)):
        return "deleted"
    return "modified"


def _written(file: PatchedFile, names: _Names) -> str:
    """The file's section in the one form. A name with a blank gets a tab after it, as git does."""
    head = [f"diff --git a/{names.old} b/{names.new}"]
    if names.kind == "renamed" or names.copied:
        verb = "copy" if names.copied else "rename"
        head += [f"{verb} from {names.old}", f"{verb} to {names.new}"]
    elif names.kind == "added":
        head.append(f"new file mode {file.target_mode or '100644'}")
    elif names.kind == "deleted":
        head.append(f"deleted file mode {file.source_mode or '100644'}")
    if file.source_mode and file.target_mode and file.source_mode != file.target_mode:
        head[1:1] = [f"old mode {file.source_mode}", f"new mode {file.target_mode}"]
    if file:
        added, deleted = names.kind == "added" and not names.copied, names.kind == "deleted"
        head.append(f"--- {DEV_NULL if added else _side('a', names.old)}")
        head.append(f"+++ {DEV_NULL if deleted else _side('b', names.new)}")
    return "\n".join(head) + "\n" + "".join(_hunk(hunk) for hunk in file)


def _side(prefix: str, name: str) -> str:
    return f"{prefix}/{name}\t" if " " in name else f"{prefix}/{name}"


def _hunk(hunk: Hunk) -> str:
    """The hunk as text, without the blank lines that unidiff hangs on after its end."""
    header = str(hunk).split("\n", 1)[0]
    return f"{header}\n" + "".join(str(line) for line in hunk if line.line_type != LINE_TYPE_EMPTY)
