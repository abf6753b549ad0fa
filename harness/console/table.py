# SPDX-License-Identifier: GPL-2.0-only
"""configs/console.yaml: how each kind of kernel report begins, what it is called and where it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import UserError
from harness.paths import CONFIGS
from harness.tables import load

TABLE = CONFIGS / "console.yaml"

_NAMED = re.compile(r"\(\?P<\w+>")


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way for a report to begin."""

    name: str
    kind: str
    severity: Literal["fatal", "bad", "note"]
    pattern: str
    """matched at the start of the kernel's message; groups function, file, line and what are used"""
    title: str
    """syzkaller's wording; {function} and {what} are filled in"""
    bare: str = ""
    """the title when no function could be found; {file}, {line} and {what} are filled in"""
    find: tuple[Literal["ip", "held", "trace"], ...] = ()
    """where the function is looked for, best first, when the pattern has none"""
    ends: Literal["line", "trace", "mark"]
    """with its first line, with its first stack, or with the kernel's ``---[ end`` mark"""
    until: str = ""
    """a line that ends it too"""
    lines: int = 200
    """it holds no more lines than these"""
    takes: tuple[str, ...] = ()
    """rows whose beginning, before the stack, is but a part of this report"""
    announces: tuple[str, ...] = ()
    """rows whose beginning takes this report over, which only announced it; ``*`` is any"""
    example: str
    """a line that it matches; tested"""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows, first match wins; and the functions that a stack is not named after."""

    rows: tuple[Row, ...]
    skip: tuple[str, ...]


@dataclass(frozen=True)
class Heads:
    """The table, ready to match."""

    table: Table

    @cached_property
    def _patterns(self) -> tuple[tuple[Row, re.Pattern[str]], ...]:
        return tuple((row, re.compile(row.pattern)) for row in self.table.rows)

    @cached_property
    def _any(self) -> re.Pattern[str]:
        """One test for lines that begin nothing, which nearly all are."""
        return re.compile("|".join(f"(?:{_NAMED.sub('(?:', row.pattern)})" for row in self.table.rows))

    @cached_property
    def skipped(self) -> frozenset[str]:
        """Functions that report, and so are on every stack of a report."""
        return frozenset(self.table.skip)

    def find(self, message: str) -> tuple[Row, dict[str, str]] | None:
        """The row that *message* begins a report of, and what its groups hold."""
        if self._any.match(message) is None:
            return None
        for row, pattern in self._patterns:
            match = pattern.match(message)
            if match:
                return row, {name: text for name, text in match.groupdict().items() if text}
        return None


def load_heads(path: Path = TABLE) -> Heads:
    """Read the table. UserError with the file and the row for a pattern that is none, or a name not known."""
    table = load(path, Table)
    names = {row.name for row in table.rows}
    for row in table.rows:
        for text in (row.pattern, row.until):
            try:
                re.compile(text)
            except re.error as error:
                raise UserError(f"{path}: row {row.name!r}: {text!r} is no pattern: {error}") from error
        unknown = sorted({*row.takes, *row.announces} - {*names, "*"})
        if unknown:
            raise UserError(f"{path}: row {row.name!r}: {unknown[0]!r} is no row; name one that is")
    return Heads(table)


@cache
def shipped() -> Heads:
    """The table that comes with the project."""
    return load_heads()
