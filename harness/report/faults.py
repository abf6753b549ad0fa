# SPDX-License-Identifier: GPL-2.0-only
"""The fault corpus's matrix: ``faults.json``, the answer of ``harness faults --json``, and the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.pipeline.faults import Fate, Matrix, Outcome
from harness.report.kept import write_kept
from harness.report.plaintext import encodable, line

NAME = "faults.json"
_STYLES = {
    Fate.KILLED: "green",
    Fate.QUIET: "green",
    Fate.SURVIVED: "bold red",
    Fate.FALSE_ALARM: "bold red",
    Fate.LEFT_OUT: "yellow",
}


def write_matrix(directory: Path, matrix: Matrix) -> Path:
    """Write ``faults.json``, whole or not at all; may be called again as the corpus goes on."""
    return write_kept(directory / NAME, matrix)


def matrix_answer(matrix: Matrix, directory: Path) -> dict[str, Any]:
    """The command contract's ``killed``, ``total``, ``survivors`` and ``false_alarms``, and more."""
    tried = matrix.of(Fate.KILLED, Fate.SURVIVED)
    could = [one for one in matrix.outcomes if one.static]
    answer = {
        "killed": len(matrix.of(Fate.KILLED)),
        "total": len(tried),
        "survivors": [one.name for one in matrix.of(Fate.SURVIVED)],
        "false_alarms": [one.name for one in matrix.of(Fate.FALSE_ALARM)],
        "left_out": [one.name for one in matrix.of(Fate.LEFT_OUT)],
        "as_stated": sum(one.as_stated for one in tried),
        "static": {"could": len(could), "found": sum(one.static in one.found for one in could)},
        "seconds": matrix.seconds,
        "directory": str(directory),
        "outcomes": msgspec.to_builtins(matrix.outcomes),
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def render_matrix(matrix: Matrix, console: Console) -> None:
    """A row for each patch and each run of the base, and the sums."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "patch", "class", "caught by", "after", "analysis"):
        table.add_column(name, overflow="fold", justify="right" if name == "after" else "left")
    for one in matrix.outcomes:
        table.add_row(
            Text(one.fate.value, style=_STYLES[one.fate]),
            one.name,
            one.kind,
            Text(_caught_by(one)),
            f"{one.seconds:.0f} s",
            Text(_static(one)),
        )
    console.print(table)
    console.print(Text(_sums(matrix)))


def _caught_by(one: Outcome) -> str:
    if one.fate in (Fate.KILLED, Fate.FALSE_ALARM):
        stated = "" if one.as_stated or one.fate is Fate.FALSE_ALARM else " (not as stated)"
        return line(f"{one.cell} {one.case}: {', '.join(one.signs)}{stated}".strip())
    return line(one.reason) if one.fate is Fate.LEFT_OUT else ""


def _static(one: Outcome) -> str:
    if one.static in one.found:
        return one.static
    return f"not found ({one.static})" if one.static else ""


def _sums(matrix: Matrix) -> str:
    tried, killed = matrix.of(Fate.KILLED, Fate.SURVIVED), matrix.of(Fate.KILLED)
    stated = sum(one.as_stated for one in killed)
    calm = matrix.of(Fate.QUIET, Fate.FALSE_ALARM)
    could = [one for one in matrix.outcomes if one.static]
    found = sum(one.static in one.found for one in could)
    parts = [
        f"{len(killed)} of {len(tried)} faults caught, {stated} of them as stated",
        f"{len(matrix.of(Fate.FALSE_ALARM))} false alarms in {len(calm)} harmless runs",
        f"analysis found {found} of the {len(could)} that it could see",
    ]
    parts += [f"{len(matrix.of(Fate.LEFT_OUT))} left out"] if matrix.of(Fate.LEFT_OUT) else []
    return "; ".join(parts)
