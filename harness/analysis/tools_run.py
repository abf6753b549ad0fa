# SPDX-License-Identifier: GPL-2.0-only
"""Running an outside tool on hostile text: bounded in time and memory, its output taken line by line."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness import process
from harness.deadline import Deadline
from harness.errors import InfraError

_MEMORY = 2 << 30
_LINES = 20_000
_LONGEST = 2_000
_VERSION_SECONDS = 10.0


class Output(msgspec.Struct, frozen=True):
    """What a tool said, and its exit code."""

    exit: int
    lines: tuple[str, ...]
    """at most 20,000 of them, each of at most 2,000 characters"""

    @property
    def last(self) -> str:
        """The last line that is not empty, or the exit code (negative: a signal) in words."""
        said = next((line.strip() for line in reversed(self.lines) if line.strip()), "")
        return f"ended by signal {-self.exit}" if self.exit < 0 else said or f"exit code {self.exit}"


class Unusable(Exception):
    """A tool cannot be used here, or gave up; ``str(error)`` is the reason, a few words."""


def program(name: str) -> str:
    """*name*, if it is installed; raises Unusable."""
    if shutil.which(name) is None:
        raise Unusable("not installed")
    return name


def ask(
    argv: Sequence[str | Path], *, cwd: Path, deadline: Deadline, env: Mapping[str, str] | None = None
) -> Output:
    """Run *argv*, whose exit code is the caller's to judge; Unusable when it cannot be run to its end.

    It gets 2 GiB of address space (util-linux' prlimit), and a home directory that holds no settings of
    the user's.
    """
    lines: list[str] = []

    def keep(line: str) -> None:
        if len(lines) < _LINES:
            lines.append(line[:_LONGEST])

    try:
        done = process.run(
            ["prlimit", f"--as={_MEMORY}", *argv],
            cwd=cwd,
            deadline=deadline,
            env={"HOME": str(cwd), "LC_ALL": "C", **(env or {})},
            on_line=keep,
        )
    except InfraError as error:
        raise Unusable(str(error)) from error
    return Output(done.exit, tuple(lines))


def first_line(argv: Sequence[str], *, cwd: Path, deadline: Deadline) -> str:
    """The first line that *argv* says, as for ``--version``."""
    output = ask(argv, cwd=cwd, deadline=deadline.within(_VERSION_SECONDS))
    return output.lines[0].strip() if output.lines else ""
