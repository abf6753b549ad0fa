# SPDX-License-Identifier: GPL-2.0-only
"""``report.html`` of a night: what changed first, then each entry, with the way to its own page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.files import write_whole
from harness.pipeline.night_model import Bisected, Change, Night, Outcome
from harness.pipeline.night_sum import TOLD, changes_of
from harness.pipeline.standing import Standing
from harness.report.html import NAME, fill, page_below
from harness.report.html_cases import Mark
from harness.report.html_limits import Limits
from harness.report.night import NAME as KEPT
from harness.report.night import seen_words, standing_words
from harness.verdict import Verdict


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A change, in words."""

    change: Change
    standing: str
    last_good: str
    first_bad: str
    page: str
    """the report of the run that has it, relative to the night's directory; empty where it is gone"""
    bisected: Bisected | None
    bisection_page: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one standing."""

    standing: Standing
    changes: tuple[Told, ...]
    left_out: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that has been run, or left out."""

    outcome: Outcome
    page: str
    bisection_page: str


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Trees and series down, plans with their Kconfig profiles across."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Mark, ...]], ...]


def write_night_page(directory: Path, night: Night) -> Path:
    """Write *night* as ``report.html`` in *directory*, whole or not at all."""
    path = directory / NAME
    write_whole(path, night_page(directory, night))
    return path


def night_page(directory: Path, night: Night) -> bytes:
    """The page, UTF-8; what it links to is looked for in *directory*."""
    limits = Limits()
    rows = [_row(directory, outcome) for outcome in night.outcomes[: limits.rows]]
    return fill(
        "night.html",
        night=night,
        limits=limits,
        groups=[group for standing in TOLD if (group := _group(directory, night, standing, limits)).changes],
        matrix=_matrix(night, rows, limits),
        rows=[row for row in rows if row.outcome.verdict is not Verdict.SKIP],
        skipped=[row for row in rows if row.outcome.verdict is Verdict.SKIP],
        bisected=[row for row in rows if row.outcome.bisected is not None],
        untold=max(0, len(night.outcomes) - limits.rows),
        waiting=_waiting(night)[: limits.rows],
        files=[name for name in (KEPT,) if (directory / name).is_file()],
    )


def _group(directory: Path, night: Night, standing: Standing, limits: Limits) -> Group:
    outcomes = {id(change): outcome for outcome in night.outcomes for change in outcome.changes}
    changes = changes_of(night, standing)
    told = [_told(directory, change, outcomes[id(change)]) for change in changes[: limits.rows]]
    return Group(standing=standing, changes=tuple(told), left_out=len(changes) - len(told))


def _told(directory: Path, change: Change, outcome: Outcome) -> Told:
    bisected = outcome.bisected
    bisected = bisected if bisected is not None and bisected.case == change.case else None
    return Told(
        change=change,
        standing=standing_words(change.stand),
        last_good=seen_words(change.stand.last_good),
        first_bad=seen_words(change.stand.first_bad),
        page=page_below(directory, outcome.run),
        bisected=bisected,
        bisection_page=page_below(directory, bisected.directory) if bisected else "",
    )


def _row(directory: Path, outcome: Outcome) -> Row:
    bisected = outcome.bisected
    return Row(
        outcome=outcome,
        page=page_below(directory, outcome.run),
        bisection_page=page_below(directory, bisected.directory) if bisected else "",
    )


def _matrix(night: Night, rows: Iterable[Row], limits: Limits) -> Matrix:
    known = {row.outcome.entry: Mark(verdict=row.outcome.verdict.value, anchor=row.page) for row in rows}
    entries = {
        (f"{one.tree} / {one.series}", f"{one.plan_name} / {one.kconfig}"): one.name for one in night.entries
    }
    columns = tuple(dict.fromkeys(column for _name, column in entries))[: limits.columns]
    names = tuple(dict.fromkeys(name for name, _column in entries))[: limits.rows]
    return Matrix(
        columns=columns,
        rows=tuple(
            (name, tuple(known.get(entries.get((name, column), ""), Mark()) for column in columns))
            for name in names
        ),
    )


def _waiting(night: Night) -> list[str]:
    """Entries that have no outcome yet."""
    ended = {outcome.entry for outcome in night.outcomes}
    return [entry.name for entry in night.entries if entry.name not in ended]
