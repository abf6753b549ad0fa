# SPDX-License-Identifier: GPL-2.0-only
"""What the headers of one file in a diff say: its name in the tree, and what happens to it; checked."""

from __future__ import annotations

import re

import msgspec
from unidiff.patch import PatchedFile

from harness.series.names import DEV_NULL, plain_name, strip, unsafe
from harness.series.text import Text

_TAKE_OUT = "no such file can be patched here; take it out of the patch"
_EPOCH = ("1970-01-01", "1969-12-31", "Thu Jan  1", "Thu Jan 1", "Wed Dec 31")
_MODES = frozenset({"100644", "100755", "100664"})
"""git's modes of regular files; 100664 is of its first months"""
_MODE_LINE = re.compile(r"(?:old mode|new mode|new file mode|deleted file mode) (\d{1,9})$")
_INDEX = re.compile(r"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: (\d{6}))?$")
_NO_BLOB = re.compile("0+")


class FileHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A file's headers as they stand in the diff."""

    old: str
    new: str
    old_stamp: str = ""
    new_stamp: str = ""
    info: tuple[str, ...] = ()
    """git's extended header lines"""
    git: bool = False
    adds_all: bool = False
    """its hunks leave nothing on the old side"""
    removes_all: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The two names of a file, stripped, and what happens to it."""

    old: str
    new: str
    kind: str
    copied: bool = False
    old_mode: str = ""
    new_mode: str = ""
    old_blob: str = ""
    new_blob: str = ""


def header_of(file: PatchedFile) -> FileHeader:
    """The headers of *file* as unidiff read them."""
    return FileHeader(
        old=file.source_file,
        new=file.target_file,
        old_stamp=file.source_timestamp or "",
        new_stamp=file.target_timestamp or "",
        info=tuple(line.rstrip("\n") for line in file.patch_info or ()),
        git=file.patch_info is not None,
        adds_all=file.is_added_file,
        removes_all=file.is_removed_file,
    )


def raw_names(header: FileHeader) -> tuple[str, str]:
    """Both names, quoting and backup suffixes gone, nothing stripped."""
    old, new = plain_name(header.old), plain_name(header.new)
    return (new if old == f"{new}.orig" else old), new


def change_of(text: Text, header: FileHeader, level: int) -> Change:
    """Strip *level* components, check and compare; renames are believed from git's headers alone.

    Raises UserError for a path outside the tree, for what is no regular file, and for two files.
    """
    _refuse_modes(text, header)
    old_mode, new_mode = _modes(header)
    old_blob, new_blob = _blobs(header)
    for verb, copied in (("rename", False), ("copy", True)):
        source, target = _info(header, f"{verb} from"), _info(header, f"{verb} to")
        if source is not None and target is not None:
            _refuse_unsafe(text, source, target)
            return Change(
                old=source,
                new=target,
                kind="added" if copied else "renamed",
                copied=copied,
                old_mode=old_mode,
                new_mode=new_mode,
                old_blob=old_blob,
                new_blob=new_blob,
            )
    raw_old, raw_new = raw_names(header)
    _refuse_unsafe(text, *(name for name in (raw_old, raw_new) if name != DEV_NULL))
    old, new = strip(raw_old, level), strip(raw_new, level)
    path = old if new == DEV_NULL else new
    _refuse_unsafe(text, path)
    if DEV_NULL not in (old, new) and old != new:
        raise text.refused(
            f"malformed diff: {raw_old!a:.300} and {raw_new!a:.300} are two files",
            "make it a git rename, or mend the names",
        )
    return Change(
        old=path,
        new=path,
        kind=_kind(header),
        old_mode=old_mode,
        new_mode=new_mode,
        old_blob=old_blob,
        new_blob=new_blob,
    )


def _info(header: FileHeader, key: str) -> str | None:
    """What git's extended header says after *key*, e.g. ``rename from``."""
    for line in header.info:
        if line.startswith(f"{key} "):
            return plain_name(line[len(key) + 1 :])
    return None


def _refuse_modes(text: Text, header: FileHeader) -> None:
    """Symbolic links and submodules, also where just the ``index`` line tells, and modes that git has not."""
    for line in header.info:
        found, index = _MODE_LINE.match(line), _INDEX.match(line)
        mode = found[1] if found else index[3] if index else None
        if mode and mode not in _MODES:
            name = plain_name(header.new if header.old == DEV_NULL else header.old)
            what = "is a symbolic link or a submodule" if mode in ("120000", "160000") else f"has mode {mode}"
            raise text.refused(f"{name!a:.300} {what}", _TAKE_OUT)


def _modes(header: FileHeader) -> tuple[str, str]:
    """The modes before and after, where the header says both; of an added or deleted file its one."""
    old = _info(header, "old mode") or _info(header, "deleted file mode")
    new = _info(header, "new mode") or _info(header, "new file mode")
    return _git_mode(old), _git_mode(new)


def _git_mode(mode: str | None) -> str:
    return "100644" if mode == "100664" else mode or ""


def _blobs(header: FileHeader) -> tuple[str, str]:
    """Blob ids of the ``index`` line; empty where there is no blob, or no such line."""
    for line in header.info:
        if found := _INDEX.match(line):
            old, new = ("" if _NO_BLOB.fullmatch(blob) else blob for blob in found.group(1, 2))
            return old, new
    return "", ""


def _refuse_unsafe(text: Text, *names: str) -> None:
    for name in names:
        if why := unsafe(name):
            shown = ascii(name[:200])
            raise text.refused(f"{text.subject.text!a}: {shown} {why}", "refused; take it out of the patch")


def _kind(header: FileHeader) -> str:
    """Added and deleted as git's header says; without one, as /dev/null, the epoch or empty sides say."""
    old_gone = header.adds_all or header.old_stamp.startswith(_EPOCH)
    new_gone = header.removes_all or header.new_stamp.startswith(_EPOCH)
    if header.old == DEV_NULL or (not header.git and old_gone):
        return "added"
    if header.new == DEV_NULL or (not header.git and new_gone):
        return "deleted"
    return "modified"
