# SPDX-License-Identifier: GPL-2.0-only
"""The files of a tree in each state of a series, parsed; a file that stays the same is parsed once."""

from __future__ import annotations

from collections.abc import Callable

from harness.analysis.lines import Changed, changed
from harness.analysis.source import Source
from harness.tree.model import Overlay

Read = Callable[[str], bytes | None]


class Parsed:
    """Sources by path and content."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, bytes], Source] = {}
        self._lines: dict[tuple[bytes | None, bytes | None], Changed] = {}

    def source(self, path: str, data: bytes) -> Source:
        """*data*, parsed as the file *path*."""
        known = self._sources.get((path, data))
        if known is None:
            known = self._sources[path, data] = Source(path, data)
        return known

    def changed(self, before: bytes | None, after: bytes | None) -> Changed:
        """The lines in which *before* and *after* differ."""
        known = self._lines.get((before, after))
        if known is None:
            known = self._lines[before, after] = changed(before, after)
        return known


class State:
    """The tree with the first k patches on."""

    def __init__(self, read: Read, overlay: Overlay, parsed: Parsed) -> None:
        self.overlay = overlay
        self._read = read
        self._parsed = parsed

    def read(self, path: str) -> bytes | None:
        """Contents of *path*; None when there is no such file in this state."""
        return self.overlay[path] if path in self.overlay else self._read(path)

    def source(self, path: str) -> Source | None:
        """*path*, parsed; None when there is no such file in this state."""
        data = self.read(path)
        return None if data is None else self._parsed.source(path, data)
