# SPDX-License-Identifier: GPL-2.0-only
"""What ``harness triage`` prints: each kernel report with its place, its stack and its lines."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from harness.console.model import Report
from harness.report import wording
from harness.report.plaintext import line

_STYLES = {"fatal": "bold red", "bad": "red", "note": "dim"}
_DEPTH = 12
"""frames of a stack that are shown"""


class Triaged(msgspec.Struct, frozen=True, kw_only=True):
    """What one log held."""

    log: str
    reports: tuple[Report, ...]


def triage_answer(logs: Sequence[Triaged]) -> dict[str, object]:
    """``{"reports": [...]}``: of each report all that is known, and the log that it is of."""
    reports = [{"log": one.log, **msgspec.to_builtins(report)} for one in logs for report in one.reports]
    return {"reports": reports}


def render_triage(logs: Sequence[Triaged], console: Console) -> None:
    """A paragraph for each report, the cause first as it is the first; what is found in no log too."""
    for one in logs:
        if len(logs) > 1:
            console.print(Text(line(one.log), "bold"), highlight=False)
        if not one.reports:
            console.print(Text("no kernel report", "green"), highlight=False)
        for report in one.reports:
            console.print(_head(report), highlight=False, soft_wrap=True)
            console.print(Padding(_body(report), (0, 0, 1, 7), expand=False), highlight=False)


def _head(report: Report) -> Text:
    head = Text.assemble((f"{report.severity.upper():5}  ", _STYLES[report.severity]))
    head.append(line(report.title), style="bold" if report.severity != "note" else "dim")
    if report.cause:
        head.append("  (the cause: the first that is more than a note)", style="dim")
    return head


def _body(report: Report) -> Text:
    facts = [
        f"{report.kind} at {wording.place(report) or 'an unknown place'}, byte {report.offset}",
        f"fingerprint {report.fingerprint}" if report.fingerprint else "",
        "cut off or mixed with others' lines" if report.corrupted else "",
        f"tainted {line(report.tainted)}" if report.tainted else "",
        "the kernel had complained before" if report.after else "",
    ]
    body = Text("; ".join(filter(None, facts)), style="dim")
    if report.condition:
        body.append(f"\n{line(report.condition)}")
    for frame in report.stack[:_DEPTH]:
        body.append(f"\n  {wording.frame(frame)}")
    if len(report.stack) > _DEPTH:
        body.append(f"\n  and {len(report.stack) - _DEPTH} more", style="dim")
    return body
