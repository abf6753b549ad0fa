# SPDX-License-Identifier: GPL-2.0-only
"""`harness boot` without a command: a shell in the guest on the caller's terminal."""

from __future__ import annotations

import os
import pty
import signal
import threading
from pathlib import Path

import pytest

from tests.e2e.conftest import HARNESS

pytestmark = pytest.mark.e2e

_ERASE_LINE = b"\x1b[2K"
_PROMPT = b"guest:~# "


def test_a_shell_on_a_terminal(base_kernel: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(HARNESS[0], [*HARNESS, "boot", str(base_kernel)])  # noqa: S606 -- the child of the pty
    timer = threading.Timer(60, os.kill, (pid, signal.SIGKILL))
    timer.start()
    seen = bytearray()
    answers = [b"echo $((6 * 7)).\n", b"exit\n"]
    while chunk := _read(terminal):
        seen += chunk
        if answers and seen.count(_PROMPT) > 2 - len(answers):
            os.write(terminal, answers.pop(0))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    timer.cancel()
    os.close(terminal)
    session = bytes(seen).partition(_PROMPT)[2]
    assert code == 0, seen
    assert b"\n42." in session
    assert _ERASE_LINE not in session  # the progress bars are off the screen by then


def _read(terminal: int) -> bytes:
    """What is there to read; nothing once the other side is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
