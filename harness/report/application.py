# SPDX-License-Identifier: GPL-2.0-only
"""What ``harness apply`` says: how each patch and each hunk went on, and what is in the way of the others.

Lines of files and patches are untrusted: they go through plaintext.line() or come escaped
(harness.tree.model.Conflict), into a Text, where rich looks for no markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report.plaintext import clean, encodable, line
from harness.tree.model import Applied, Conflict, HunkLanding, PatchLanding

_STYLES = {
    "applied": "green",
    "clean": "green",
    "offset": "green",
    "fuzz": "yellow",
    "merged": "yellow",
    "repaired": "yellow",
    "conflict": "bold red",
    "rejected": "bold red",
}
_LOUD = ("conflict", "rejected")
_QUIET = ("clean", "offset")
_WIDTH = {True: 120, False: 100}
_HUNKS = 40
_SIDES = 3
_LINES = 30


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The patched copy that was written."""

    directory: Path
    patches: int
    """how many of the series are on it"""
    changed: tuple[str, ...]
    """the files that were written or removed this time"""


def application_answer(applied: Applied, output: Output | None = None) -> dict[str, Any]:
    """*applied* in the shape of the command contract: ``applied``, ``patches`` (``number``, ``status``,
    ``hunks`` of ``file``, ``status``, ``offset``, ``fuzz``, ``reason``); the other keys are additions."""
    answer: dict[str, Any] = {
        "applied": applied.whole,
        "patches": [_patch(landing) for landing in applied.landings],
        "output": None,
    }
    if output is not None:
        answer["output"] = {
            "directory": str(output.directory),
            "patches": output.patches,
            "changed": list(output.changed),
        }
    safe: dict[str, Any] = encodable(answer)
    return safe


def _patch(landing: PatchLanding) -> dict[str, Any]:
    return {
        "number": landing.number,
        "subject": landing.subject,
        "status": landing.status,
        "provisional": landing.provisional,
        "hunks": msgspec.to_builtins(landing.hunks),
    }


def render_application(applied: Applied, console: Console, output: Output | None = None) -> None:
    """Print *applied*: a row for each patch, then each hunk that is not simply in its place, and why."""
    width = min(console.width, _WIDTH[console.is_terminal])
    for part in _page(applied, output):
        console.print(part, width=width, highlight=False)


def _page(applied: Applied, output: Output | None) -> Iterator[RenderableType]:
    yield _head(applied)
    table = Table.grid(padding=(0, 2, 0, 0))
    for landing in applied.landings:
        hunks = Text(_counted(landing.hunks) + (", provisional" if landing.provisional else ""), style="dim")
        table.add_row(
            Text(str(landing.number)), _status(landing.status), Text(line(landing.subject, 100)), hunks
        )
    yield Padding(table, (1, 0, 0, 2), expand=False)
    for landing in applied.landings:
        told = [hunk for hunk in landing.hunks if hunk.status not in _QUIET]
        if told:
            yield Padding(_told(landing, told), (1, 0, 0, 0), expand=False)
    if output is not None:
        yield _written(output)


def _head(applied: Applied) -> Text:
    whole = len(applied.prefixes) - 1
    if applied.whole:
        return Text.assemble(("applies", "green"), f"  all {whole} patches go on")
    return Text.assemble(
        ("DOES NOT APPLY", "bold red"),
        f"  {whole} of {len(applied.landings)} patches go on; what follows patch {whole + 1} was tried with "
        "the patch's side of conflicts and without what was rejected",
    )


def _status(status: str) -> Text:
    return Text(status.upper() if status in _LOUD else status, style=_STYLES.get(status, ""))


def _counted(hunks: Sequence[HunkLanding]) -> str:
    """``5 clean, 2 offset, 1 conflict``, in the order of _STYLES."""
    counts = Counter(hunk.status for hunk in hunks)
    return ", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status])


def _told(landing: PatchLanding, hunks: Sequence[HunkLanding]) -> RenderableType:
    rows: list[RenderableType] = []
    for hunk in hunks[:_HUNKS]:
        rows.append(_hunk(landing, hunk))
        rows += [Padding(_sides(conflict), (0, 0, 0, 4)) for conflict in hunk.conflicts[:_SIDES]]
        if len(hunk.conflicts) > _SIDES:
            more = f"and {len(hunk.conflicts) - _SIDES} more conflicts in this hunk, with --json"
            rows.append(Padding(Text(more, style="dim"), (0, 0, 0, 4)))
    if len(hunks) > _HUNKS:
        rows.append(Text(f"and {len(hunks) - _HUNKS} more hunks, with --json", style="dim"))
    return Group(*rows)


def _hunk(landing: PatchLanding, hunk: HunkLanding) -> Text:
    place = f"{line(hunk.file)}{f':{hunk.line}' if hunk.line else ''}"
    number = f" hunk {hunk.hunk}" if hunk.hunk else ""
    facts = [f"offset {hunk.offset}"] if hunk.offset else []
    facts += [f"fuzz {hunk.fuzz}"] if hunk.fuzz else []
    facts += [f"{hunk.guessed} lines guessed"] if hunk.guessed else []
    facts += [line(hunk.reason)] if hunk.reason else []
    return Text.assemble(
        f"{landing.number}: ", _status(hunk.status), f"  {place}{number}", f"  {'; '.join(facts)}"
    )


def _sides(conflict: Conflict) -> Text:
    """As ``git merge-file --diff3`` would mark it."""
    text = Text(f"<<<<<<< the tree, line {conflict.line}\n", style="dim")
    for lines, after, style in (
        (conflict.ours, "||||||| what the patch expected", ""),
        (conflict.base, "=======", "dim"),
        (conflict.theirs, ">>>>>>> what the patch wants", ""),
    ):
        for one in lines[:_LINES]:
            text.append(f"{clean(one)}\n", style=style or "default")
        if len(lines) > _LINES:
            text.append(f"... {len(lines) - _LINES} more lines\n", style="dim")
        text.append(after if after.startswith(">") else f"{after}\n", style="dim")
    return text


def _written(output: Output) -> RenderableType:
    count = len(output.changed)
    text = Text(f"{clean(str(output.directory))}: {output.patches} patches on it, {count} files changed")
    return Padding(text, (1, 0, 0, 0))
