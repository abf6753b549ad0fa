# SPDX-License-Identifier: GPL-2.0-only
"""The hunks of a patch as a page shows them: remarks stand right below the line they are on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
_FILE = re.compile(r"(?:---|\+\+\+) (?:[ab]/)?([^\t\n]*)")
_NOWHERE = "/dev/null"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a hunk."""

    mark: str
    """blank, ``+``, ``-``, or a backslash for the remark that the file does not end with LF"""
    text: str
    """without its mark and its end"""
    new: int
    """1-based in the file after the patch; of a removed line, that of what follows it"""


class Hunk(msgspec.Struct, frozen=True, kw_only=True):
    """One hunk of one file."""

    file: str
    number: int
    """1-based within its file and patch"""
    old_start: int
    old_count: int
    new_count: int
    section: str
    lines: tuple[Line, ...]


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be said of a line: a finding, or where a kernel complained."""

    grade: str
    """``error``, ``warning`` or ``note``"""
    what: str
    text: str
    file: str = ""
    line: int = 0
    """1-based in the file with the whole series on; 0 where there is none"""
    source: str = ""
    """the line itself, where it is known"""
    surroundings: tuple[str, ...] = ()
    anchor: str = ""
    """id of an element that tells more"""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a hunk's lines, and what is said below its last."""

    lines: tuple[Line, ...]
    remarks: tuple[Remark, ...]


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """A hunk with its remarks, in stretches."""

    hunk: Hunk
    shown: tuple[Shown, ...]


def hunks_of_diff(diff: str) -> tuple[Hunk, ...]:
    """The hunks in *diff*, which may have been cut off in one of them."""
    found: list[Hunk] = []
    counts: dict[str, int] = {}
    old = new = ""
    rows = diff.split("\n")
    at = 0
    while at < len(rows):
        header = _HEADER.match(rows[at])
        if header is None:
            named = _FILE.match(rows[at])
            if named and rows[at].startswith("---"):
                old = named.group(1)
            elif named:
                new = named.group(1)
            at += 1
            continue
        lines, at = _body(rows, at + 1, header)
        file = old if new == _NOWHERE else new
        counts[file] = counts.get(file, 0) + 1
        found.append(
            Hunk(
                file=file,
                number=counts[file],
                old_start=int(header.group(1)),
                old_count=int(header.group(2) or 1),
                new_count=int(header.group(4) or 1),
                section=header.group(5),
                lines=lines,
            )
        )
    return tuple(found)


def _body(rows: Sequence[str], at: int, header: re.Match[str]) -> tuple[tuple[Line, ...], int]:
    """The lines of the hunk below *header*, and the row after them: its counts say how many they are."""
    olds, news = int(header.group(2) or 1), int(header.group(4) or 1)
    number = int(header.group(3))
    lines: list[Line] = []
    while at < len(rows) and (olds > 0 or news > 0 or rows[at].startswith("\\")):
        mark, text = rows[at][:1] or " ", rows[at][1:]
        if mark not in " +-\\":
            break
        lines.append(Line(mark=mark, text=text, new=number))
        olds -= mark in " -"
        news -= mark in " +"
        number += mark in " +"
        at += 1
    return tuple(lines), at


def at_the_end(line: int, later: Iterable[Iterable[Hunk]], file: str) -> int:
    """Where *line* of *file* is once the *later* patches are on; where it would be, if one removes it."""
    for hunks in later:
        shift = 0
        for hunk in hunks:
            if hunk.file != file or hunk.old_start > line:
                continue
            if line >= hunk.old_start + hunk.old_count:
                shift += hunk.new_count - hunk.old_count
            else:
                shift += _shift_within(hunk, line)
        line += shift
    return line


def _shift_within(hunk: Hunk, line: int) -> int:
    """By how much the lines of *hunk* before *line*, an old one of it, move that."""
    at, shift = hunk.old_start, 0
    for row in hunk.lines:
        if at >= line and row.mark != "+":
            break
        shift += (row.mark == "+") - (row.mark == "-")
        at += row.mark in " -"
    return shift


def landed(
    hunks: Sequence[Hunk], later: Sequence[Sequence[Hunk]], remarks: Sequence[Remark]
) -> tuple[tuple[Landed, ...], tuple[Remark, ...]]:
    """*hunks* of a patch with each of *remarks* at its line, and the remarks that are on none of them.

    *later* are the hunks of the patches that follow, which move lines.
    """
    ends = {
        (index, at): at_the_end(line.new, later, hunk.file)
        for index, hunk in enumerate(hunks)
        for at, line in enumerate(hunk.lines)
        if line.mark in "+ "
    }
    placed: dict[tuple[int, int], list[Remark]] = {}
    rest: list[Remark] = []
    for remark in remarks:
        key = _place(hunks, ends, remark)
        if key is None:
            rest.append(remark)
        else:
            placed.setdefault(key, []).append(remark)
    return (
        tuple(Landed(hunk=hunk, shown=_stretches(hunk, index, placed)) for index, hunk in enumerate(hunks)),
        tuple(rest),
    )


def _place(hunks: Sequence[Hunk], ends: dict[tuple[int, int], int], remark: Remark) -> tuple[int, int] | None:
    """Hunk and line that *remark* is on: the nearest of the same words, else the one of the same number."""
    here = {key: end for key, end in ends.items() if hunks[key[0]].file == remark.file}
    source = remark.source.strip()
    alike = [
        (abs(end - remark.line), key)
        for key, end in here.items()
        if source and hunks[key[0]].lines[key[1]].text.strip() == source
    ]
    if alike:
        return min(alike)[1]
    return next((key for key, end in here.items() if end == remark.line), None)


def _stretches(hunk: Hunk, index: int, placed: dict[tuple[int, int], list[Remark]]) -> tuple[Shown, ...]:
    shown: list[Shown] = []
    first = 0
    for at in range(len(hunk.lines)):
        remarks = placed.get((index, at), [])
        if remarks:
            shown.append(Shown(lines=hunk.lines[first : at + 1], remarks=tuple(remarks)))
            first = at + 1
    if first < len(hunk.lines):
        shown.append(Shown(lines=hunk.lines[first:], remarks=()))
    return tuple(shown)
