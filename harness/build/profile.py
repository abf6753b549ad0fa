# SPDX-License-Identifier: GPL-2.0-only
"""Which Kconfig symbols a kernel is built with: tables under configs/kconfig, by kernel version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec

from harness import tables
from harness.errors import UserError
from harness.span import check_bounds, covers
from harness.tree.model import Version

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9][A-Za-z0-9_]*$")]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """One row of a table: a symbol, what it shall be, in which versions, and why."""

    name: Name
    """without CONFIG_"""
    value: int | str
    """``y``, ``n``, a number, or a string (without its quotes)"""
    why: str
    since: str = ""
    until: str = ""
    """both included and as exact as they are written: ``3.5`` holds 3.5-rc1 and 3.5.7"""
    needed: bool = True
    """False: a tree that loses it is told about, not refused"""

    def __post_init__(self) -> None:
        check_bounds(self.since, self.until)

    def active(self, version: Version) -> bool:
        """True where this symbol is asked of a kernel of *version*."""
        return covers(version.numbers, self.since, self.until)

    def expected(self) -> str:
        """The value as a .config writes it, ``n`` for one that is not set."""
        if isinstance(self.value, str) and self.value not in ("y", "n"):
            return f'"{self.value}"'
        return str(self.value)

    def line(self) -> str:
        """The .config line that asks for it."""
        if self.value == "n":
            return f"# CONFIG_{self.name} is not set"
        return f"CONFIG_{self.name}={self.expected()}"


class Wanted(msgspec.Struct, frozen=True):
    """A row, and the table file that it stands in."""

    table: Path
    row: Row

    def where(self) -> str:
        """``FILE:LINE`` of the row, for an error."""
        pattern = re.compile(rf"name: {re.escape(self.row.name)}\b")
        lines = self.table.read_text(encoding="utf-8").splitlines()
        found = next((number for number, line in enumerate(lines, 1) if pattern.search(line)), 1)
        return f"{self.table}:{found}"


class Profile(msgspec.Struct, frozen=True):
    """A named choice of tables."""

    name: str
    rows: tuple[Wanted, ...]
    sees: tuple[str, ...] = ()
    """what a kernel built with it can show, in words"""
    misses: tuple[str, ...] = ()
    """what stays silent in it"""
    slow: float = 1.0
    """how much longer than in ``plain`` a workload needs to do enough"""

    def wanted(self, version: Version) -> tuple[Wanted, ...]:
        """The rows active for *version*, in order; of two rows for one symbol the later stays."""
        chosen = {wanted.row.name: wanted for wanted in self.rows if wanted.row.active(version)}
        return tuple(chosen.values())


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    symbols: tuple[Row, ...]


class _Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    tables: tuple[str, ...]
    why: str
    sees: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    slow: Annotated[float, msgspec.Meta(ge=1)] = 1.0


class _Profiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    profiles: tuple[_Choice, ...]


def load_profile(directory: Path, name: str) -> Profile:
    """Read profile *name* of *directory* (configs/kconfig) and its tables.

    UserError for a name, table, key or version that is wrong.
    """
    choices = tables.load(directory / "profiles.yaml", _Profiles).profiles
    choice = next((one for one in choices if one.name == name), None)
    if choice is None:
        known = ", ".join(one.name for one in choices)
        raise UserError(f"{directory / 'profiles.yaml'}: no profile {name!r}; it has {known}")
    rows: list[Wanted] = []
    for table in choice.tables:
        path = directory / f"{table}.yaml"
        rows += [Wanted(path, row) for row in tables.load(path, _Table).symbols]
    return Profile(name, tuple(rows), choice.sees, choice.misses, choice.slow)
