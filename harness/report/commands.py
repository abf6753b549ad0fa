# SPDX-License-Identifier: GPL-2.0-only
"""``repeat.sh``: the commands of a run, in order, to repeat each step by hand."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from harness.files import write_whole
from harness.pipeline.model import Command, Run
from harness.report.plaintext import line

NAME = "repeat.sh"
_EXECUTABLE = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH


def repeat_script(run: Run) -> str:
    """A POSIX shell script of ``run.commands``, each below a comment; the commands come quoted."""
    about = f"plan {line(run.plan)}, tree {line(run.tree) or 'unknown'}, series {line(run.series) or 'none'}"
    return _script(f"Run {line(run.run)}", about, run.commands, whole=True)


def write_repeat(directory: Path, run: Run) -> Path:
    """Write :func:`repeat_script` to ``repeat.sh`` in *directory*, whole and executable."""
    return _write(directory, repeat_script(run))


def write_script(directory: Path, title: str, about: str, commands: Sequence[Command]) -> Path:
    """Write ``repeat.sh`` of *commands*, all of which are run, whatever each comes to."""
    return _write(directory, _script(title, about, commands, whole=False))


def _script(title: str, about: str, commands: Sequence[Command], *, whole: bool) -> str:
    """*whole*: it ends with the first step that fails."""
    parts = ["#!/bin/sh", f"# {title}", f"# {about}"]
    if whole:
        parts += [
            "# Each step as it was run, to be read and run one by one; the whole script stops at the first",
            "# step that fails.",
            "set -e",
        ]
    if not commands:
        parts += ["", "# The run ended before its first step."]
    for index, command in enumerate(commands, start=1):
        parts += ["", f"# {index}. {line(command.step)}", command.command]
    return "\n".join(parts) + "\n"


def _write(directory: Path, script: str) -> Path:
    path = directory / NAME
    # A path that is not UTF-8 came in through surrogateescape (PEP 383) and must go out as it was.
    write_whole(path, script.encode("utf-8", "surrogateescape"))
    path.chmod(_EXECUTABLE)
    return path
