# SPDX-License-Identifier: GPL-2.0-only
"""A series and its patches, as values."""

from __future__ import annotations

import msgspec


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one patch does to one file. Paths are relative to the tree, ``-p`` level already stripped."""

    path: str
    """the file after the patch; for a deletion, the file that goes"""
    kind: str
    """``modified``, ``added``, ``deleted`` or ``renamed``"""
    old_path: str
    """the file before the patch; equals ``path`` unless renamed"""
    added: int
    removed: int
    hunks: int
    old_blob: str = ""
    """abbreviated blob id of git's ``index`` line before the patch; empty when there is none"""
    new_blob: str = ""


class DamagedHunk(msgspec.Struct, frozen=True, kw_only=True):
    """A hunk whose white space was lost: its header, and its lines as they came."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    """what stands behind the second ``@@``"""
    lines: tuple[str, ...]
    """without line ends; the context marker is lost, ``+`` and ``-`` are not"""
    place: int
    """1-based line, in the file named by the patch's origin, of the first of ``lines``; 0 when not known"""


class DamagedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file's hunks of a damaged patch, in order; ``path`` and ``kind`` as in :class:`FileChange`."""

    path: str
    kind: str
    hunks: tuple[DamagedHunk, ...]


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """One patch of a series."""

    number: int
    """1-based position in the series"""
    total: int
    subject: str
    """without the ``[PATCH n/m]`` prefix"""
    author: str
    message_id: str
    """without angle brackets; empty when the form has none"""
    diff: bytes
    """the normalised diff, ``-p1``, LF line ends, nothing but file headers and hunks; empty if damaged"""
    files: tuple[FileChange, ...]
    origin: str
    """file (and message or line) that it was read from, for errors"""
    date: str = ""
    """as the mail has it; empty when the form has none"""
    description: str = ""
    """the text before the diff, without ``---`` and diffstat"""
    fixes: str = ""
    """mmotm: name of the patch of the same series that this one is folded into (``x`` for ``x-fix``)"""
    name: str = ""
    """file name in a quilt or broken-out directory, ``x-fix.patch``; empty in mailboxes"""
    damaged: tuple[DamagedFile, ...] = ()
    """not empty: white space was lost; ``diff`` has to be made by harness.series.repair against a tree"""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Patches in the order in which they apply."""

    name: str
    version: int
    patches: tuple[Patch, ...]
    missing: tuple[int, ...] = ()
    source: str = ""
    base_commit: str = ""
    """of a ``base-commit:`` trailer; empty when nobody said"""
    notes: tuple[str, ...] = ()
    """one line each: what reading left out or put right (replies, older versions, order, folds)"""

    def paths(self) -> tuple[str, ...]:
        """Every file that the series touches, before or after, each once, in order of appearance."""
        seen: dict[str, None] = {}
        for patch in self.patches:
            for change in patch.files:
                seen.setdefault(change.old_path)
                seen.setdefault(change.path)
        return tuple(seen)
