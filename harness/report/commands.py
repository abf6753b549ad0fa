# SPDX-License-Identifier: GPL-2.0-only
"""``repeat.sh``: the commands of a run, in order, to repeat each step by hand."""

from __future__ import annotations

import stat
from pathlib import Path

from harness.files import write_whole
from harness.pipeline.model import Run
from harness.report.plaintext import line

NAME = "repeat.sh"
_EXECUTABLE = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH


def repeat_script(run: Run) -> str:
    """A POSIX shell script of ``run.commands``, each below a comment; the commands come quoted."""
    parts = [
        "#!/bin/sh",
        f"# Run {line(run.run)}",
        f"# plan {line(run.plan)}, tree {line(run.tree) or 'unknown'}, series {line(run.series) or 'none'}",
        "# Each step as it was run, to be read and run one by one; the whole script stops at the first",
        "# step that fails.",
        "set -e",
    ]
    if not run.commands:
        parts += ["", "# The run ended before its first step."]
    for index, command in enumerate(run.commands, start=1):
        parts += ["", f"# {index}. {line(command.step)}", command.command]
    return "\n".join(parts) + "\n"


def write_repeat(directory: Path, run: Run) -> Path:
    """Write :func:`repeat_script` to ``repeat.sh`` in *directory*, whole and executable."""
    path = directory / NAME
    # A path that is not UTF-8 came in through surrogateescape (PEP 383) and must go out as it was.
    write_whole(path, repeat_script(run).encode("utf-8", "surrogateescape"))
    path.chmod(_EXECUTABLE)
    return path
