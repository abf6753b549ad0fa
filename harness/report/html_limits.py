# SPDX-License-Identifier: GPL-2.0-only
"""How much of everything goes into a page."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of things and numbers of characters; what is above is left out, and that is said."""

    cases: int = 60
    """that did not pass, told at length"""
    reports: int = 6
    """console reports of one case"""
    frames: int = 32
    """of a stack"""
    one_console: int = 20_000
    consoles: int = 500_000
    diffs: int = 500_000
    commands: int = 60_000
    pictures: int = 120
    rows: int = 400
    """of any table"""
    columns: int = 60
    """of a table that has one for each night or plan"""
    reason: int = 600
    """characters of a sentence"""

    def halved(self) -> Limits:
        """The same with half of each."""
        return Limits(**{name: value // 2 for name, value in msgspec.structs.asdict(self).items()})


class Budget:
    """So much of one thing; ``left_out`` is what was asked for in vain."""

    def __init__(self, most: int) -> None:
        self._left = most
        self.left_out = 0

    def take(self, wanted: int) -> bool:
        """Whether *wanted* is still there; it is gone then."""
        if wanted > self._left:
            self.left_out += 1
            return False
        self._left -= wanted
        return True
