# SPDX-License-Identifier: GPL-2.0-only
"""configs/analysis/local-names.yaml: the names of kernel functions that the local rules know."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from harness.paths import CONFIGS
from harness.tables import load

TABLE = CONFIGS / "analysis" / "local-names.yaml"


class FlagPair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the test and the set function of a flag are named; ``{X}`` stands for the flag's own name."""

    test: str
    set: str

    def test_of(self, name: str) -> str:
        """The test that belongs to the set function *name*; empty when *name* is none of this pair."""
        before, _, after = self.set.partition("{X}")
        middle = name[len(before) : len(name) - len(after)]
        fits = name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
        return self.test.replace("{X}", middle) if fits else ""


class Names(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table; the comments of the file say what each key is."""

    reads: dict[str, str]
    takes_words: frozenset[str]
    drops_words: frozenset[str]
    no_lock: frozenset[str]
    takes: frozenset[str]
    drops: frozenset[str]
    held: frozenset[str]
    flags: tuple[FlagPair, ...]
    tests_and_sets: frozenset[str]
    allocates: frozenset[str]
    publishes: dict[str, int]
    initialises: dict[str, int]
    queues_callback: frozenset[str]
    waits_for_readers: frozenset[str]
    waits_for_callbacks: frozenset[str]
    tears_down: frozenset[str]
    hotplug: tuple[str, ...]
    queues: tuple[str, ...]
    must_check: frozenset[str]
    asserts: frozenset[str]
    unused: tuple[str, ...]
    include_roots: tuple[str, ...]
    asm_roots: tuple[str, ...]
    field_users: tuple[str, ...]


@cache
def shipped() -> Names:
    """The table that comes with the project. UserError with file and line when it is not well formed."""
    return load_names(TABLE)


def load_names(path: Path) -> Names:
    """Read a table. UserError "PATH:LINE: …" when it is not one."""
    return load(path, Names)
