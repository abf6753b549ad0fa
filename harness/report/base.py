# SPDX-License-Identifier: GPL-2.0-only
"""The candidates for a series' base: on the terminal, and as the JSON object of ``harness base --json``.

Subjects and file names come from repositories and patches, so they go through plaintext.line() into a
Text, where rich sees no markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report.plaintext import encodable, line
from harness.tree.base import Candidate
from harness.tree.base_score import HunkScore
from harness.tree.base_virtual import Virtual

_WIDTH = {True: 120, False: 100}
_SHOWN = 10
_HUNKS = 20
_ID = 12
_DESCRIBED = len("v2.6.27-rc9-12345-g47c59803becb")
_DAY = len("2008-10-20")


def base_answer(candidates: Sequence[Candidate]) -> dict[str, Any]:
    """*candidates*, best first, in the shape of the command contract; UTF-8 throughout.

    ``commit``, ``describe``, ``applied``, ``clean``, ``fuzzy`` and ``rejected`` stay as they are; the other
    keys are additions, under the names of :class:`Candidate`.
    """
    safe: dict[str, Any] = encodable({"candidates": msgspec.to_builtins(tuple(candidates))})
    return safe


def render_base(candidates: Sequence[Candidate], console: Console) -> None:
    """Print *candidates* on *console*: at most 100 columns, 120 on a terminal; the first ten of them."""
    width = min(console.width, _WIDTH[console.is_terminal])
    for part in _page(candidates):
        console.print(part, width=width, highlight=False)


def _page(candidates: Sequence[Candidate]) -> Iterator[RenderableType]:
    if not candidates:
        yield Text("No commit touches the files of the series.")
        return
    best = candidates[0]
    yield _head(best)
    yield Text("")
    yield _table(candidates[:_SHOWN])
    if len(candidates) > _SHOWN:
        yield Text(f"and {len(candidates) - _SHOWN} worse ones; --json has them", style="dim")
    if best.differing:
        yield from _section("Hunks whose context is not what the best one has", _hunks(best.differing))
    if best.virtual is not None:
        yield from _section("It goes on better without these commits", _virtual(best.virtual))


def _head(best: Candidate) -> Text:
    word = ("applies", "green") if best.applied else ("does not apply whole", "bold red")
    head = Text.assemble("\n", word, f"  best base: {line(best.describe)}  ", (line(best.subject), "bold"))
    same = best.first == best.last
    run = "" if same else f"; it goes on just so from {best.first[:_ID]} to {best.last[:_ID]}"
    return head.append(f"\nby {best.reason}{run}", style="dim")


def _table(candidates: Sequence[Candidate]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="dim",
        expand=True,
    )
    table.add_column(Text("commit"), no_wrap=True, overflow="ellipsis", max_width=_DESCRIBED)
    table.add_column(Text("date"), no_wrap=True)
    for header in ("clean", "offset", "fuzzy", "rejected"):
        table.add_column(Text(header), justify="right", no_wrap=True)
    told = any(one.reason != "context" for one in candidates)
    if told:
        table.add_column(Text("by"), no_wrap=True)
    table.add_column(Text("subject"), overflow="ellipsis", no_wrap=True, ratio=1)
    for one in candidates:
        counts = (str(one.clean), str(one.offset), str(one.fuzzy))
        rejected = Text(str(one.rejected), style="red" if one.rejected else "green")
        words = map(Text, (line(one.describe, 60), one.date[:_DAY], *counts))
        reason = (Text(one.reason),) if told else ()
        table.add_row(*words, rejected, *reason, Text(line(one.subject)))
    return table


def _section(title: str, body: RenderableType) -> Iterator[RenderableType]:
    yield Text(f"\n{title}", style="bold")
    yield Padding(body, (0, 0, 0, 2), expand=False)


def _hunks(hunks: Sequence[HunkScore]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for one in hunks[:_HUNKS]:
        how = f"fuzz {one.fuzz}, offset {one.offset}" if one.status == "fuzzy" else ""
        status = Text(one.status, style="yellow" if one.status == "fuzzy" else "red")
        grid.add_row(status, Text(f"patch {one.patch}"), Text(f"{line(one.file)} #{one.hunk}"), Text(how))
    if len(hunks) > _HUNKS:
        grid.add_row(Text(f"and {len(hunks) - _HUNKS} more", style="dim"))
    return grid


def _virtual(virtual: Virtual) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for one in virtual.commits:
        part = "" if one.changes == "all" else f"change {one.changes} in {line(', '.join(one.files))}"
        grid.add_row(Text(one.commit[:_ID]), Text(line(one.subject)), Text(part, style="dim"))
    counts = (
        f"{virtual.clean} clean, {virtual.offset} offset, {virtual.fuzzy} fuzzy, {virtual.rejected} rejected"
    )
    grid.add_row(Text("then", style="dim"), Text(counts))
    return grid
