# SPDX-License-Identifier: GPL-2.0-only
"""A bisection: ``bisect.json``, ``repeat.sh``, the answer of ``harness bisect --json``, and the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.pipeline.bisect_decide import failing, passes_needed, steps_of
from harness.pipeline.bisect_model import Bisection, Told, Try
from harness.report.commands import write_script
from harness.report.kept import read_kept, write_kept
from harness.report.plaintext import clean, encodable, line

NAME = "bisect.json"
_STYLES = {Told.GOOD: "green", Told.BAD: "bold red", Told.OTHER: "yellow", Told.SKIP: "yellow"}


def write_bisection(directory: Path, known: Bisection) -> None:
    """Write ``bisect.json`` and, once there is an answer, ``repeat.sh``, each whole or not at all."""
    write_kept(directory / NAME, known)
    if known.commands:
        about = f"tree {line(known.tree)}, series {line(known.series)}: {line(known.reason)}"
        write_script(directory, f"Bisection {line(known.run)}", about, known.commands)


def read_bisection(directory: Path) -> Bisection:
    """What ``bisect.json`` in *directory* has; UserError where there is none, or it is damaged."""
    return read_kept(directory / NAME, Bisection, "harness bisect", "bisect anew")


def bisection_answer(known: Bisection, directory: Path) -> dict[str, Any]:
    """The command contract's ``first_bad``, ``steps`` and ``confidence``, and more."""
    bad = known.first_bad
    answer = {
        "first_bad": {"number": bad, "subject": known.subjects[bad - 1]} if bad else None,
        "candidates": [
            {"number": number, "subject": known.subjects[number - 1]} for number in known.candidates
        ],
        "steps": msgspec.to_builtins(steps_of(known)) if known.hunted else [],
        "confidence": known.confidence,
        "verdict": known.verdict.value,
        "reason": known.reason,
        "finished": bool(known.finished),
        "hunted": msgspec.to_builtins(known.hunted),
        "hunk": known.hunk,
        "tries": msgspec.to_builtins(known.tries),
        "seconds": known.seconds,
        "build_seconds": sum(one.built for one in known.tries),
        "directory": str(directory),
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def render_bisection(known: Bisection, console: Console) -> None:
    """What was hunted, each prefix, the answer, its hunk, how sure it is, and its evidence."""
    if known.hunted is not None:
        console.print(Text(f"hunted   {line(known.hunted.title)}"))
        console.print(_steps(known))
    console.print()
    style = "bold red" if known.first_bad or known.candidates else "bold"
    console.print(Text(line(known.reason), style=style))
    for number in (known.first_bad,) if known.first_bad else known.candidates:
        console.print(Text(f"  {number}  {line(known.subjects[number - 1])}"))
    if known.hunk:
        console.print(Text(clean(known.hunk), style="dim"))
    if known.first_bad or known.candidates:
        console.print(Text(certainty(known)))
    console.print()
    for tried in evidence(known):
        console.print(Text(f"{tried.told:<9}{line(tried.directory)}/console.log"))
    if known.commands:
        console.print(Text("by hand  repeat.sh"))
    console.print()


def _steps(known: Bisection) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("patches", "", "tries", "patch", "why"):
        table.add_column(name, overflow="fold", justify="right" if name in ("patches", "tries") else "left")
    for one in steps_of(known):
        told = Text(str(one.told), style=_STYLES[one.told]) if one.told else Text("not yet told")
        subject = line(one.subject) if one.number else "(the base)"
        table.add_row(str(one.number), told, str(one.tries), Text(subject), Text(line(one.reason)))
    return table


def certainty(known: Bisection) -> str:
    """How sure the answer is, and by what."""
    p, passes = failing(known.tries, known.total), passes_needed(known)
    return (
        f"confidence {known.confidence:.3f}: the whole series fails in about {p:.0%} of tries; a good "
        f"verdict takes {passes} passes, which a bad one gives with probability {(1 - p) ** passes:.2g}"
    )


def evidence(known: Bisection) -> list[Try]:
    """A good try without the first bad patch, and a bad one with it."""
    if known.first_bad is None:
        return []
    sides = ((known.first_bad - 1, Told.GOOD), (known.first_bad, Told.BAD))
    found = ([one for one in known.tries if (one.number, one.told) == side][:1] for side in sides)
    return [one for some in found for one in some]
