# SPDX-License-Identifier: GPL-2.0-only
"""``harness report KEPT``: a run, night or bisection told again from what is kept; or all of them, listed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.cli_command import add_command, answer
from harness.errors import UserError
from harness.pipeline.night_sum import night_code
from harness.report.answer import run_answer
from harness.report.bisect import NAME as BISECTION
from harness.report.bisect import bisection_answer, read_bisection, render_bisection
from harness.report.html_bisect import write_bisection_page
from harness.report.html_index import Found, found, index_answer, write_index
from harness.report.html_night import write_night_page
from harness.report.night import NAME as NIGHT
from harness.report.night import night_answer, read_night, render_night
from harness.report.publisher import write_bisection_reports, write_night_reports, write_reports
from harness.report.runfile import NAME as RUN
from harness.report.runfile import read_run
from harness.report.terminal import render
from harness.verdict import exit_code


def add_report(commands: Any) -> None:
    """The one command."""
    text = "make the reports of a kept run, night or bisection again, or list them all"
    parser = add_command(commands, "report", _report, text)
    parser.add_argument(
        "kept", type=Path, metavar="KEPT", help="its directory under results/; or results/ itself, for a list"
    )


def _report(options: argparse.Namespace) -> int:
    path: Path = options.kept
    calls = {RUN: _run, NIGHT: _night, BISECTION: _bisection}
    directory = (path.parent if path.name in calls else path).resolve()
    for name, call in calls.items():
        if path.name == name or (path.name not in calls and (directory / name).exists()):
            return call(options, directory)
    if not directory.is_dir():
        raise UserError(f"{path}: no such directory; name one that `harness run` left")
    listed = found(directory)
    if not listed:
        raise UserError(f"{path}: has no {RUN} and no run below it; name a directory of `harness run`")
    listed = _pages(directory, listed)
    index = write_index(directory, listed)
    if options.json:
        answer(index_answer(directory, listed))
    else:
        counts = {"nights": listed.nights, "runs": listed.runs, "bisections": listed.bisections}
        print(f"{', '.join(f'{len(some)} {name}' for name, some in counts.items() if some)}: {index}")
    return 0


def _pages(results: Path, listed: Found) -> Found:
    """*listed* with its nights' and bisections' pages made again; runs keep theirs, which are dear."""
    for one in (*listed.nights, *listed.bisections):
        if one.night is not None:
            write_night_page(results / one.directory, one.night)
        if one.bisection is not None:
            write_bisection_page(results / one.directory, one.bisection)
    return found(results)


def _run(options: argparse.Namespace, directory: Path) -> int:
    """The exit code is that of the run."""
    run = read_run(directory)
    files = write_reports(directory, run, again=True)
    if options.json:
        answer({**run_answer(run, directory), "files": [str(path) for path in files]})
    else:
        render(run, directory, Console())
    return exit_code(run.verdict)


def _night(options: argparse.Namespace, directory: Path) -> int:
    night = read_night(directory)
    files = write_night_reports(directory, night)
    if options.json:
        answer({**night_answer(night, directory), "files": [str(path) for path in files]})
    else:
        render_night(night, Console())
    return night_code(night)


def _bisection(options: argparse.Namespace, directory: Path) -> int:
    known = read_bisection(directory)
    page = write_bisection_reports(directory, known)
    if options.json:
        answer({**bisection_answer(known, directory), "files": [str(page)]})
    else:
        render_bisection(known, Console())
    return exit_code(known.verdict)
