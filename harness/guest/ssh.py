# SPDX-License-Identifier: GPL-2.0-only
"""SSH into a guest: one connection, many channels, the guest's host key checked and never learned."""

from __future__ import annotations

import logging
import shlex
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import fabric
import invoke.exceptions
import paramiko

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.keys import Keys

_CHUNK = 1 << 16
_LINE = 1 << 18
_STEP = 0.2
_GOODBYE = 1.0

# Paramiko logs tracebacks from its transport thread when a guest dies under it; that is an
# ordinary outcome here and reaches the caller as an exception.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


TIMED_OUT = "timed out"
"""why something ended that took longer than it may"""


@dataclass(frozen=True)
class Ended:
    """How a command in the guest ended: its exit code, or None with why there is none."""

    exit: int | None
    why: str = ""


class Shell:
    """Commands and files over one connection to 127.0.0.1:*port*."""

    def __init__(self, connection: fabric.Connection) -> None:
        self._connection = connection

    def run(self, argv: Sequence[str], deadline: Deadline) -> tuple[Ended, str]:
        """Run *argv*, quoted, to its end; how it ended and what it printed on either stream."""
        try:
            result = self._connection.run(
                shlex.join(argv), hide=True, warn=True, in_stream=False, timeout=_finite(deadline)
            )
        except invoke.exceptions.CommandTimedOut:
            return Ended(None, TIMED_OUT), ""
        except (paramiko.SSHException, OSError, EOFError) as error:
            return Ended(None, f"connection lost: {error}"), ""
        return Ended(int(result.exited)), str(result.stdout) + str(result.stderr)

    def put(self, local: Path, remote: str) -> None:
        """Copy a file into the guest over SFTP; InfraError when the connection fails."""
        try:
            self._connection.put(str(local), remote)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise InfraError(f"{local}: not copied into the guest: {error}") from error

    def follow(
        self,
        argv: Sequence[str],
        on_line: Callable[[bytes], None],
        deadline: Deadline,
        give_up: Callable[[], str],
    ) -> Ended:
        """Run *argv* and hand each line of its stdout to *on_line* as it comes.

        Ends with the command, with the connection, at *deadline*, or as soon as *give_up*
        returns a reason. A line longer than 256 KiB is handed on in pieces.
        """
        try:
            transport = self._connection.client.get_transport()
            if transport is None:
                return Ended(None, "connection lost")
            channel = transport.open_session(timeout=_finite(deadline))
            channel.set_combine_stderr(True)
            channel.settimeout(_STEP)
            channel.exec_command(shlex.join(argv))
            with channel:
                return _pump(channel, on_line, deadline, give_up)
        except (paramiko.SSHException, OSError, EOFError) as error:
            return Ended(None, give_up() or f"connection lost: {error}")

    def interact(self) -> int:
        """The login shell on the caller's own terminal. Returns its exit code."""
        result = self._connection.run("exec /bin/sh -l", pty=True, warn=True)
        return int(result.exited)


@contextmanager
def connected(
    port: int, keys: Keys, deadline: Deadline, give_up: Callable[[], str] = lambda: ""
) -> Iterator[Shell]:
    """A connection for the length of the block; InfraError, in one line, if the guest does not let us in.

    Call it only once the guest has said that its server listens: QEMU's user network accepts
    at once on the guest's behalf and then stalls for seconds. *give_up* is asked meanwhile for a
    reason not to wait on.
    """
    try:
        wire = socket.create_connection(("127.0.0.1", port), _finite(deadline))
    except OSError as error:
        raise InfraError(f"SSH to the guest on port {port} failed: {error}") from error
    connection = fabric.Connection(
        "127.0.0.1",
        user="root",
        port=port,
        connect_timeout=max(1, int(_finite(deadline))),
        connect_kwargs={"pkey": keys.client, "look_for_keys": False, "allow_agent": False, "sock": wire},
        config=fabric.Config(ssh_config=paramiko.SSHConfig(), lazy=True),
    )
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    connection.client.get_host_keys().add(f"[127.0.0.1]:{port}", keys.host.get_name(), keys.host)
    try:
        with _cut_when(wire, give_up):
            connection.open()
    except (paramiko.SSHException, OSError, EOFError) as error:
        connection.close()
        wire.close()
        raise InfraError(f"SSH to the guest on port {port} failed: {give_up() or error}") from error
    try:
        yield Shell(connection)
    finally:
        # A dead guest does not answer the goodbye; do not wait for it.
        closer = threading.Thread(target=connection.close, daemon=True)
        closer.start()
        closer.join(_GOODBYE)


@contextmanager
def _cut_when(wire: socket.socket, give_up: Callable[[], str]) -> Iterator[None]:
    """Shut *wire* down, which ends whoever waits on it, as soon as *give_up* gives a reason."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_STEP):
            if give_up():
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)
                return

    watcher = threading.Thread(target=watch, name="ssh login", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _pump(
    channel: paramiko.Channel,
    on_line: Callable[[bytes], None],
    deadline: Deadline,
    give_up: Callable[[], str],
) -> Ended:
    pending = b""
    while True:
        try:
            chunk = channel.recv(_CHUNK)
        except TimeoutError:
            why = give_up() or (TIMED_OUT if deadline.expired() else "")
            if why:
                return Ended(None, why)
            continue
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            on_line(line)
        if len(pending) > _LINE:
            on_line(pending)
            pending = b""
        if not chunk:
            if pending:
                on_line(pending)
            break
    channel.status_event.wait(_GOODBYE)  # the exit status follows the end of the output
    status = channel.recv_exit_status() if channel.exit_status_ready() else -1
    return Ended(status) if status >= 0 else Ended(None, give_up() or "connection lost")


def _finite(deadline: Deadline) -> float:
    """Seconds for libraries that cannot wait for ever."""
    return min(deadline.remaining(), 24 * 3600.0)
