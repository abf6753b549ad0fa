# SPDX-License-Identifier: GPL-2.0-only
"""``harness report RUN``: the reports of a run that was kept, made again; of all runs, a list."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.cli_command import add_command, answer
from harness.errors import UserError
from harness.report.answer import run_answer
from harness.report.html_index import entries, index_answer, write_index
from harness.report.publisher import write_reports
from harness.report.runfile import NAME, read_run
from harness.report.terminal import render
from harness.verdict import exit_code


def add_report(commands: Any) -> None:
    """The one command."""
    parser = add_command(commands, "report", _report, "make the reports of a kept run again, or list runs")
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="its directory under results/; or results/ itself, for a list"
    )


def _report(options: argparse.Namespace) -> int:
    path: Path = options.run
    directory = (path.parent if path.name == NAME else path).resolve()
    if (directory / NAME).exists() or path.name == NAME:
        return _one(options, directory)
    if not directory.is_dir():
        raise UserError(f"{path}: no such directory; name one that `harness run` left")
    listed = entries(directory)
    if not listed:
        raise UserError(f"{path}: has no {NAME} and no run below it; name a directory of `harness run`")
    index = write_index(directory, listed)
    if options.json:
        answer(index_answer(directory, listed))
    else:
        print(f"{len(listed)} runs: {index}")
    return 0


def _one(options: argparse.Namespace, directory: Path) -> int:
    """The exit code is that of the run."""
    run = read_run(directory)
    files = write_reports(directory, run, again=True)
    if options.json:
        answer({**run_answer(run, directory), "files": [str(path) for path in files]})
    else:
        render(run, directory, Console())
    return exit_code(run.verdict)
