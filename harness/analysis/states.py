# SPDX-License-Identifier: GPL-2.0-only
"""The files of a tree in each state of a series, parsed; a file that stays the same is parsed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cache, cached_property

from harness.analysis.lines import Changed, changed
from harness.analysis.source import Source
from harness.series.model import Patch
from harness.tree.model import Applied, Overlay

Read = Callable[[str], bytes | None]


class Parsed:
    """Sources by path and content; our rules and the outside tools ask for them at the same time."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, bytes], Source] = {}
        self._lines: dict[tuple[bytes | None, bytes | None], Changed] = {}
        self._lock = threading.Lock()

    def source(self, path: str, data: bytes) -> Source:
        """*data*, parsed as the file *path*."""
        with self._lock:
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

    def function(self, path: str, line: int) -> str:
        """The name of the function around *line* of *path*; empty outside."""
        source = self.source(path) if path.endswith((".c", ".h")) else None
        found = source.function_at(line) if source else None
        return found.name if found else ""


class States:
    """The tree with 0, 1, … patches of a series on, as far as the series went on."""

    def __init__(self, applied: Applied, read: Read) -> None:
        self._applied = applied
        self.parsed = Parsed()
        once = cache(read)  # the rules look for each header in several places, in every state
        self._each = [State(once, overlay, self.parsed) for overlay in applied.prefixes]

    def __getitem__(self, state: int) -> State:
        return self._each[state]

    def __iter__(self) -> Iterator[State]:
        return iter(self._each)

    def __len__(self) -> int:
        return len(self._each)

    @property
    def last(self) -> int:
        """The number of patches that are on at the end."""
        return len(self._each) - 1

    @property
    def patches(self) -> tuple[Patch, ...]:
        """The patches as they were put on, where that is known."""
        return self._applied.patches[: self.last]

    def number(self, state: int) -> int:
        """The number of the patch that leads to *state* from the one before."""
        return self._applied.landings[state - 1].number

    def offsets(self, state: int) -> dict[tuple[str, int], int]:
        """How far from its place each hunk of the last patch of *state* landed, by file and hunk number."""
        return {(one.file, one.hunk): one.offset for one in self._applied.landings[state - 1].hunks}

    @cached_property
    def touched(self) -> tuple[str, ...]:
        """The files that are another at the end than before, and are still there; sorted."""
        return tuple(sorted(path for path, data in self[self.last].overlay.items() if data is not None))
