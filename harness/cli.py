# SPDX-License-Identifier: GPL-2.0-only
"""The command line: arguments in, calls out, exit code. No logic."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from harness import (
    __version__,
    cli_bisect,
    cli_faults,
    cli_kernel,
    cli_nightly,
    cli_report,
    cli_resume,
    cli_series,
    cli_triage,
)
from harness.cli_command import say_error
from harness.errors import HarnessError, InfraError

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
        return _said_all(call(options))
    except HarnessError as error:
        say_error(error, " ".join(str(error).split()))
        return error.exit_code
    except BrokenPipeError:
        _let_go_of_stdout()  # whoever read us (head, less) has had enough
        return _UNREAD
    except OSError as error:
        _let_go_of_stdout()
        mend = "; make room on its disk" if error.errno == errno.ENOSPC else ""
        say_error(error, f"{error.filename or 'the output'}: {error.strerror or error}{mend}")
        return InfraError.exit_code
    except _Signalled as interrupt:
        say_error(interrupt, "interrupted")
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
    cli_kernel.add_run(commands)
    cli_bisect.add_bisect(commands)
    cli_nightly.add_commands(commands)
    cli_resume.add_resume(commands)
    cli_series.add_commands(commands)
    cli_faults.add_faults(commands)
    cli_kernel.add_others(commands)
    cli_triage.add_triage(commands)
    cli_report.add_report(commands)
    return parser


def _said_all(code: int) -> int:
    """*code*, once all that the command printed has found its place: a full disk is told of here."""
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _let_go_of_stdout() -> None:
    """What is still in its buffer has nowhere to go; Python would complain again on its way out."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
