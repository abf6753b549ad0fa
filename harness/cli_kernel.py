# SPDX-License-Identifier: GPL-2.0-only
"""The commands that build and boot kernels: run, build, boot, doctor."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from harness.cli_cluster import add_cluster, machines
from harness.cli_command import (
    SERIES_HELP,
    TREE_HELP,
    add_command,
    add_quiet,
    answer,
    closing,
    finish,
    progress,
    say_error,
)
from harness.deadline import Deadline
from harness.errors import HarnessError, NoBase, UserError
from harness.events import task
from harness.paths import CONFIGS, RESULTS, cache
from harness.pipeline.bench import Request
from harness.pipeline.doctor import examine
from harness.pipeline.model import Run
from harness.pipeline.oneguest import boot_once
from harness.pipeline.onekernel import build_one
from harness.pipeline.plan import load_plan, require_given, series_from, tree_from
from harness.pipeline.run import KERNELS, Surroundings, execute
from harness.pipeline.stages import RUN
from harness.report.answer import kernel_answer, run_answer
from harness.report.doctor import render_doctor
from harness.report.publisher import Reports, closing_line
from harness.report.terminal import render
from harness.verdict import GIT_BISECT_END, GIT_BISECT_SKIP, exit_code, git_bisect_code


def add_run(commands: Any) -> None:
    """The main command."""
    run = add_command(commands, "run", _run, "build, boot and stress base and patched kernels")
    add_inputs(run)
    add_quiet(run)
    run.add_argument("--only", default=",".join(KERNELS), help="which kernels: base,patched")
    run.add_argument("--results", type=Path, default=RESULTS, help="where runs are kept")
    run.add_argument("--seconds", type=float, help="how long each workload runs")
    add_cluster(run)
    run.add_argument("--fail-fast", action="store_true", help="end at the first failure")
    run.add_argument(
        "--git-bisect",
        action="store_true",
        help="for `git bisect run`: exit 0, 1, 125 (does not build or boot) or 128; implies --fail-fast",
    )


def add_others(commands: Any) -> None:
    """One kernel, one guest, and the machine itself."""
    build = add_command(commands, "build", _build, "build one kernel")
    add_inputs(build)
    build.add_argument("--upto", type=int, help="only the first N patches; 0 is the base")

    boot = add_command(commands, "boot", _boot, "boot one kernel; a shell in it, or -- COMMAND")
    boot.add_argument("kernel", type=Path, metavar="KERNEL", help="a bzImage")
    boot.add_argument("--plan", type=Path, default=CONFIGS / "default.yaml", help="for the machine's shape")
    boot.add_argument("--iface", choices=("v1", "v2"), default="v2", help="the controller to mount")
    boot.add_argument("--accel", choices=("auto", "kvm", "tcg"), help="instead of the plan's")
    boot.add_argument("--extra", type=Path, action="append", default=[], metavar="CPIO", help="further files")

    add_command(commands, "doctor", _doctor, "what this machine has and lacks")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """What every command takes that builds kernels of a plan."""
    parser.add_argument("plan", type=Path, nargs="?", default=CONFIGS / "default.yaml", metavar="PLAN")
    parser.add_argument("--series", help=SERIES_HELP)
    parser.add_argument("--tree", help=TREE_HELP)
    parser.add_argument("--kconfig", metavar="PROFILE", help="instead of the plan's")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), help="instead of the plan's")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="make's -j")
    parser.add_argument(
        "--force", action="store_true", help="go on with a tree or a compiler that no table covers"
    )


def request_of(options: argparse.Namespace) -> Request:
    """The plan with the command line's words laid over it; UserError where they do not fit."""
    plan = load_plan(options.plan)
    tree = options.tree and tree_from(Path.cwd(), options.tree)
    series = options.series and series_from(Path.cwd(), options.series)
    kconfig = options.kconfig and tuple(options.kconfig.split(","))
    given = {
        "tree": tree,
        "series": series,
        "kconfig": kconfig,
        "accel": options.accel,
        "seconds": vars(options).get("seconds"),
    }
    plan = msgspec.structs.replace(plan, **{key: value for key, value in given.items() if value})
    if kconfig:
        plan = msgspec.structs.replace(plan, cells=())
    if given["seconds"]:  # who says how long each shall run does not want it cut
        plan = msgspec.structs.replace(plan, cell_seconds=0.0)
    require_given(plan, options.plan)
    only = tuple(vars(options).get("only", ",".join(KERNELS)).split(","))
    if not only or not set(only) <= set(KERNELS):
        raise UserError(f"--only {','.join(only)}: name {' or '.join(KERNELS)}, or both with a comma")
    return Request(
        plan=plan,
        plan_path=options.plan,
        only=tuple(name for name in KERNELS if name in only),
        results=vars(options).get("results", RESULTS),
        cache=cache(),
        jobs=max(1, options.jobs),
        fail_fast=vars(options).get("fail_fast", False),
        force=options.force,
    )


def _run(options: argparse.Namespace) -> int:
    if not options.git_bisect:
        return exit_code(_run_once(options).verdict)
    options.fail_fast = True
    try:
        return git_bisect_code(_run_once(options).verdict)
    except NoBase as error:
        say_error(error, str(error))
        return GIT_BISECT_SKIP
    except HarnessError as error:
        say_error(error, str(error))
        return GIT_BISECT_END


def _run_once(options: argparse.Namespace) -> Run:
    request = request_of(options)
    with progress(options) as live, machines(options, live) as where:
        reports = Reports(live)
        around = Surroundings(
            listener=reports.listen,
            deadline=Deadline.never(),
            cancelled=threading.Event(),
            publisher=reports,
            machines=where,
        )
        with closing(reports.last_line), task(reports.listen, RUN, f"run {request.plan.name}") as current:
            run = execute(request, around)
            current.outcome = str(run.verdict)
    finish(
        options,
        lambda: run_answer(run, reports.directory),
        lambda console: render(run, reports.directory, console),
        closing_line(reports.directory, run),
    )
    return run


def _build(options: argparse.Namespace) -> int:
    with progress(options) as live:
        kernel = build_one(request_of(options), options.upto, live, Deadline.never())
    if options.json:
        answer(kernel_answer(kernel))
    else:
        print(kernel.image)
    return 0


def _boot(options: argparse.Namespace) -> int:
    plan = load_plan(options.plan)
    if options.accel:
        plan = msgspec.structs.replace(plan, accel=options.accel)
    with progress(options) as live:
        outcome = boot_once(
            options.kernel,
            plan,
            options.iface,
            options.words,
            options.extra,
            cache=cache(),
            listener=live,
            echo=None if options.json else _echo,
            hand_over=live.rest,
        )
    if options.json:
        answer(msgspec.to_builtins(outcome))
    return 0 if outcome.exit == 0 and not outcome.reports else 1


def _doctor(options: argparse.Namespace) -> int:
    findings = examine(cache(), Deadline.after(60))
    if options.json:
        answer({"checks": msgspec.to_builtins(findings)})
    else:
        render_doctor(findings, Console())
    return 0 if all(finding.good for finding in findings) else 3


def _echo(line: bytes) -> None:
    sys.stdout.write(line.decode("utf-8", "replace") + "\n")
    sys.stdout.flush()
