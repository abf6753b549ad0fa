# SPDX-License-Identifier: GPL-2.0-only
"""The commands that need no kernel: series show, series repair, apply, base, analyze."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from harness.analysis.rules import shipped_rows
from harness.cli_command import SERIES_HELP, TREE_HELP, add_command, answer, progress
from harness.deadline import Deadline
from harness.errors import UserError
from harness.files import write_whole
from harness.paths import cache
from harness.pipeline.analysis import Ground, examine_series
from harness.pipeline.lay import Laid, lay
from harness.pipeline.onseries import patched_copy, repaired, write_series
from harness.pipeline.plan import series_from, tree_from
from harness.report.analysis import analysis_answer, render_analysis
from harness.report.application import Output, application_answer, render_application
from harness.report.base import base_answer, render_base
from harness.report.progress import Live
from harness.report.sarif import sarif
from harness.report.series import render_repairs, render_series, repair_answer, series_answer
from harness.series.model import Series
from harness.series.source import open_series
from harness.tree.base import find_base
from harness.tree.workcopy import refuse_unplaceable


def add_commands(commands: Any) -> None:
    """series, apply, base, analyze."""
    series = commands.add_parser("series", help="read a series, repair it").add_subparsers(
        required=True, metavar="COMMAND"
    )
    show = add_command(series, "show", _show, "what is in a series, whatever its form")
    show.add_argument("series", metavar="SERIES", help=SERIES_HELP)
    repair = add_command(series, "repair", _repair, "find lost white space again, against a tree")
    _on_tree(repair)
    repair.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="NAME.mbox, or a new quilt directory"
    )

    apply = add_command(commands, "apply", _apply, "put a series on a tree, hunk by hunk")
    _on_tree(apply)
    apply.add_argument("--output", type=Path, metavar="DIR", help="where the patched copy of the tree goes")
    apply.add_argument("--upto", type=int, metavar="N", help="only the first N patches into DIR; 0: none")

    base = add_command(commands, "base", _base, "find the commit that a series was made for")
    base.add_argument("series", metavar="SERIES", help=SERIES_HELP)
    base.add_argument("--git", type=Path, required=True, metavar="REPO", help="the repository to look in")
    base.add_argument("--range", metavar="A..B", help="only commits of this range")

    analyze = add_command(commands, "analyze", _analyze, "what a series does to the code, and what is wrong")
    _on_tree(analyze)
    analyze.add_argument("--checkpatch", type=Path, metavar="FILE", help="the checkpatch.pl to ask")
    analyze.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings as SARIF 2.1.0 too")


def _on_tree(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("series", metavar="SERIES", help=SERIES_HELP)
    parser.add_argument("--tree", default="debian", metavar="TREE", help=TREE_HELP)


def _show(options: argparse.Namespace) -> int:
    with progress(options) as live:
        series = _opened(options, live)
    if options.json:
        answer(series_answer(series))
    else:
        render_series(series, Console())
    return 0


def _repair(options: argparse.Namespace) -> int:
    with progress(options) as live, _laid(options, live) as laid:
        repairs = repaired(laid.series, laid.applied)
        refused = [repair for repair in repairs if repair.status == "refused"]
        if not refused:
            write_series(laid.series, repairs, options.output)
    if options.json:
        answer({**repair_answer(repairs), "output": "" if refused else str(options.output)})
    else:
        render_repairs(repairs, Console())
    return 1 if refused else 0


def _apply(options: argparse.Namespace) -> int:
    output = None
    with progress(options) as live:
        with _laid(options, live) as laid:
            applied = laid.applied
            refuse_unplaceable(laid.tree.root, applied.prefixes[-1])
        count = len(laid.series.patches) if options.upto is None else options.upto
        if not 0 <= count <= len(laid.series.patches):
            raise UserError(f"--upto {count}: the series has {len(laid.series.patches)} patches")
        if options.output is not None and count < len(applied.prefixes):
            changed = patched_copy(
                applied,
                count,
                tree_from(Path.cwd(), options.tree),
                options.output,
                cache=cache(),
                listener=live,
                deadline=Deadline.never(),
            )
            output = Output(directory=options.output.absolute(), patches=count, changed=changed)
    if options.json:
        answer(application_answer(applied, output))
    else:
        render_application(applied, Console(), output)
    return 0 if applied.whole or (output is not None and options.upto is not None) else 1


def _base(options: argparse.Namespace) -> int:
    with progress(options) as live:
        found = find_base(
            _opened(options, live),
            options.git,
            range_=options.range or "",
            deadline=Deadline.never(),
            listener=live,
        )
    if options.json:
        answer(base_answer(found))
    else:
        render_base(found, Console())
    return 0 if found and found[0].applied else 1


def _analyze(options: argparse.Namespace) -> int:
    if options.sarif:
        _refuse_unwritable(options.sarif)
    with progress(options) as live, _laid(options, live) as laid:
        found = examine_series(
            laid.series,
            laid.applied,
            Ground(root=laid.tree.root, read=laid.tree.read, version=laid.tree.version, tree=laid.tree.tree),
            cache=cache(),
            listener=live,
            deadline=Deadline.never(),
            checkpatch=options.checkpatch,
        )
    if options.sarif:
        titles = {name: row.title for name, row in shipped_rows().items()}
        document = sarif(found, laid.series, laid.tree.name, titles=titles)
        write_whole(options.sarif, msgspec.json.format(msgspec.json.encode(document), indent=2))
    if options.json:
        answer({**analysis_answer(found), "applied": laid.applied.whole})
    else:
        render_analysis(found, laid.series, Console())
        if not laid.applied.whole:
            render_application(laid.applied, Console())
    return 1 if not laid.applied.whole or any(one.severity == "error" for one in found.findings) else 0


def _refuse_unwritable(file: Path) -> None:
    """Before the work is done; what is put in the place of a device or a link would take it away."""
    if not file.absolute().parent.is_dir():
        raise UserError(f"--sarif {file}: {file.absolute().parent} is no directory; make it first")
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise UserError(f"--sarif {file}: is there, and no regular file; give another name")


def _opened(options: argparse.Namespace, live: Live) -> Series:
    return open_series(
        series_from(Path.cwd(), options.series), cache=cache(), listener=live, deadline=Deadline.never()
    )


def _laid(options: argparse.Namespace, live: Live) -> AbstractContextManager[Laid]:
    return lay(
        series_from(Path.cwd(), options.series),
        tree_from(Path.cwd(), options.tree),
        cache=cache(),
        listener=live,
        deadline=Deadline.never(),
    )
