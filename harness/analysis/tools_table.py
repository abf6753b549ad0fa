# SPDX-License-Identifier: GPL-2.0-only
"""configs/analysis/tools.yaml: what each outside tool's remarks are worth, and which say the same."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec

from harness.analysis.model import Severity
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.tables import load

TABLE = CONFIGS / "analysis" / "tools.yaml"
COCCI = CONFIGS / "analysis" / "cocci"


class CheckpatchRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Types of checkpatch's messages (``--show-types``) that are worth more than a note."""

    types: tuple[str, ...]
    severity: Severity
    why: str


class Checkpatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How checkpatch is asked. A type in no row is a note, with ``why``."""

    seconds: float
    ignore: tuple[str, ...]
    whole: tuple[str, ...]
    """types that are meant of a patch as a whole, whatever line they name"""
    why: str
    rows: tuple[CheckpatchRow, ...]

    def row(self, type_: str) -> tuple[Severity, str]:
        """Severity and explanation of a message of *type_*."""
        for row in self.rows:
            if type_ in row.types:
                return row.severity, row.why
        return "note", self.why


class PatternRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages of sparse or the compiler, by a pattern that is searched for in them; first match wins."""

    rule: str
    severity: Severity
    pattern: str
    """a group ``function`` names the function, when the message does"""
    why: str


class Patterns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool whose messages are told apart by their text. The last row matches everything."""

    seconds: float
    rows: tuple[PatternRow, ...]

    def row(self, message: str) -> tuple[PatternRow, str]:
        """The row of *message*, and the function that it names (empty when it names none)."""
        for row in self.rows:
            match = re.search(row.pattern, message)
            if match:
                return row, match.groupdict().get("function") or ""
        return self.rows[-1], ""


class CocciRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One semantic patch of ours, a file of configs/analysis/cocci/; what it marks with ``*`` is a match."""

    file: str
    rule: str
    severity: Severity
    message: str
    why: str
    needs: tuple[tuple[str, ...], ...]
    """words, of each group of which one must stand in the code for a match to be possible"""
    early: bool = False
    """only early returns count: not a match that ends at the outermost level of the function"""


class Coccinelle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How spatch is asked."""

    seconds: float
    rows: tuple[CocciRow, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outside tools, and rules that name one kind of defect."""

    checkpatch: Checkpatch
    sparse: Patterns
    gcc: Patterns
    coccinelle: Coccinelle
    near: int
    """findings of one kind, one file and no more lines apart than this are one defect"""
    same: dict[str, tuple[str, ...]]
    """kind of defect: the rules that name it, ours and the tools'; ``x*`` is every rule that begins with x"""

    def kind(self, rule: str) -> str:
        """The kind of defect that *rule* names; the rule itself when it stands alone."""
        for kind, names in self.same.items():
            if any(rule == name or (name.endswith("*") and rule.startswith(name[:-1])) for name in names):
                return kind
        return rule


@cache
def table(path: Path = TABLE) -> Table:
    """The table, checked: UserError names file and line."""
    value = load(path, Table)
    for row in (*value.sparse.rows, *value.gcc.rows):
        try:
            re.compile(row.pattern)
        except re.error as error:
            raise UserError(f"{path}: rule {row.rule!r}: pattern: {error}") from error
    for tool in (value.sparse, value.gcc):
        if not tool.rows or tool.rows[-1].pattern != "":
            raise UserError(
                f"{path}: the last row of sparse and of gcc needs the empty pattern, for the rest"
            )
    for cocci in value.coccinelle.rows:
        if not (COCCI / cocci.file).is_file():
            raise UserError(f"{path}: rule {cocci.rule!r}: no file {cocci.file!r} in {COCCI}")
    return value
