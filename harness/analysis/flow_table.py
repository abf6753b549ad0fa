# SPDX-License-Identifier: GPL-2.0-only
"""configs/analysis/flow.yaml as a value: pairs of calls, contexts, and the rules that speak of them."""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import msgspec

from harness.analysis.model import Severity
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.tables import load

_GRAVEST_FIRST = ("error", "warning", "note")


class RuleRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule: its id, how much it weighs, what it is called and why it matters."""

    id: str
    severity: Severity
    title: str
    why: str


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens and closes: a lock, a read section, a state of the CPU."""

    name: str
    opens: tuple[str, ...]
    closes: tuple[str, ...]
    tries: tuple[str, ...] = ()
    """take it only when their result is true"""
    waits: tuple[str, ...] = ()
    """take it only when their result is zero"""
    argument: int = 1
    """the argument (from 1) that names the lock; 0: there is but one; -1: where the result goes"""
    arguments: dict[str, int] = {}
    """the same for single calls"""
    nests: bool = False
    atomic: bool = False
    """nothing inside may sleep"""
    allows: tuple[str, ...] = ()
    """calls that may sleep inside all the same, because they take care of it"""
    unsure: tuple[str, ...] = ()
    """calls that change what is held, or put it back to what it was, in a way that nobody can follow"""
    alone: tuple[str, ...] = ()
    """calls that open, and bring back the caller's state in a function that closes nothing"""
    saved: str = "(?!)"
    """calls whose last argument is a variable that holds the state"""
    imbalance: str = "lock-imbalance"
    """the rule that an imbalance is a finding of"""


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """References of one kind."""

    name: str
    gives: tuple[str, ...]
    takes: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()


class Charge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Charges of one kind; ``takes`` charge when they return zero, ``tries`` when true."""

    name: str
    argument: int
    undoes: tuple[str, ...]
    takes: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()


class Sleeps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls that may sleep: always, or (``flagged``) with ``flags`` and without ``unless`` in an argument."""

    always: tuple[str, ...]
    flagged: str
    flags: str
    unless: str


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The whole file."""

    rules: tuple[RuleRow, ...]
    sections: tuple[Section, ...]
    references: tuple[Counted, ...]
    charges: tuple[Charge, ...]
    sleeps: Sleeps
    no_return: tuple[str, ...]
    on_purpose: str
    locks: str
    unseen: str
    known: str
    looks: str
    hands_on: str
    uncharges: str
    instead: str
    retries: str
    waits: str

    def gravity(self, rule: str) -> int:
        """How much the rule weighs: 0 is the gravest."""
        return _GRAVEST_FIRST.index(next(row.severity for row in self.rules if row.id == rule))

    @cached_property
    def section_calls(self) -> dict[str, tuple[tuple[Section, Effect], ...]]:
        """By name of the call: the sections, and what the call does to each."""
        found: dict[str, tuple[tuple[Section, Effect], ...]] = {}
        for section in self.sections:
            pairs: tuple[tuple[tuple[str, ...], Effect], ...] = (
                (section.opens, "opens"),
                (section.closes, "closes"),
                (section.tries, "tries"),
                (section.waits, "waits"),
            )
            for names, effect in pairs:
                found.update((name, (*found.get(name, ()), (section, effect))) for name in names)
        return found


Effect = Literal["opens", "closes", "tries", "waits"]


def load_table(path: Path = CONFIGS / "analysis" / "flow.yaml") -> Table:
    """Read the table. UserError with the file for a pattern that is none or a rule that is not there."""
    table = load(path, Table)
    patterns = (
        table.on_purpose,
        table.locks,
        table.unseen,
        table.known,
        table.looks,
        table.hands_on,
        table.uncharges,
        table.instead,
        table.retries,
        table.waits,
    )
    saved = (section.saved for section in table.sections)
    for pattern in (*patterns, *saved, table.sleeps.flagged, table.sleeps.flags, table.sleeps.unless):
        try:
            re.compile(pattern)
        except re.error as error:
            raise UserError(f"{path}: {pattern!r} is no regular expression: {error}; mend it") from error
    ids = {row.id for row in table.rules}
    for section in table.sections:
        if section.imbalance not in ids:
            raise UserError(
                f"{path}: section {section.name!r}: there is no rule {section.imbalance!r}; add it"
            )
    return table


@cache
def shipped() -> Table:
    """The table that comes with the project."""
    return load_table()
