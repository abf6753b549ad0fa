# SPDX-License-Identifier: GPL-2.0-only
"""Child processes that cannot outlive us. The one place that imports subprocess.

Every child is started through util-linux' ``setpriv --pdeathsig KILL``, so that the kernel
ends it with us even under SIGKILL. If we die before setpriv has asked for that signal, it never
comes; so the child then looks whether its parent is still us, and ends if not. The signal is tied
to the *thread* that started the child: start a long-lived one (QEMU) from a thread that lives as long.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.deadline import Deadline
from harness.errors import DeadlineExpired, InfraError

_TAIL = 64 * 1024
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
# A constant script: the owner's pid is its $0, the command its arguments. A missing command gives 127.
_UNLESS_ORPHANED = ("/bin/sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"')


@dataclass(frozen=True)
class Completed:
    """A child that has ended: its exit code (negative: the signal), and the last 64 KiB it said."""

    argv: tuple[str, ...]
    exit: int
    output: str

    def last_lines(self, count: int = 5) -> str:
        """The last *count* lines that are not empty, joined by `` | ``: fit for a one-line error."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return " | ".join(lines[-count:])


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    deadline: Deadline,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    stdin: bytes | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run *argv* in *cwd* to its end; stdout and stderr together go to *log* (appended) and *on_line*.

    *env* is laid over the environment. Raises InfraError if it cannot be started and
    DeadlineExpired, with the child's whole process group ended, if it takes too long.
    """
    tail = bytearray()
    with (
        spawned(argv, cwd=cwd, env=env, stdin=subprocess.PIPE if stdin is not None else None) as child,
        _log_stream(log) as sink,
    ):
        timer = threading.Timer(min(deadline.remaining(), threading.TIMEOUT_MAX), end, [child])
        timer.daemon = True
        timer.start()
        try:
            feeder = _feed(child, stdin)
            assert child.stdout is not None  # noqa: S101 -- spawned() always pipes it
            for raw in child.stdout:
                sink(raw)
                tail += raw
                del tail[:-_TAIL]
                if on_line is not None:
                    on_line(raw.decode("utf-8", "replace").rstrip("\r\n"))
            feeder.join()
            code = child.wait()
        finally:
            timer.cancel()
    if code < 0 and deadline.expired():
        raise DeadlineExpired(f"{argv[0]}: ended after its time was up")
    return Completed(tuple(map(str, argv)), code, tail.decode("utf-8", "replace"))


@contextmanager
def spawned(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A running child in a process group of its own, stdout and stderr in one pipe; ended on leaving."""
    command = [*_DIES_WITH_US, *_UNLESS_ORPHANED, str(os.getpid()), *map(str, argv)]
    try:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            start_new_session=True,
        )
    except OSError as error:
        raise InfraError(f"{argv[0]}: cannot be started: {error.strerror}") from error
    try:
        yield child
    finally:
        end(child)
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


def end(child: subprocess.Popen[bytes], patience: float = 2.0) -> None:
    """End *child* and its group: SIGTERM, *patience* seconds, SIGKILL. Nothing happens to a dead one."""
    if child.poll() is not None:
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            return
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return


def _feed(child: subprocess.Popen[bytes], data: bytes | None) -> threading.Thread:
    """Write *data* from a thread of its own, so that neither side waits for the other for ever."""

    def write() -> None:
        if child.stdin is None:
            return
        try:
            child.stdin.write(data or b"")
            child.stdin.close()
        except BrokenPipeError:
            pass  # the child did not want it all; its exit code tells

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


@contextmanager
def _log_stream(log: Path | None) -> Iterator[Callable[[bytes], object]]:
    if log is None:
        yield lambda _raw: None
        return
    stream: IO[bytes]
    with log.open("ab") as stream:
        yield stream.write
