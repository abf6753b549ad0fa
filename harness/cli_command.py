# SPDX-License-Identifier: GPL-2.0-only
"""What the commands of the command line have in common: a parser each, ``--json``, where to print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from harness.errors import HarnessError
from harness.report.progress import Live

SERIES_HELP = (
    "mbox, maildir, mail, quilt or broken-out directory, diff, text from a web archive; one of these in a "
    "tarball; https://HOST/… of a tarball, mbox or patch; REPO@A..B, message-id:ID or a lore link"
)
TREE_HELP = (
    "kernel directory, git work tree, REPO@COMMIT, URL@BRANCH, tarball, https://HOST/….tar.xz[#sha256=HEX], "
    "or 'debian'"
)


def add_command(
    commands: Any, name: str, call: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """The parser of one command, which *call* carries out; it returns the exit code."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(call=call)
    return parser


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """``--quiet``, for :func:`progress` and :func:`finish`."""
    text = "no progress and no report: only warnings and the last line, or the answer of --json"
    parser.add_argument("-q", "--quiet", action="store_true", help=text)


def progress(options: argparse.Namespace) -> Live:
    """What shows progress, on stderr."""
    return Live(Console(stderr=True), quiet=vars(options).get("quiet", False))


@contextmanager
def closing(last: Callable[[], Text | None]) -> Iterator[None]:
    """Have an error that ends the block bring along the command's last line, for :func:`say_error`."""
    try:
        yield
    except BaseException as error:
        with suppress(HarnessError):  # the disk may be what failed
            if (said := last()) is not None:
                error.add_note(said.plain)
        raise


def say_error(error: BaseException, said: str) -> None:
    """*said* of *error* as a line on stderr, then what it brings along."""
    for one in (f"harness: {said}", *getattr(error, "__notes__", ())):
        print(one, file=sys.stderr)


def finish(
    options: argparse.Namespace,
    answer_of: Callable[[], object],
    render: Callable[[Console], object],
    last: Text,
) -> None:
    """Say the answer, or the report unless it is to be quiet; then *last*, on stderr beside an answer."""
    if options.json:
        answer(answer_of())
    elif not options.quiet:
        render(Console())
    Console(stderr=options.json).print(last, soft_wrap=True, highlight=False)


def answer(value: object) -> None:
    """Print *value* as the command's one JSON object."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), flush=True)
