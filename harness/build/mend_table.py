# SPDX-License-Identifier: GPL-2.0-only
"""What old trees need of new tools: configs/old-trees.yaml as values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from harness.span import check_bounds
from harness.tables import load

Times = Annotated[int, msgspec.Meta(ge=1)]
ToolName = Literal["gcc", "clang", "binutils", "make", "perl"]


class Compiler(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A compiler that a range of trees is known to build with."""

    name: Literal["gcc", "clang"]
    first: str = msgspec.field(default="", name="from")
    until: str = ""
    why: str

    def __post_init__(self) -> None:
        check_bounds(self.first, self.until)


class Covered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A range of kernel versions that is known to build."""

    first: str = msgspec.field(name="from")
    until: str
    compilers: tuple[Compiler, ...] = ()
    """with these; none named: with any"""
    why: str

    def __post_init__(self) -> None:
        check_bounds(self.first, self.until)


class Flag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A word for a compiler's command line."""

    word: Annotated[str, msgspec.Meta(pattern=r"^-[A-Za-z0-9][A-Za-z0-9=_+.-]*$")]
    first: str = msgspec.field(name="from")
    until: str
    to: Literal["cc", "hostcc"]
    """the kernel's compiler, or that of programs which run while it is built"""
    tool: ToolName
    since: str
    """needed from this version of ``tool`` on"""
    why: str

    def __post_init__(self) -> None:
        check_bounds(self.first, self.until, self.since)


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of single lines, as a pattern and what takes its place."""

    name: str
    file: Annotated[
        str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*$")
    ]
    first: str = msgspec.field(name="from")
    until: str
    tool: ToolName
    since: str
    pattern: str
    replacement: str
    times: Times
    """how often the pattern must be found; anything else is refused"""
    why: str

    def __post_init__(self) -> None:
        check_bounds(self.first, self.until, self.since)
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"edit {self.name!r}: its pattern is no regular expression: {error}") from error


class MendTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole table."""

    covered: Annotated[tuple[Covered, ...], msgspec.Meta(min_length=1)]
    flags: tuple[Flag, ...] = ()
    edits: tuple[Edit, ...] = ()


def load_mends(path: Path) -> MendTable:
    """Read the table. UserError: see harness.tables.load."""
    return load(path, MendTable)


def line_of(path: Path, edit: Edit) -> str:
    """``FILE:LINE`` of *edit* in its table, for an error."""
    head = re.compile(rf"\bname: {re.escape(edit.name)}(?![\w ])")
    lines = path.read_text(encoding="utf-8").splitlines()
    return f"{path}:{next((number for number, line in enumerate(lines, 1) if head.search(line)), 1)}"
