# SPDX-License-Identifier: GPL-2.0-only
"""A login to a server that never speaks: ended by a reason, not by the clock."""

from __future__ import annotations

import socket

import paramiko
import pytest

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.keys import Keys
from harness.guest.ssh import connected


@pytest.fixture(name="silent")
def _silent() -> socket.socket:
    """Accepts, as QEMU's user network does on the guest's behalf, and says nothing."""
    server = socket.create_server(("127.0.0.1", 0))
    server.listen()
    return server


def test_a_reason_to_give_up_ends_the_login(silent: socket.socket) -> None:
    key = paramiko.ECDSAKey.generate()
    keys = Keys(client=key, host=key)
    asked: list[int] = []

    def give_up() -> str:
        asked.append(1)
        return "a kernel report" if len(asked) > 1 else ""

    with (
        silent,
        pytest.raises(InfraError, match="failed: a kernel report"),
        connected(silent.getsockname()[1], keys, Deadline.after(600), give_up),
    ):
        pass


def test_a_port_that_nobody_listens_on_is_one_line(silent: socket.socket) -> None:
    port = silent.getsockname()[1]
    silent.close()
    key = paramiko.ECDSAKey.generate()
    keys = Keys(client=key, host=key)
    with (
        pytest.raises(InfraError, match=rf"port {port} failed: .*refused"),
        connected(port, keys, Deadline.after(10)),
    ):
        pass
