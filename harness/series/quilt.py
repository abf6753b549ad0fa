# SPDX-License-Identifier: GPL-2.0-only
"""quilt's ``series`` file: one patch a line, ``#`` comments, ``-pN`` after the name (quilt(1)).

Guards, as guards(1) of the SUSE kernel's series.conf has them before the name (``+xen x.patch``) and
Mercurial's mq and guilt behind it (``x.patch #+xen``): no guard is selected here, so a positive one
leaves a patch out and a negative one does not. And the names of mmotm's broken-out directory, where
``x-fix.patch`` is to be folded into ``x.patch``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.errors import UserError
from harness.series.files import read_bounded
from harness.series.packed import SUFFIXES, plain_path

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_MQ_GUARD = re.compile(r"#([+-][^-+#\s][^#\s]*)")  # as mq.py has it
_GUARD = re.compile(r"[+-][^\s#]*$")
_LEVEL = re.compile(r"-p(ab|\d{1,2})$")
# "-fix", "-fix-2", "-fix-fix", "-checkpatch-fixes", "-build-fix", "-update"
_FIX = re.compile(r"-(?:[a-z0-9_.]{1,40}-){0,6}?(?:fix(?:es)?|update)(?:-\d{1,3})?$")
_LONGEST = 1000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One patch of the stack."""

    path: Path
    level: int | None
    """of ``-pN``; None when the line does not say"""
    name: str
    """as the series file has it, without the suffix of a compressed file"""


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """The patches of a series file, in order."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...]


def series_file(directory: Path) -> Path | None:
    """The series file of a quilt directory, or of a tree whose patches/ is one."""
    candidates = (directory / "series", directory / "patches" / "series")
    return next((path for path in candidates if path.is_file()), None)


def read_stack(series: Path) -> Stack:
    """The patches that *series* names, in order. UserError, with the line, for one that is not there."""
    lines = read_bounded(series).decode("utf-8", "replace").splitlines()
    stack: list[Entry] = []
    notes: list[str] = []
    for number, line in enumerate(lines, 1):
        words, before, behind = _taken_apart(line[:_LONGEST])
        if not words:
            continue
        if why := _left_out(before, behind):
            shown = ascii(" ".join([words[0], *before, *behind])[:200])
            notes.append(f"{series.name}:{number}: {shown} left out, {why}")
            continue
        stack.append(_entry(series, number, words))
    if not stack:
        raise UserError(f"{series}: names no patch that is selected; add one a line")
    return Stack(entries=tuple(stack), notes=tuple(notes))


def folded(names: list[str]) -> list[str]:
    """For each of *names*, file names of a stack in order, the stem that it is folded into, or empty.

    mmotm's convention: ``x-fix``, ``x-fix-fix`` and ``x-checkpatch-fixes`` after ``x`` all go into ``x``.
    """
    roots: dict[str, str] = {}
    found: list[str] = []
    for name in names:
        stem = Path(name).stem
        fixes = _root(stem, roots) if stem else ""
        roots[stem] = fixes or stem
        found.append(fixes)
    return found


def _root(stem: str, roots: Mapping[str, str]) -> str:
    for at in range(len(stem) - 1, 0, -1):
        if stem[at] == "-" and stem[:at] in roots and _FIX.fullmatch(stem[at:][:200]):
            return roots[stem[:at]]
    return ""


def _taken_apart(line: str) -> tuple[list[str], list[str], list[str]]:
    """The words of a line without comments, and the guards before and behind the name of its patch."""
    comment = _COMMENT.search(line)
    behind = _MQ_GUARD.findall(comment[0]) if comment else []
    words = _COMMENT.sub("", line).split()
    at = next((at for at, word in enumerate(words) if not _GUARD.match(word)), len(words))
    return words[at:], words[:at], behind


def _left_out(before: list[str], behind: list[str]) -> str:
    """Why a patch with these guards is not applied while none is selected; empty when it is.

    guards(1): the last guard before the name that matches decides; those with ``!`` match what is not
    selected, ``-`` alone always matches; if none does, a ``+`` leaves the patch out. mq and guilt
    behind the name: a positive guard that is not selected leaves it out.
    """
    last = next((guard for guard in reversed(before) if guard == "-" or guard[1:2] == "!"), "")
    if last == "-":
        return "as '-' before it says"
    if last.startswith("-"):
        return f"as its guard {last[2:]!a:.80} is not selected"
    if any(guard.startswith("+") for guard in [*([] if last else before), *behind]):
        return "its guard is not selected"
    return ""


def _entry(series: Path, number: int, words: list[str]) -> Entry:
    name, options = words[0], words[1:]
    level = None
    for option in options:
        if option == "-R":
            raise UserError(
                f"{series}:{number}: '-R' (applied in reverse) cannot be; reverse the patch, take out -R"
            )
        found = _LEVEL.match(option)
        if not found:
            raise UserError(f"{series}:{number}: {option!a} is not understood; only -pN may follow a name")
        level = 1 if found[1] == "ab" else int(found[1])
    path = series.parent / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"{series}:{number}: {name!a} lies outside the directory; move the patch into it")
    if not path.exists():
        path = next((packed for packed in _packed(path) if packed.exists()), path)
    if not path.exists():
        raise UserError(f"{series}:{number}: patch {name!a} is not there; add the file or take out the line")
    return Entry(path=path, level=level, name=str(plain_path(Path(name))))


def _packed(path: Path) -> list[Path]:
    """Where *path* is when it was compressed after the series file was written."""
    return [path.with_name(path.name + suffix) for suffix in SUFFIXES]
