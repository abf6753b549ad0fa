# SPDX-License-Identifier: GPL-2.0-only
"""``harness triage LOG…``: the kernel reports in consoles of any kernel."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from msgspec.structs import replace
from rich.console import Console

from harness.build.symbols import open_symbols, placed
from harness.cli_command import add_command, answer
from harness.console.detector import Detector
from harness.console.model import Report
from harness.deadline import Deadline
from harness.errors import UserError
from harness.report.triage import Triaged, render_triage, triage_answer

_CHUNK = 1 << 20


def add_triage(commands: Any) -> None:
    """The one command."""
    triage = add_command(commands, "triage", _triage, "the kernel reports in console logs")
    triage.add_argument("logs", nargs="+", metavar="LOG", help="a console as text, of any kernel; - is stdin")
    triage.add_argument(
        "--vmlinux", type=Path, metavar="FILE", help="the kernel's vmlinux: file, line and inlined calls"
    )


def _triage(options: argparse.Namespace) -> int:
    symbolise = _symboliser(options.vmlinux)
    logs = [Triaged(log=log, reports=tuple(map(symbolise, _reports(log)))) for log in options.logs]
    if options.json:
        answer(triage_answer(logs))
    else:
        render_triage(logs, Console())
    return 1 if any(one.severity != "note" for log in logs for one in log.reports) else 0


def _symboliser(vmlinux: Path | None) -> Callable[[Report], Report]:
    if vmlinux is None:
        return lambda report: report
    symbols = open_symbols(vmlinux, Deadline.never())

    def symbolise(report: Report) -> Report:
        return placed(replace(report, stack=symbols.frames(report.stack)))

    return symbolise


def _reports(log: str) -> list[Report]:
    """The reports in the file *log*, in their order. UserError when it cannot be read."""
    try:
        if log == "-":
            found = _read(sys.stdin.buffer)
        else:
            with Path(log).open("rb") as stream:
                found = _read(stream)
    except OSError as error:
        raise UserError(f"{log}: {error.strerror}; give a console log, or - for stdin") from error
    return sorted(found, key=lambda report: report.offset)


def _read(stream: BinaryIO) -> list[Report]:
    detector = Detector()
    found: list[Report] = []
    while chunk := stream.read(_CHUNK):
        found += detector.feed(chunk)
    return [*found, *detector.finish()]
