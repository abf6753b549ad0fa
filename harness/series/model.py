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
    """the normalised diff, ``-p1``, LF line ends, nothing but file headers and hunks"""
    files: tuple[FileChange, ...]
    origin: str
    """file (and message or line) that it was read from, for errors"""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Patches in the order in which they apply."""

    name: str
    version: int
    patches: tuple[Patch, ...]
    missing: tuple[int, ...] = ()
    source: str = ""

    def paths(self) -> tuple[str, ...]:
        """Every file that the series touches, before or after, each once, in order of appearance."""
        seen: dict[str, None] = {}
        for patch in self.patches:
            for change in patch.files:
                seen.setdefault(change.old_path)
                seen.setdefault(change.path)
        return tuple(seen)
