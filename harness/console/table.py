# SPDX-License-Identifier: GPL-2.0-only
"""configs/console.yaml: how each kind of kernel report begins, what it is called and where it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from harness.console.lines import seeker
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.tables import load

TABLE = CONFIGS / "console.yaml"

_NAMED = re.compile(r"\(\?P<\w+>")

Place = Literal["head", "stacked", "ip", "held", "holds", "trace", "loose", "below", "call", "stall", "meets"]
"""where a report's function is looked for, see harness/console/naming.py"""


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A title for the reports of a row that say more than their first line does."""

    when: str
    """searched in the report's lines, ``^`` being the start of any; its groups fill the title in"""
    title: str
    bare: str = ""
    find: tuple[Place, ...] | None = None
    """instead of the row's"""
    skip: str = ""
    """functions that this title is not named after either, a pattern searched in the name"""
    kind: str = ""
    """instead of the row's"""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way for a report to begin."""

    name: str
    kind: str
    severity: Literal["fatal", "bad", "note"]
    word: str
    """plain text that is in every line that the pattern matches: what a healthy console is searched for"""
    pattern: str
    """matched at the start of the kernel's message; groups function, file, line and what are used"""
    title: str
    """syzkaller's wording; {function} and {what} are filled in"""
    bare: str = ""
    """the title when no function could be found; {file}, {line} and {what} are filled in"""
    find: tuple[Place, ...] = ()
    """where the function is looked for, best first"""
    skip: str = ""
    """functions that it is not named after either, a pattern searched in the name"""
    forms: tuple[Form, ...] = ()
    """other titles, the first that fits wins"""
    ends: Literal["line", "trace", "mark"]
    """with its first line, with its first stack, or with the kernel's ``---[ end`` mark"""
    lines: int = 200
    """it holds no more lines than these"""
    takes: tuple[str, ...] = ()
    """rows whose beginning, before the stack, is but a part of this report"""
    announces: tuple[str, ...] = ()
    """rows whose beginning takes this report over, which only announced it; ``*`` is any"""
    example: str
    """a line that it matches; tested"""


class Meeting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Functions in which many wait or spin whatever they came for, so that one fault stops them all there."""

    kind: Literal["stall", "hung"]
    pattern: str
    """searched in the name"""
    name: str = ""
    """the one that they go by in titles; "" for their own"""


class Boots(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a console shows that its machine starts, or will start again; patterns of a line's beginning."""

    firmware: str
    kernel: str
    announced: str
    words: tuple[str, ...]
    """plain text, one of which is in each line that the three match"""
    title: str


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows, first match wins; and the functions that no report is named after."""

    rows: tuple[Row, ...]
    skip: tuple[str, ...]
    """patterns searched in names, as are the next three"""
    keep: str
    """functions that are never passed over, searched as well"""
    dispatch: tuple[str, ...]
    """functions that call whatever was registered: a stall is named after the one called"""
    ticks: tuple[str, ...]
    """functions through which the timer interrupt comes in"""
    names: tuple[Meeting, ...]
    boots: Boots
    muddle: str
    """lines after which a stack need not be the report's own, a pattern"""


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
    def sought(self) -> Any:
        """What a line that begins a report has somewhere in it, see :func:`harness.console.lines.seeker`."""
        words = sorted({*(row.word for row in self.table.rows), *self.table.boots.words})
        return seeker(word for word in words if not any(other != word and other in word for other in words))

    @cached_property
    def _skipped(self) -> re.Pattern[str]:
        return anywhere(self.table.skip)

    @cached_property
    def _kept(self) -> re.Pattern[str]:
        return re.compile(self.table.keep)

    def passed_over(self, function: str, more: re.Pattern[str] | None = None) -> bool:
        """True for one that reports, waits or copies for others, and so is on the stacks of many reports; and
        for one that *more*, a row's own list, is found in."""
        if self._kept.search(function):
            return False
        return bool(self._skipped.search(function)) or (more is not None and bool(more.search(function)))

    @cached_property
    def dispatchers(self) -> re.Pattern[str]:
        """See :attr:`Table.dispatch`."""
        return anywhere(self.table.dispatch)

    @cached_property
    def ticks(self) -> re.Pattern[str]:
        """See :attr:`Table.ticks`."""
        return anywhere(self.table.ticks)

    @cached_property
    def muddle(self) -> re.Pattern[str]:
        """See :attr:`Table.muddle`."""
        return re.compile(self.table.muddle)

    @cached_property
    def _meetings(self) -> tuple[tuple[Meeting, re.Pattern[str]], ...]:
        return tuple((one, re.compile(one.pattern)) for one in self.table.names)

    def meeting(self, kind: str, function: str) -> str:
        """What *function* goes by in the titles of *kind*, if it is where many meet; else ""."""
        found = (one for one, pattern in self._meetings if one.kind == kind and pattern.search(function))
        return next((one.name or function for one in found), "")

    def find(self, message: str) -> tuple[Row, dict[str, str]] | None:
        """The row that *message* begins a report of, and what its groups hold."""
        if self._any.match(message) is None:
            return None
        for row, pattern in self._patterns:
            match = pattern.match(message)
            if match:
                return row, {name: text for name, text in match.groupdict().items() if text}
        return None


def anywhere(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for all names in which one of *patterns* is found."""
    return re.compile("|".join(f"(?:{one})" for one in patterns) or r"(?!)")


def load_heads(path: Path = TABLE) -> Heads:
    """Read the table. UserError with the file and the row for a pattern that is none, or a name not known."""
    table = load(path, Table)
    names = {row.name for row in table.rows}
    for row in table.rows:
        for text in _patterns(row):
            _check(path, f"row {row.name!r}", text)
        unknown = sorted({*row.takes, *row.announces} - {*names, "*"})
        if unknown:
            raise UserError(f"{path}: row {row.name!r}: {unknown[0]!r} is no row; name one that is")
        if row.word not in row.example:
            lacks = f"{row.word!r} is not in its example; name a word that is"
            raise UserError(f"{path}: row {row.name!r}: {lacks}")
    meetings = (one.pattern for one in table.names)
    functions = (*table.skip, table.keep, *table.dispatch, *table.ticks, *meetings)
    for text in (*functions, *_boots(table.boots), table.muddle):
        _check(path, "functions", text)
    return Heads(table)


def _boots(boots: Boots) -> tuple[str, ...]:
    return (boots.firmware, boots.kernel, boots.announced)


def _patterns(row: Row) -> Iterator[str]:
    yield from (row.pattern, row.skip)
    for form in row.forms:
        yield from (form.when, form.skip)


def _check(path: Path, where: str, text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise UserError(f"{path}: {where}: {text!r} is no pattern: {error}") from error


@cache
def shipped() -> Heads:
    """The table that comes with the project."""
    return load_heads()
