# SPDX-License-Identifier: GPL-2.0-only
"""A build that failed: the compiler's first errors, and whether the machine is to blame."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from harness.errors import HarnessError, InfraError

# GCC, clang and ld: "file:line:col: error: text", "ld: file.o: in function `f': undefined reference …".
_ERROR = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>.*)$")
# as, on a temporary file of the compiler's whose name says nothing.
_ASSEMBLER = re.compile(r"^\S+\.s:(?:\d+:)? (?:Fatal )?[Ee]rror: (?P<text>.*)$")
_LINK = re.compile(r"undefined reference to|multiple definition of|relocation truncated to fit")
_MAKE = re.compile(r"^make(\[\d+\])?: \*\*\* ")
_MACHINE = re.compile(
    r"No space left on device|Cannot allocate memory|virtual memory exhausted|out of memory|"
    r"Killed signal terminated program|Read-only file system"
)
_KEPT = 10
_LONGEST = 300


class BuildFailed(HarnessError):
    """The sources do not build. For the base that is the user's tree or configuration (exit 2); for
    a patched tree it is a verdict: the caller knows which of the two it asked for.
    """

    exit_code = 2

    def __init__(self, errors: tuple[str, ...], log: Path) -> None:
        """*errors*: ``file:line: message``, the first ones; *log*: all that make said."""
        self.errors = errors
        self.log = log
        super().__init__(f"{errors[0]} (log: {log})")


def failure(lines: Iterable[str], source: Path, build_dir: Path, log: Path) -> BuildFailed | InfraError:
    """What to raise for a make that failed saying *lines*."""
    errors: list[str] = []
    stops: list[str] = []
    for line in lines:
        if _MACHINE.search(line):
            return InfraError(f"the build stopped for want of the machine: {_bounded(line)} (log: {log})")
        match, assembler = _ERROR.match(line), _ASSEMBLER.match(line)
        if assembler:
            errors.append(_bounded(f"as: {assembler['text']}"))
        elif match:
            path = os.path.normpath(build_dir / match["file"]).removeprefix(f"{source}{os.sep}")
            errors.append(_bounded(f"{path}:{match['line']}: {match['text']}"))
        elif _LINK.search(line):
            errors.append(_bounded(line))
        elif _MAKE.match(line):
            stops.append(_bounded(line))
    said = tuple(dict.fromkeys(errors))[:_KEPT] or tuple(stops[:1]) or ("make failed and did not say why",)
    return BuildFailed(said, log)


def _bounded(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line.strip()[:_LONGEST])
