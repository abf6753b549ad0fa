# SPDX-License-Identifier: GPL-2.0-only
"""The commands that a page of docs/ has, as they stand there, and how to run one somewhere else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from harness.paths import PROJECT

HOME = "/opt/memcg-harness"
"""where the pages have the project"""
_SH = re.compile(r"\bsh (?P<quoted>'[^'\n]*')|\bsh\([^)\n]*\bscript: (?P<script>'[^'\n]*')\)")


class Page:
    """One page of docs/."""

    def __init__(self, name: str) -> None:
        self.text = (PROJECT / "docs" / name).read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of *language*."""
        found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)
        return found

    def commands(self) -> list[str]:
        """What is to be typed, what a unit or a crontab starts, and what a Jenkinsfile gives to the shell."""
        prose = re.sub(r"^```.*?^```", "", self.text, flags=re.MULTILINE | re.DOTALL)
        typed = re.findall(r"^ {4,6}((?:\.venv/bin/)?harness .*|make .*)$", prose, re.MULTILINE)
        started = re.findall(r"^ExecStart=(.*)$", self.text, re.MULTILINE)
        timed = [row.split(None, 5)[5] for block in self.blocks("cron") for row in block.splitlines()]
        return [*typed, *started, *timed, *self.shell_steps()]

    def shell_steps(self) -> list[str]:
        """What the ``sh`` steps of the page's Jenkinsfiles are given: always in single quotes."""
        steps = [found for block in self.blocks("groovy") for found in _SH.finditer(block)]
        return [(found["quoted"] or found["script"]).strip("'") for found in steps]


def harness_words(command: str) -> str:
    """The words of the one ``harness`` command in *command*; "" where it has none."""
    found = re.search(
        r"\bharness ((?:nightly|resume|history|run|analyze|doctor)\b.*?)(?: >>\S+ 2>&1)?$", command
    )
    return found[1] if found else ""


def run(
    command: str, workspace: Path, replaced: dict[str, str], *, seconds: float, more: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run *command* by a shell in *workspace*, as its page has it but for what is *replaced* in it.

    *more* is put behind the words of ``harness``. The virtual environment of the tests is the workspace's.
    """
    venv = workspace / ".venv"
    if not venv.exists():
        venv.symlink_to(Path(sys.executable).parent.parent)
    words = harness_words(command)
    command = command.replace(words, f"{words} {more}") if words and more else command
    for old, new in {HOME: str(workspace), **replaced}.items():
        command = command.replace(old, new)
    path = f"{venv / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command], cwd=workspace, env={**os.environ, "PATH": path, **env}, timeout=seconds,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
