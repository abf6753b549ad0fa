# SPDX-License-Identifier: GPL-2.0-only
"""``harness bisect``: from a series to its first bad patch."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import Any

from harness.cli_cluster import add_cluster, machines
from harness.cli_command import add_command, add_quiet, closing, finish, progress
from harness.cli_kernel import add_inputs, request_of
from harness.deadline import Deadline
from harness.errors import UserError
from harness.paths import RESULTS, cache
from harness.pipeline.bench import Request
from harness.pipeline.bisect import Around, begin, resume
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.bisect_narrow import narrowed
from harness.pipeline.cells import Machines
from harness.pipeline.run import Surroundings
from harness.report.bisect import bisection_answer, read_bisection, render_bisection
from harness.report.progress import Live
from harness.report.publisher import Latest, Reports, closing_line, write_bisection_reports
from harness.verdict import exit_code


def add_bisect(commands: Any) -> None:
    """The command's parser."""
    parser = add_command(commands, "bisect", _bisect, "find the first bad patch of a series")
    add_inputs(parser)
    add_quiet(parser)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where it is kept")
    add_cluster(parser)
    parser.add_argument("--seconds", type=float, help="how long each workload runs")
    parser.add_argument("--cell", metavar="PROFILE-IFACE", help="look only there")
    parser.add_argument("--case", metavar="WORKLOAD", help="look only for a failure of this workload")
    parser.add_argument(
        "--confidence", type=float, default=0.95, metavar="P", help="how sure the answer is to be (0.95)"
    )


def _bisect(options: argparse.Namespace) -> int:
    if not 0.0 < options.confidence < 1.0:
        raise UserError(f"--confidence {options.confidence:g}: give a probability between 0 and 1")
    request = narrowed(request_of(options), options.cell or "", options.case or "")
    keep = Latest(write_bisection_reports)
    with progress(options) as live, machines(options, live) as where, closing(keep.last_line):
        known, directory = begin(request, options.confidence, _around(live, keep, where))
    return _said(options, known, directory)


def resume_bisection(options: argparse.Namespace) -> int:
    """``harness resume`` for a bisection's directory."""
    directory = options.run.resolve()
    known = read_bisection(directory)
    request = Request(
        plan=known.plan,
        plan_path=Path(known.plan_path),
        results=directory.parent,
        cache=cache(),
        jobs=max(1, options.jobs),
        force=known.force,
    )
    keep = Latest(write_bisection_reports)
    with progress(options) as live, machines(options, live) as where, closing(keep.last_line):
        known = resume(directory, read_bisection, request, _around(live, keep, where))
    return _said(options, known, directory)


def _said(options: argparse.Namespace, known: Bisection, directory: Path) -> int:
    finish(
        options,
        lambda: bisection_answer(known, directory),
        lambda console: render_bisection(known, console),
        closing_line(directory, known),
    )
    return exit_code(known.verdict)


def _around(live: Live, keep: Latest[Bisection], where: Machines) -> Around:
    def surroundings() -> Surroundings:
        reports = Reports(live)
        return Surroundings(
            listener=reports.listen,
            deadline=Deadline.never(),
            cancelled=threading.Event(),
            publisher=reports,
            machines=where,
        )

    return Around(surroundings=surroundings, publish=keep)
