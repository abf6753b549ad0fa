# SPDX-License-Identifier: GPL-2.0-only
"""What the commands of the command line have in common: a parser each, ``--json``, where to print."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import msgspec
from rich.console import Console

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


def stderr() -> Console:
    """Where progress goes."""
    return Console(stderr=True)


def answer(value: object) -> None:
    """Print *value* as the command's one JSON object."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), flush=True)
