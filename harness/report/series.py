# SPDX-License-Identifier: GPL-2.0-only
"""What is in a series, and what its repair made of it: on the terminal, and as JSON objects.

All text comes from mails and patches, so it goes through plaintext.line() into a Text, where rich sees no
markup; a line of code keeps its white space, which is what a repair is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report.plaintext import clean, encodable, line
from harness.series.model import FileChange, Patch, Series
from harness.series.repair import GuessedLine, Repair

_WIDTH = {True: 120, False: 100}
_FILES = 6
_NOTES = 40
_GUESSES = 60
_LONGEST = 200
_TAB = 8
_SURE = 0.9
_STATUS = {"repaired": "green", "flagged": "yellow", "refused": "bold red"}


def series_answer(series: Series) -> dict[str, Any]:
    """*series* in the shape of the command contract; UTF-8 throughout.

    ``name``, ``version``, ``patches`` and ``missing`` stay as they are; ``notes``, ``source``,
    ``base_commit`` and the other keys of patches are additions. Diffs are not in it.
    """
    answer = {
        "name": series.name,
        "version": series.version,
        "patches": [_patch(patch) for patch in series.patches],
        "missing": series.missing,
        "notes": series.notes,
        "source": series.source,
        "base_commit": series.base_commit,
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def _patch(patch: Patch) -> dict[str, Any]:
    return {
        "number": patch.number,
        "total": patch.total,
        "subject": patch.subject,
        "author": patch.author,
        "date": patch.date,
        "message_id": patch.message_id,
        "origin": patch.origin,
        "fixes": patch.fixes,
        "damaged": bool(patch.damaged),
        "files": [
            {
                "path": change.path,
                "kind": change.kind,
                "old_path": change.old_path,
                "added": change.added,
                "removed": change.removed,
                "hunks": change.hunks,
            }
            for change in patch.files
        ],
    }


def repair_answer(repairs: Sequence[Repair]) -> dict[str, Any]:
    """``patches``: for each ``number``, ``status``, ``lines_recovered``, ``lines_guessed``, and additions."""
    answer = {
        "patches": [
            {
                "number": repair.patch.number,
                "subject": repair.patch.subject,
                "status": repair.status,
                "lines_recovered": repair.lines_recovered,
                "lines_guessed": repair.lines_guessed,
                "reason": repair.reason,
                "guesses": msgspec.to_builtins(repair.guesses),
                "hunks": msgspec.to_builtins(repair.hunks),
            }
            for repair in repairs
        ]
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def render_series(series: Series, console: Console) -> None:
    """Print *series* on *console*: at most 100 columns, 120 on a terminal."""
    _printed(_series_page(series), console)


def render_repairs(repairs: Sequence[Repair], console: Console) -> None:
    """Print each repair, and below it its guessed lines, the least sure first; many are cut and counted."""
    _printed(_repair_page(repairs), console)


def _printed(parts: Iterator[RenderableType], console: Console) -> None:
    width = min(console.width, _WIDTH[console.is_terminal])
    for part in parts:
        console.print(part, width=width, highlight=False)


def _series_page(series: Series) -> Iterator[RenderableType]:
    version = f"  v{series.version}" if series.version > 1 else ""
    count = len(series.patches)
    head = Text.assemble("\n", (line(series.name), "bold"), version)
    yield head.append(f"  {count} patch{'' if count == 1 else 'es'}", style="dim")
    yield Text("")
    table = _table("patch", "subject", "author", "file", "+", "-")
    for patch in series.patches:
        _add(table, patch)
    yield table
    if series.missing:
        numbers = ", ".join(map(str, series.missing[:_NOTES]))
        more = f" and {len(series.missing) - _NOTES} more" if len(series.missing) > _NOTES else ""
        yield Text(f"\nMISSING: patch {numbers}{more}", style="bold red")
    if any(patch.damaged for patch in series.patches):
        yield Text("\nDAMAGED: white space was lost; 'harness series repair' finds it again", style="yellow")
    if series.base_commit:
        yield Text(f"\nmade on {line(series.base_commit)}", style="dim")
    for note in series.notes[:_NOTES]:
        yield Text(f"note: {line(note)}", style="dim")
    if len(series.notes) > _NOTES:
        yield Text(f"and {len(series.notes) - _NOTES} more notes; --json has them", style="dim")


def _add(table: Table, patch: Patch) -> None:
    """A row for each file; the patch's own cells in the first."""
    subject = Text(line(patch.subject))
    if patch.damaged:
        subject.append(" DAMAGED", style="yellow")
    if patch.fixes:
        subject.append(f" (folds into {line(patch.fixes)})", style="dim")
    cells = (Text(f"{patch.number}/{patch.total}"), subject, Text(line(_name(patch.author))))
    for change in patch.files[:_FILES] or (None,):
        table.add_row(*cells, *_file(change))
        cells = (Text(""), Text(""), Text(""))
    if len(patch.files) > _FILES:
        table.add_row(*cells, Text(f"and {len(patch.files) - _FILES} more", style="dim"))


def _file(change: FileChange | None) -> tuple[Text, ...]:
    if change is None:
        return (Text("none", style="dim"),)
    path = Text(line(change.path))
    if change.kind != "modified":
        path.append(f" {change.kind}", style="dim")
    return path, Text(str(change.added), style="green"), Text(str(change.removed), style="red")


def _name(author: str) -> str:
    """The name without the address, where there is one."""
    return author.partition("<")[0].strip(' "') or author


def _repair_page(repairs: Sequence[Repair]) -> Iterator[RenderableType]:
    if not repairs:
        yield Text("No patch is damaged.")
        return
    for repair in repairs:
        patch = repair.patch
        status = repair.status if repair.status == "repaired" else repair.status.upper()
        style = _STATUS.get(repair.status, "")
        counts = f"{repair.lines_recovered} lines recovered, {repair.lines_guessed} guessed"
        title = f"  {patch.number}/{patch.total} {line(patch.subject)}"
        yield Text.assemble("\n", (status, style), (title, "bold"))
        yield Text(f"  {line(repair.reason) if repair.status == 'refused' else counts}")
        if repair.guesses:
            yield Padding(_guesses(repair.guesses), (0, 0, 0, 2), expand=False)


def _guesses(guesses: Sequence[GuessedLine]) -> RenderableType:
    """The least sure first: these are to be looked at."""
    table = _table("sure", "where", "line", "why")
    for one in sorted(guesses, key=lambda guess: guess.confidence)[:_GUESSES]:
        sure = Text(f"{100 * one.confidence:.0f} %", style="" if one.confidence >= _SURE else "yellow")
        where = Text(f"{line(one.file)} #{one.hunk}:{one.line}")
        table.add_row(sure, where, Text(_code(one.text)), Text(line(one.reason), style="dim"))
    if len(guesses) > _GUESSES:
        table.add_row(Text(""), Text(f"and {len(guesses) - _GUESSES} more", style="dim"))
    return table


def _code(text: str) -> str:
    """A line of code with its white space: tabs as wide as the kernel has them."""
    return clean(text[:_LONGEST]).replace("\n", " ").expandtabs(_TAB)


def _table(*headers: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim"
    )
    for header in headers:
        justify: JustifyMethod = "right" if header in ("+", "-", "sure") else "left"
        table.add_column(Text(header), justify=justify, overflow="fold")
    return table
