# SPDX-License-Identifier: GPL-2.0-only
"""The hunks of a normalised patch as lines of bytes, for whoever puts them on a tree."""

from __future__ import annotations

import msgspec
from unidiff.constants import LINE_TYPE_NO_NEWLINE
from unidiff.patch import Hunk, PatchSet

from harness.series.model import FileChange, Patch


class HunkLines(msgspec.Struct, frozen=True, kw_only=True):
    """One hunk: what it wants to find, and what it leaves; lines keep their LF."""

    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    old_start: int
    """1-based line, as the header has it; 0 when the old side is empty"""
    new_start: int
    trailing: int
    """context lines after the last changed one"""
    section: str = ""
    """what stands behind the second ``@@``"""
    marks: str = ""
    """the marker of each line in order: blank, ``-`` or ``+``; empty when nobody kept them"""


def hunks_of(patch: Patch) -> tuple[tuple[FileChange, tuple[HunkLines, ...]], ...]:
    """The patch's files in order, each with its hunks."""
    sections = PatchSet(patch.diff.decode("utf-8", "surrogateescape"))
    return tuple(
        (change, tuple(_lines(hunk) for hunk in section))
        for change, section in zip(patch.files, sections, strict=True)
    )


def _lines(hunk: Hunk) -> HunkLines:
    old: list[bytes] = []
    new: list[bytes] = []
    marks: list[str] = []
    trailing = 0
    sides: list[list[bytes]] = []
    for line in hunk:
        if line.line_type == LINE_TYPE_NO_NEWLINE:
            for side in sides:  # of the line before: its LF is not there
                side[-1] = side[-1].removesuffix(b"\n")
            continue
        sides = [side for side, there in ((old, not line.is_added), (new, not line.is_removed)) if there]
        for side in sides:
            side.append(line.value.encode("utf-8", "surrogateescape"))
        trailing = trailing + 1 if line.is_context else 0
        marks.append(line.line_type or " ")
    return HunkLines(
        old=tuple(old),
        new=tuple(new),
        old_start=hunk.source_start,
        new_start=hunk.target_start,
        trailing=trailing,
        section=hunk.section_header,
        marks="".join(marks),
    )
