# SPDX-License-Identifier: GPL-2.0-only
"""``harness faults``: the fault corpus, put through builds and guests."""

from __future__ import annotations

import argparse
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from harness.cli_command import TREE_HELP, add_command, add_quiet, closing, finish, progress
from harness.deadline import Deadline
from harness.files import make_directory
from harness.paths import CONFIGS, RESULTS, cache
from harness.pipeline.bench import Request
from harness.pipeline.corpus import DIRECTORY, load_corpus
from harness.pipeline.faults import Trial, put_through
from harness.pipeline.plan import load_plan, require_given, tree_from
from harness.pipeline.run import Surroundings
from harness.report.faults import matrix_answer, render_matrix, write_matrix
from harness.report.html_index import index
from harness.report.progress import Live
from harness.report.publisher import Reports
from harness.report.terminal import last_line
from harness.verdict import exit_code


def add_faults(commands: Any) -> None:
    """The command's parser."""
    parser = add_command(commands, "faults", _faults, "how good is the harness: the fault corpus")
    parser.add_argument("plan", type=Path, nargs="?", default=CONFIGS / "faults.yaml", metavar="PLAN")
    add_quiet(parser)
    parser.add_argument("--only", default="", help="names of the corpus, with commas")
    parser.add_argument("--corpus", type=Path, default=DIRECTORY, help="directory of faults.yaml")
    parser.add_argument("--tree", help=TREE_HELP)
    parser.add_argument("--base", type=int, default=1, metavar="N", help="run the unpatched base N times")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where runs are kept")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="make's -j")


def _faults(options: argparse.Namespace) -> int:
    corpus = load_corpus(options.corpus)
    names = [name for name in options.only.split(",") if name]
    corpus = corpus.only(names, f"--only {options.only}")
    plan = load_plan(options.plan)
    if options.tree:
        plan = msgspec.structs.replace(plan, tree=tree_from(Path.cwd(), options.tree))
    require_given(plan, options.plan)
    stamp = f"{datetime.now(UTC).astimezone():%Y%m%d-%H%M%S}"
    directory = options.results.resolve() / f"{stamp}-{plan.name}"
    make_directory(directory, "the results directory")
    with progress(options) as live, closing(lambda: last_line(None, index(directory))):
        trial = Trial(
            request=Request(
                plan=plan,
                plan_path=options.plan,
                results=directory,
                cache=cache(),
                jobs=max(1, options.jobs),
            ),
            directory=options.corpus,
            surroundings=lambda: _surroundings(live),
            publish=lambda known: write_matrix(directory, known),
            listener=live,
        )
        matrix = put_through(corpus, trial, options.base)
    finish(
        options,
        lambda: matrix_answer(matrix, directory),
        lambda console: render_matrix(matrix, console),
        last_line(matrix.verdict, index(directory)),
    )
    return exit_code(matrix.verdict)


def _surroundings(live: Live) -> Surroundings:
    reports = Reports(live)
    return Surroundings(
        listener=reports.listen, deadline=Deadline.never(), cancelled=threading.Event(), publisher=reports
    )
