# SPDX-License-Identifier: GPL-2.0-only
"""A picture for each case: what its group was charged with, of what, and how far the two were apart."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.errors import InfraError
from harness.files import write_whole
from harness.memcg.interface import Interface, amount, interface, shipped
from harness.memcg.model import Check
from harness.pipeline.model import Case, Cell, Run
from harness.report.drift_svg import SMALL, WIDE, Band, Form, Panel, Points, Series, picture
from harness.report.plaintext import line

_MOST = 1000
"""points of a line; more would not be seen"""
_NOTES = 3
_WIDE = 125
"""characters of a line of text"""
_APART = ("parts-while-running", "drift-of-parts")
"""checks on the difference that is drawn; kernels that do not name all parts have none"""
_DECODER = msgspec.json.Decoder(dict[str, object])

_Row = tuple[float, str, dict[str, str]]
"""seconds, stage, files"""


def draw_drifts(directory: Path, run: Run, *, again: bool = False) -> None:
    """Draw what is not drawn yet: ``Case.drift`` of each case out of its ``Case.samples``.

    *again*: what is drawn already, too.
    A case whose samples cannot be read gets no picture. InfraError when one cannot be written.
    """
    for cell in run.cells:
        for case in cell.cases:
            path = directory / case.drift
            if case.drift and (again or not path.exists()):
                drawn = draw(cell, case, directory / case.samples)
                if drawn:
                    write_whole(path, drawn)


def draw_small(directory: Path, cell: Cell, case: Case) -> bytes:
    """The SVG of one case for a page of *directory*'s run; empty when there is nothing to draw."""
    return draw(cell, case, directory / case.samples, SMALL) if case.samples else b""


def draw(cell: Cell, case: Case, samples: Path, form: Form = WIDE) -> bytes:
    """The SVG of one case; empty when there is nothing to draw."""
    known = {row.name: row for row in shipped().interfaces}
    if cell.iface not in known:
        return b""
    row = interface(shipped(), cell.iface)
    rows = [each for each in _rows(samples, row) if each[1] != "born"]
    charged = _charged(row, rows)
    if not charged[0].points:
        return b""
    until = max((seconds for seconds, stage, _ in rows if stage == "run"), default=0.0)
    panels = [Panel(title="charged to the group", series=charged)]
    apart = [check for check in case.checks if check.name in _APART]
    if apart:
        panels.append(_apart(row, rows, apart))
    notes = [check.says for check in case.checks if not check.kept] or [case.reason]
    lines = [part for note in notes[:_NOTES] for part in textwrap.wrap(line(note), _WIDE)]
    return picture(f"{cell.name} {case.name}: {case.verdict}", lines, panels, until, form)


def _charged(row: Interface, rows: list[_Row]) -> tuple[Series, ...]:
    """Usage, and what it is made of as one area on the other."""
    parts = _points(row, rows, (_lists(row, rows), "kernel"))
    return (
        Series(name="usage", points=_points(row, rows, ("usage",)), colour="#0550ae"),
        Series(name="pages on lists", points=parts, colour="#a5cdf5", area=True),
        Series(name="kernel memory", points=_points(row, rows, ("kernel",)), colour="#e8a33d", area=True),
    )


def _apart(row: Interface, rows: list[_Row], checks: list[Check]) -> Panel:
    allowed = max(check.tolerance for check in checks)
    points = _points(row, rows, ("usage",), (_lists(row, rows), "kernel"))
    failed = any(not check.kept for check in checks)
    return Panel(
        title="usage less the sum of its parts",
        series=(Series(name="difference", points=points, colour="#cf222e" if failed else "#24292f"),),
        band=Band(name="allowed while running", low=0.0, high=allowed),
    )


def _lists(row: Interface, rows: list[_Row]) -> str:
    """v1 tells a group's own lists from those of all below it, where usage always is of all."""
    below = any("below" in files for _, _, files in rows)
    return (
        "lists of all" if below and any(each.name == "lists of all" for each in row.quantities) else "lists"
    )


def _points(row: Interface, rows: list[_Row], adds: tuple[str, ...], takes: tuple[str, ...] = ()) -> Points:
    points = []
    for seconds, _stage, files in rows:
        found = [amount(row, files, name, 1) for name in (*adds, *takes)]
        known = [number for number in found if number is not None]
        if len(known) == len(found):
            points.append((seconds, float(sum(known[: len(adds)]) - sum(known[len(adds) :]))))
    return points


def _rows(path: Path, row: Interface) -> list[_Row]:
    """The samples that pipeline/ kept (memcg/stream.to_jsonl()), the files as text again."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InfraError(f"{path}: cannot be read: {error.strerror}") from error
    names = {file.name.removeprefix("memory."): file.name for file in row.files} | {"below": "below"}
    rows = []
    for said in lines[:: len(lines) // _MOST + 1]:
        try:
            kept = _DECODER.decode(said)
        except msgspec.DecodeError:
            continue
        ms = kept.get("ms")
        files = {names[key]: _text(value) for key, value in kept.items() if key in names}
        if isinstance(ms, int | float):
            rows.append((ms / 1e3, str(kept.get("stage")), files))
    return rows


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "".join(f"{key} {number}\n" for key, number in value.items())
    return f"{value}\n"
