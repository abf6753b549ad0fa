# SPDX-License-Identifier: GPL-2.0-only
"""Tells a machine that silently started again from one that boots for the first time, or was told to."""

from __future__ import annotations

import re

from harness.console.fingerprint import fingerprint
from harness.console.model import Report
from harness.console.table import Boots

_PRELUDE = 200
"""lines after which a console without time stamps is a kernel's all the same"""
_LATER = re.compile(r"\[ {0,6}[1-9]\d{0,7}\.\d{6}\]")
"""a time stamp of a second or more: 2.6.27 says a little before its own name, all of it at 0"""


class BootWatch:
    """Hears every line that may tell of a boot, and all lines while :attr:`unsure`."""

    def __init__(self, boots: Boots) -> None:
        self._title = boots.title
        self._firmware = re.compile(boots.firmware)
        self._kernel = re.compile(boots.kernel)
        self._announced = re.compile(boots.announced)
        self._lines = 0
        self._ran = False
        self._told = False
        self._booting = False

    @property
    def unsure(self) -> bool:
        """True until a kernel has been heard: what QEMU or a boot loader says is no life to end."""
        return not self._ran

    def hear(self, offset: int, line: str, said: str) -> Report | None:
        """The report of a silent reboot, when *line* is the first word of one."""
        self._lines += 1
        if self._announced.match(said):
            self._told = True
        elif self._firmware.match(said):
            return self._start(offset, line, firmware=True)
        elif self._kernel.match(said):
            return self._start(offset, line, firmware=False)
        self._ran = self._ran or _LATER.search(line) is not None or self._lines > _PRELUDE
        return None

    def _start(self, offset: int, line: str, *, firmware: bool) -> Report | None:
        silent = self._ran and not self._told and not self._booting
        self._told, self._booting = False, firmware
        self._ran = self._ran or not firmware
        if not silent:
            return None
        name = fingerprint("reboot", self._title, "")
        return Report(
            title=self._title, kind="reboot", severity="fatal", offset=offset, text=line, fingerprint=name
        )
