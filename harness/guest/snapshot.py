# SPDX-License-Identifier: GPL-2.0-only
"""A guest as it was when it became ready, kept so that the next one of the same kernel need not boot.

QEMU's migration to a file and back (docs/devel/migration.rst). Disks are not in it: the guest's are thrown
away with it (``snapshot=on``), and by then it has written nothing to them that it would miss.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from qemu.qmp import QMPError
from qemu.qmp.legacy import QEMUMonitorProtocol

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.keys import Keys

_POLL = 0.02
_NAME = "snapshot"
_SECONDS = 30.0
_TROUBLE = (QMPError, OSError, TimeoutError, EOFError)


@dataclass(frozen=True)
class Saved:
    """What a guest that is restored has to have in common with the one that was saved."""

    initrd: Path
    keys: Keys
    console: bytes
    """all that it had said"""


class Snapshot:
    """Room for one, in a *directory* that is there; ``saved`` once a guest was. Of one machine and kernel."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.saved: Saved | None = None

    @property
    def memory(self) -> Path:
        """The guest's memory and devices, as QEMU writes them."""
        return self.directory / "memory"

    @contextmanager
    def incoming(self) -> Iterator[int]:
        """A descriptor that QEMU is to inherit, for ``-incoming fd:N``."""
        descriptor = os.open(self.memory, os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def save(self, qmp: QEMUMonitorProtocol, saved: Saved, deadline: Deadline) -> None:
        """Keep the guest behind *qmp*, which goes on afterwards. One that cannot be kept is none: no error.

        InfraError when it does not go on.
        """
        try:
            self._write(qmp, deadline.within(_SECONDS))
            initrd = Path(shutil.copy(saved.initrd, self.directory / "initrd"))
            self.saved = replace(saved, initrd=initrd)
        except (*_TROUBLE, InfraError):
            self.memory.unlink(missing_ok=True)
        go_on(qmp, deadline.within(_SECONDS))

    def _write(self, qmp: QEMUMonitorProtocol, deadline: Deadline) -> None:
        qmp.cmd("stop")
        descriptor = os.open(self.memory, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            qmp.send_fd_scm(descriptor)
            qmp.cmd("getfd", fdname=_NAME)
        finally:
            os.close(descriptor)
        qmp.cmd("migrate", uri=f"fd:{_NAME}")
        _await(qmp, "query-migrate", "completed", deadline)


def go_on(qmp: QEMUMonitorProtocol, deadline: Deadline) -> None:
    """Have a guest run that was restored or stopped; InfraError when it does not."""
    try:
        while _status(qmp, "query-status") == "inmigrate":
            if deadline.expired():
                raise InfraError("QEMU does not end reading a snapshot")
            time.sleep(_POLL)
        qmp.cmd("cont")
    except _TROUBLE as error:
        raise InfraError(f"a guest of a snapshot does not go on: {error}") from error


def _await(qmp: QEMUMonitorProtocol, question: str, wanted: str, deadline: Deadline) -> None:
    while (status := _status(qmp, question)) != wanted:
        if status == "failed" or deadline.expired():
            raise InfraError(f"{question}: {status or 'no answer'}")
        time.sleep(_POLL)


def _status(qmp: QEMUMonitorProtocol, question: str) -> str:
    reply = qmp.cmd(question)
    return str(reply.get("status", "")) if isinstance(reply, dict) else ""
