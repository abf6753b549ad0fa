# SPDX-License-Identifier: GPL-2.0-only
"""``harness nightly`` and ``harness history``: a matrix a night, and what the nights came to."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.cli_cluster import add_cluster, machines
from harness.cli_command import add_command, add_quiet, answer, closing, finish, progress
from harness.deadline import Deadline
from harness.errors import UserError
from harness.paths import RESULTS, cache
from harness.pipeline.bench import Request
from harness.pipeline.bisect import Around
from harness.pipeline.bisect import begin as begin_bisection
from harness.pipeline.bisect import resume as go_on
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.cells import Machines
from harness.pipeline.night import NightAround, alone, begin, resume
from harness.pipeline.night_entry import Bisect
from harness.pipeline.night_model import Night
from harness.pipeline.night_plan import load_night
from harness.pipeline.night_sum import night_code
from harness.pipeline.night_sweep import sweep
from harness.pipeline.plan import Plan
from harness.pipeline.run import Surroundings
from harness.report.bisect import NAME as BISECTION
from harness.report.bisect import read_bisection
from harness.report.history import History, open_history
from harness.report.history_view import history_answer, records, render_history
from harness.report.html_index import index
from harness.report.night import night_answer, read_night, render_night
from harness.report.progress import Live
from harness.report.publisher import (
    Latest,
    Reports,
    closing_line,
    keep_night,
    write_bisection_reports,
)
from harness.report.within import Within


def add_commands(commands: Any) -> None:
    """Both parsers."""
    nightly = add_command(commands, "nightly", _nightly, "run a matrix of trees, series and plans")
    nightly.add_argument("plan", type=Path, metavar="PLAN", help="see configs/nightly.yaml")
    add_quiet(nightly)
    nightly.add_argument("--results", type=Path, default=RESULTS, help="where nights and history are kept")
    nightly.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="make's -j")
    nightly.add_argument(
        "--force", action="store_true", help="go on with a tree or a compiler that no table covers"
    )
    add_cluster(nightly)
    past = add_command(commands, "history", _history, "what the nights came to: new, fixed, flaky")
    past.add_argument("--results", type=Path, default=RESULTS, help="where nights and history are kept")
    past.add_argument("--case", default="", metavar="NAME", help="night by night, cases with that in it")
    past.add_argument("--window", type=int, default=10, metavar="N", help="nights over which rates are taken")


def _nightly(options: argparse.Namespace) -> int:
    plan, entries = load_night(options.plan)
    site = _site(options.results, options.jobs, options.force)
    keep = Latest(keep_night)
    with alone(site.results), open_history(site.results, new=True) as history:
        with progress(options) as live, machines(options, live) as where, closing(keep.last_line):
            around = _around(live, keep, history, site.results, where)
            night, directory = begin(plan, options.plan, entries, site, around)
        index(site.results)
    return _said(options, night, directory)


def resume_night(options: argparse.Namespace) -> int:
    """``harness resume`` for a night's directory."""
    directory = options.run.resolve()
    with alone(directory.parent):
        night = read_night(directory)  # whoever was at it before has let go of it by now
        site = _site(directory.parent, options.jobs, night.force)
        keep = Latest(keep_night)
        with open_history(site.results, new=True) as history:
            with progress(options) as live, machines(options, live) as where, closing(keep.last_line):
                around = _around(live, keep, history, site.results, where)
                night = resume(night, directory, site, around)
            index(site.results)
    return _said(options, night, directory)


def _history(options: argparse.Namespace) -> int:
    if options.window < 1:
        raise UserError(f"--window {options.window}: give a number of nights")
    with open_history(options.results, new=False) as history:
        known = records(history, options.window, options.case)
        if options.json:
            answer(history_answer(history, known))
        else:
            render_history(history, known, bool(options.case), Console())
    return 0


def _said(options: argparse.Namespace, night: Night, directory: Path) -> int:
    finish(
        options,
        lambda: night_answer(night, directory),
        lambda console: render_night(night, console),
        closing_line(directory, night),
    )
    return night_code(night)


def _site(results: Path, jobs: int, force: bool) -> Request:
    """What the requests of all entries have in common; each has its own plan and directory."""
    nothing = Plan(name="night")
    return Request(
        plan=nothing,
        plan_path=Path(),
        results=results.resolve(),
        cache=cache(),
        jobs=max(1, jobs),
        force=force,
    )


def _around(live: Live, keep: Latest[Night], history: History, results: Path, where: Machines) -> NightAround:
    given: list[threading.Event] = []

    def surroundings(entry: str) -> Surroundings:
        reports = Reports(Within(entry, live))
        cancelled = threading.Event()
        given.append(cancelled)
        return Surroundings(
            listener=reports.listen,
            deadline=Deadline.never(),
            cancelled=cancelled,
            publisher=reports,
            machines=where,
        )

    def cancel() -> None:
        for event in given:
            event.set()

    def thrown_away(night: Night) -> tuple[str, ...]:
        begun = {one["night"]: one["started"] for one in history.nights()}
        return sweep(results, night, begun, history.held(night.window))

    return NightAround(
        surroundings=surroundings,
        publish=keep,
        listener=live,
        chronicle=history,
        bisect=lambda entry, placed: _bisect(lambda: surroundings(entry), placed),
        cancel=cancel,
        room=where.room,
        sweep=thrown_away,
    )


def _bisect(surroundings: Callable[[], Surroundings], placed: Callable[[Path], None]) -> Bisect:
    def publish(directory: Path, known: Bisection) -> None:
        write_bisection_reports(directory, known)
        placed(directory)

    def bisect(request: Request, wanted: float, directory: str) -> tuple[Bisection, Path]:
        around = Around(surroundings=surroundings, publish=publish)
        if directory and (Path(directory) / BISECTION).is_file():
            return go_on(Path(directory), read_bisection, request, around), Path(directory)
        return begin_bisection(request, wanted, around)

    return bisect
