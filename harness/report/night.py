# SPDX-License-Identifier: GPL-2.0-only
"""A night: ``night.json``, the answer of ``harness nightly --json``, and the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.pipeline.night_model import Change, Night, Outcome
from harness.pipeline.night_sum import TOLD, changes_of
from harness.pipeline.standing import Seen, Stand, Standing
from harness.report import wording
from harness.report.kept import read_kept, write_kept
from harness.report.plaintext import encodable, line
from harness.report.terminal import verdict_text

NAME = "night.json"
_STYLES = {Standing.NEW: "bold red", Standing.STILL: "red", Standing.FLAKY: "yellow", Standing.FIXED: "green"}


def write_night(directory: Path, night: Night) -> None:
    """Write ``night.json``, whole or not at all."""
    write_kept(directory / NAME, night)


def read_night(directory: Path) -> Night:
    """What ``night.json`` in *directory* has; UserError where there is none, or it is damaged."""
    return read_kept(directory / NAME, Night, "harness nightly", "begin a new night")


def night_answer(night: Night, directory: Path) -> dict[str, Any]:
    """The verdict first, the directory last; between them what changed and each entry."""
    names = {Standing.NEW: "new", Standing.STILL: "still", Standing.FLAKY: "flaky", Standing.FIXED: "fixed"}
    answer = {
        "verdict": night.verdict.value,
        "reason": night.reason,
        "run": night.run,
        "finished": bool(night.finished),
        "seconds": night.seconds,
        "changed": {
            names[standing]: [change_answer(change) for change in changes_of(night, standing)]
            for standing in TOLD
        },
        "entries": [_entry_answer(outcome) for outcome in night.outcomes],
        "removed": night.removed,
        "directory": str(directory),
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def _entry_answer(outcome: Outcome) -> dict[str, Any]:
    kept: dict[str, Any] = msgspec.to_builtins(outcome)
    kept["changes"] = [change_answer(change) for change in outcome.changes]
    if outcome.bisected is not None:
        kept["bisected"]["case"] = str(outcome.bisected.case)
    return kept


def change_answer(change: Change) -> dict[str, Any]:
    """One case with where it stands."""
    return {
        "case": str(change.case),
        "verdict": change.verdict.value,
        "reason": change.reason,
        **stand_answer(change.stand),
    }


def stand_answer(stand: Stand) -> dict[str, Any]:
    """``standing``, how often it ``failed`` of the nights it was ``told``, ``last_good``, ``first_bad``."""
    answer: dict[str, Any] = msgspec.to_builtins(stand)
    return answer


def render_night(night: Night, console: Console) -> None:
    """The verdict first; what changed, entries, bisections."""
    console.print(Text.assemble(verdict_text(night.verdict), "  ", line(night.reason)))
    changes = changes_of(night, *TOLD)
    if changes:
        console.print()
        console.print(changes_table(changes))
    console.print()
    console.print(_entries(night))
    for outcome in night.outcomes:
        if outcome.bisected is not None:
            console.print(Text(bisected_words(outcome)))
    for path in night.removed:
        console.print(Text(f"removed  {line(path)}", style="dim"))
    console.print()


def changes_table(changes: tuple[Change, ...]) -> Table:
    """A row for each of *changes*: where it stands, since when, and why it fails."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "case", "last good", "first bad", "why"):
        table.add_column(name, overflow="fold")
    for change in changes:
        stand = change.stand
        table.add_row(
            Text(standing_words(stand), style=_STYLES.get(stand.standing, "")),
            Text(line(str(change.case))),
            Text(seen_words(stand.last_good)),
            Text(seen_words(stand.first_bad)),
            Text(line(change.reason)),
        )
    return table


def standing_words(stand: Stand) -> str:
    """Where a case stands; a flaky one with its rate."""
    if stand.standing is not Standing.FLAKY:
        return stand.standing.value
    return f"{stand.standing.value}, failed in {stand.failed} of {stand.told} nights"


def seen_words(seen: Seen | None) -> str:
    """A night, and what was tested in it; ``-`` for none."""
    if seen is None:
        return "-"
    revision = seen.tree_revision or seen.tree_fingerprint
    parts = [
        f"tree {revision[:12]}" if revision else "",
        f"series {seen.series_digest}" if seen.series_digest else "",
    ]
    what = ", ".join(part for part in parts if part)
    return line(f"{seen.night} ({what})" if what else seen.night)


def _entries(night: Night) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "entry", "took", "why"):
        table.add_column(name, overflow="fold", justify="right" if name == "took" else "left")
    for outcome in night.outcomes:
        took = wording.duration(outcome.seconds) if outcome.seconds else ""
        entry, why = Text(line(outcome.entry)), Text(line(outcome.reason))
        table.add_row(verdict_text(outcome.verdict), entry, took, why)
    return table


def bisected_words(outcome: Outcome) -> str:
    """What the bisection of an outcome that has one came to, in one line."""
    known = outcome.bisected
    assert known is not None  # noqa: S101 -- asked for only where there is one
    subject = f" ({known.subject}), confidence {known.confidence:.3f}" if known.number else ""
    return line(f"bisected {known.case}: {known.reason or 'not to its end'}{subject}")
