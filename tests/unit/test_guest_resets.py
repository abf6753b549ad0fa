# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's log of CPU resets: read along to its end, and only the end kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.guest.resets import ResetLog


def _said(script: str) -> str:
    log = ResetLog()
    name = log.words()[-1]
    with subprocess.Popen(["sh", "-c", script, "sh", name], pass_fds=(log.theirs,)) as child:
        log.begin()
        child.wait(30)
    return log.end()


def test_what_was_said_last_is_there_when_its_writer_is_gone() -> None:
    assert _said('printf "CPU Reset (CPU 0)\\nTriple fault\\n" > "$1"').endswith("\nTriple fault\n")
    assert _said(":") == ""


def test_a_long_log_stops_nobody_and_is_not_kept() -> None:
    """More than a pipe holds."""
    said = _said('{ head -c 1000000 /dev/zero; echo; echo "Triple fault"; } > "$1"')
    assert said.endswith("\nTriple fault\n")
    assert len(said) == 4096


def test_bytes_that_are_no_text_are_no_matter() -> None:
    assert _said("printf '\\377\\n' > \"$1\"") == "\ufffd\n"


def test_nothing_stays_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    _said(":")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
