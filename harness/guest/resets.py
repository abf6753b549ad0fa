# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's own log of CPU resets: the one place where it tells a triple fault from a reset that was asked for.

Its QMP event SHUTDOWN has the reason ``guest-reset`` for both. Emulating, QEMU 7.2 writes ``Triple fault`` to
its log with ``-d cpu_reset`` (target/i386/tcg/excp_helper.c, check_exception()); under KVM it writes nothing.
Each reset of a CPU, and each that comes online, is 1.4 KiB of registers; so the log is a pipe of which only
the end is kept, never a file that grows.
"""

from __future__ import annotations

import os
import threading

_CHUNK = 1 << 14
_KEPT = 1 << 12
"""bytes; a triple fault is the last that QEMU says, but for another CPU's reset at the same moment"""
_PATIENCE = 1.0
"""seconds for the end of the log of a QEMU that has ended"""


class ResetLog:
    """The reading end, read along by a thread until QEMU has ended."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.pipe()
        self._kept = b""
        self._thread = threading.Thread(target=self._follow, name="reset log", daemon=True)

    def words(self) -> tuple[str, ...]:
        """QEMU's arguments; it has to inherit :attr:`theirs`."""
        return ("-d", "cpu_reset", "-D", f"/dev/fd/{self.theirs}")

    def begin(self) -> None:
        """Read along; to be called once QEMU was started, or could not be."""
        os.close(self.theirs)
        self._thread.start()

    def end(self) -> str:
        """The last 4 KiB; asked of a QEMU that has ended."""
        self._thread.join(_PATIENCE)
        return self._kept.decode("ascii", "replace")

    def _follow(self) -> None:
        with os.fdopen(self._ours, "rb", buffering=0) as stream:
            while chunk := stream.read(_CHUNK):
                self._kept = (self._kept + chunk)[-_KEPT:]
