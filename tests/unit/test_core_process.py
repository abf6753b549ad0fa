# SPDX-License-Identifier: GPL-2.0-only
"""Children: their output, their end, and that none outlives its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from harness import process
from harness.deadline import Deadline
from harness.errors import DeadlineExpired, InfraError
from harness.process import run, spawned


def test_output_goes_to_log_listener_and_tail(tmp_path: Path) -> None:
    seen: list[str] = []
    log = tmp_path / "log"
    done = run(
        ["sh", "-c", "echo one; echo two >&2; exit 3"],
        cwd=tmp_path,
        deadline=Deadline.after(20),
        log=log,
        on_line=seen.append,
    )
    assert done.exit == 3
    assert sorted(seen) == ["one", "two"]
    assert sorted(log.read_text().split()) == ["one", "two"]
    assert sorted(done.last_lines().split(" | ")) == ["one", "two"]


def test_a_large_stdin_does_not_deadlock(tmp_path: Path) -> None:
    data = b"x" * (1 << 20)
    done = run(["cat"], cwd=tmp_path, deadline=Deadline.after(20), stdin=data)
    assert done.exit == 0
    assert len(done.output) == 64 * 1024  # the tail


def test_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    pidfile = tmp_path / "pid"
    with pytest.raises(DeadlineExpired):
        run(["sh", "-c", f"sleep 60 & echo $! > {pidfile}; wait"], cwd=tmp_path, deadline=Deadline.after(0.5))
    assert _gone(int(pidfile.read_text()))


def test_what_cannot_be_started_is_infra(tmp_path: Path) -> None:
    with pytest.raises(InfraError), spawned(["true"], cwd=tmp_path / "missing"):
        pass


def test_sigkill_of_the_owner_ends_the_child(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from harness.process import spawned
        with spawned(["sleep", "60"], cwd=Path("/")) as child:
            print(child.pid, flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert _gone(pid)


def test_a_child_whose_owner_is_not_its_parent_any_more_does_not_begin(tmp_path: Path) -> None:
    """The owner died before the death signal was asked for: the signal would never come."""
    began = tmp_path / "began"
    orphan = subprocess.run([*process._UNLESS_ORPHANED, "1", "touch", str(began)], check=False)
    assert orphan.returncode != 0
    assert not began.exists()
    owned = subprocess.run([*process._UNLESS_ORPHANED, str(os.getpid()), "touch", str(began)], check=False)
    assert owned.returncode == 0
    assert began.exists()


def _gone(pid: int) -> bool:
    """True once *pid* has ended (a zombie has); it is given up to 10 s."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
