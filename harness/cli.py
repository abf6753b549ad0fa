# SPDX-License-Identifier: GPL-2.0-only
"""The command line: arguments in, calls out, exit code. No logic."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import msgspec
from rich.console import Console

from harness import __version__
from harness.deadline import Deadline
from harness.errors import HarnessError, UserError
from harness.paths import CONFIGS, RESULTS, cache
from harness.pipeline.bench import Request
from harness.pipeline.doctor import examine
from harness.pipeline.oneguest import boot_once
from harness.pipeline.onekernel import build_one
from harness.pipeline.plan import load_plan
from harness.pipeline.run import KERNELS, Surroundings, execute
from harness.report.answer import kernel_answer, run_answer
from harness.report.doctor import render_doctor
from harness.report.progress import Live
from harness.report.publisher import Reports
from harness.report.terminal import render
from harness.verdict import exit_code

_UNREAD = 128 + signal.SIGPIPE
_INTERRUPTED = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


class _Signalled(KeyboardInterrupt):
    """A signal that ends the command, on its way through every context manager."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of the command contract."""
    arguments, words = _split(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(arguments)
    options.words = words
    for number in _INTERRUPTED:
        signal.signal(number, _raise)
    call: Callable[[argparse.Namespace], int] = options.call
    try:
        return call(options)
    except HarnessError as error:
        _say(f"harness: {' '.join(str(error).split())}")
        return error.exit_code
    except BrokenPipeError:
        # Whoever read us (head, less) has had enough; Python would complain again on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    except _Signalled as interrupt:
        _say("harness: interrupted")
        return _INTERRUPTED[signal.Signals(interrupt.number)]


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before and after the first ``--``."""
    words = list(argv)
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough; the way out must not be cut short
    raise _Signalled(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harness", description="Does a patched kernel keep its memory accounting honest?"
    )
    parser.add_argument("--version", action="version", version=f"harness {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _command(commands, "run", _run, "build, boot and stress base and patched kernels")
    _inputs(run)
    run.add_argument("--only", default=",".join(KERNELS), help="which kernels: base,patched")
    run.add_argument("--results", type=Path, default=RESULTS, help="where runs are kept")
    run.add_argument("--seconds", type=float, help="how long each workload runs")

    build = _command(commands, "build", _build, "build one kernel")
    _inputs(build)
    build.add_argument("--upto", type=int, help="only the first N patches; 0 is the base")

    boot = _command(commands, "boot", _boot, "boot one kernel; a shell in it, or -- COMMAND")
    boot.add_argument("kernel", type=Path, metavar="KERNEL", help="a bzImage")
    boot.add_argument("--plan", type=Path, default=CONFIGS / "default.yaml", help="for the machine's shape")
    boot.add_argument("--iface", choices=("v1", "v2"), default="v2", help="the controller to mount")
    boot.add_argument("--accel", choices=("auto", "kvm", "tcg"), help="instead of the plan's")

    _command(commands, "doctor", _doctor, "what this machine has and lacks")
    return parser


def _command(
    commands: Any, name: str, call: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(call=call)
    return parser


def _inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=Path, nargs="?", default=CONFIGS / "default.yaml", metavar="PLAN")
    parser.add_argument("--series", help="mbox, quilt directory, patch files or a diff")
    parser.add_argument("--tree", help="kernel directory, git work tree, tarball, or 'debian'")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), help="instead of the plan's")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="make's -j")


def _request(options: argparse.Namespace) -> Request:
    plan = load_plan(options.plan)
    tree = options.tree and (options.tree if options.tree == "debian" else str(Path(options.tree).absolute()))
    series = options.series and str(Path(options.series).absolute())
    given = {"tree": tree, "series": series, "accel": options.accel, "seconds": vars(options).get("seconds")}
    plan = msgspec.structs.replace(plan, **{key: value for key, value in given.items() if value})
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
    )


def _run(options: argparse.Namespace) -> int:
    request = _request(options)
    with Live(_stderr()) as live:
        reports = Reports(live)
        around = Surroundings(
            listener=reports.listen,
            deadline=Deadline.never(),
            cancelled=threading.Event(),
            publisher=reports,
        )
        run = execute(request, around)
    if options.json:
        _answer(run_answer(run, reports.directory))
    else:
        render(run, reports.directory, Console())
    return exit_code(run.verdict)


def _build(options: argparse.Namespace) -> int:
    with Live(_stderr()) as live:
        kernel = build_one(_request(options), options.upto, live, Deadline.never())
    if options.json:
        _answer(kernel_answer(kernel))
    else:
        print(kernel.image)
    return 0


def _boot(options: argparse.Namespace) -> int:
    plan = load_plan(options.plan)
    if options.accel:
        plan = msgspec.structs.replace(plan, accel=options.accel)
    with Live(_stderr()) as live:
        outcome = boot_once(
            options.kernel,
            plan,
            options.iface,
            options.words,
            cache=cache(),
            listener=live,
            echo=None if options.json else _echo,
            hand_over=live.rest,
        )
    if options.json:
        _answer(msgspec.to_builtins(outcome))
    return 0 if outcome.exit == 0 and not outcome.reports else 1


def _doctor(options: argparse.Namespace) -> int:
    findings = examine(cache(), Deadline.after(60))
    if options.json:
        _answer({"checks": msgspec.to_builtins(findings)})
    else:
        render_doctor(findings, Console())
    return 0 if all(finding.good for finding in findings) else 3


def _stderr() -> Console:
    return Console(stderr=True)


def _answer(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), flush=True)


def _echo(line: bytes) -> None:
    sys.stdout.write(line.decode("utf-8", "replace") + "\n")
    sys.stdout.flush()


def _say(line: str) -> None:
    print(line, file=sys.stderr)
