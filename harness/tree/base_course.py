# SPDX-License-Identifier: GPL-2.0-only
"""What a series does to one file of its base, patch by patch: what a base search has to score."""

from __future__ import annotations

import msgspec

from harness.series.hunks import HunkLines, hunks_of
from harness.series.model import DamagedHunk, FileChange, Patch, Series

WITHIN_LINE = b" \t\r\f\v"
"""white space but for line ends"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One patch's hunks for the file."""

    patch: int
    file: str
    """its name after the patch"""
    kind: str
    """as in :class:`FileChange`"""
    hunks: tuple[HunkLines, ...]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """All steps of a file, from the name that it has in the base."""

    path: str
    blob: str
    """its abbreviated blob id in the base, from git's ``index`` line; empty when there is none"""
    steps: tuple[Step, ...]
    squeezed: bool
    """white space was lost: the hunks' lines have none, and the file's are to be compared without theirs"""

    @property
    def fresh(self) -> bool:
        """True when the series makes the file, so that the base must not have it."""
        return self.steps[0].kind == "added"


def courses_of(series: Series) -> tuple[Course, ...]:
    """A course for each file of the base, in order of appearance; renames are followed.

    With one damaged patch in the series all are compared without white space: a later patch lands on
    what an earlier one made.
    """
    squeezed = any(patch.damaged for patch in series.patches)
    names: dict[str, str] = {}
    steps: dict[str, list[Step]] = {}
    blobs: dict[str, str] = {}
    for patch in series.patches:
        for change, hunks in _hunks(patch, squeezed):
            path = names.pop(change.old_path, change.old_path)
            names[change.path] = path
            blobs.setdefault(path, change.old_blob if change.old_blob.strip("0") else "")
            steps.setdefault(path, []).append(
                Step(patch=patch.number, file=change.path, kind=change.kind, hunks=hunks)
            )
    return tuple(
        Course(path=path, blob=blobs[path], steps=tuple(found), squeezed=squeezed)
        for path, found in steps.items()
    )


def _squeeze(line: bytes) -> bytes:
    return line.translate(None, WITHIN_LINE + b"\n")


def _hunks(patch: Patch, squeezed: bool) -> list[tuple[FileChange, tuple[HunkLines, ...]]]:
    if patch.damaged:
        changes = {change.path: change for change in patch.files}
        return [
            (changes[file.path], tuple(map(_from_damaged, file.hunks)))
            for file in patch.damaged
            if file.path in changes
        ]
    found = hunks_of(patch)
    if not squeezed:
        return list(found)
    return [(change, tuple(map(_squeezed, hunks))) for change, hunks in found]


def _from_damaged(hunk: DamagedHunk) -> HunkLines:
    """The context marker is lost: what does not begin with ``+`` or ``-`` is context."""
    marks: list[str] = []
    lines: list[bytes] = []
    for text in hunk.lines:
        mark = text[:1] if text[:1] in ("+", "-") else " "
        line = _squeeze((text if mark == " " else text[1:]).encode("utf-8", "surrogateescape"))
        if line:  # blank lines may be lost as well
            marks.append(mark)
            lines.append(line)
    return _marked(hunk.old_start, hunk.new_start, lines, marks)


def _squeezed(hunk: HunkLines) -> HunkLines:
    old, new = iter(hunk.old), iter(hunk.new)
    marks: list[str] = []
    lines: list[bytes] = []
    for mark in hunk.marks:
        line = next(new if mark == "+" else old)
        if mark == " ":
            next(new)
        if _squeeze(line):
            marks.append(mark)
            lines.append(_squeeze(line))
    return _marked(hunk.old_start, hunk.new_start, lines, marks)


def _marked(old_start: int, new_start: int, lines: list[bytes], marks: list[str]) -> HunkLines:
    joined = "".join(marks)
    return HunkLines(
        old=tuple(line for line, mark in zip(lines, marks, strict=True) if mark != "+"),
        new=tuple(line for line, mark in zip(lines, marks, strict=True) if mark != "-"),
        old_start=old_start,
        new_start=new_start,
        trailing=len(joined) - len(joined.rstrip(" ")),
        marks=joined,
    )
