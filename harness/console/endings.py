# SPDX-License-Identifier: GPL-2.0-only
"""How a guest ended that was expected to go on: hung, rebooted, by a triple fault, powered off, unheard.

Which of these it was cannot be read off a console alone; so the caller says what it knows of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.console.lines import said_by
from harness.console.model import Report
from harness.console.table import shipped

_TAIL = 20
"""lines from the end in which a kernel says that it restarts on purpose"""
_TRIPLE = re.compile(r"^Triple fault", re.MULTILINE)
STILL_TALKS = 5.0
"""seconds since its last byte within which a console counts as at work"""

Word = Literal["", "hung", "rebooted", "triple-fault", "powered-off", "console-lost"]
"""an end in one word that never changes; "" where nothing ended, or the kernel told why"""


@dataclass(frozen=True)
class Machine:
    """What is known of a guest that was expected to go on."""

    runs: bool
    """QEMU has not ended"""
    answers: bool
    """the guest does, over SSH"""
    heard: bool = True
    """what the guest is asked to say on its console comes"""
    quiet: float = 0.0
    """seconds since the last byte of its console"""
    reason: str = ""
    """why QEMU ended, as its QMP event SHUTDOWN has it (qapi/run-state.json): ``guest-reset``, …"""
    qemu: str = ""
    """the end of QEMU's log; with ``-d cpu_reset`` it tells of a triple fault"""


@dataclass(frozen=True)
class Ending:
    """An end, for programs and for people."""

    word: Word
    says: str
    """in one line"""


def ending(console: str, reports: Sequence[Report], machine: Machine) -> Ending | None:
    """How it ended; None for a guest that is well, or that died of one of *reports* that is fatal.

    A triple fault after words such as ``reboot: Restarting system`` is the kernel's last way to restart.
    """
    if machine.runs and machine.answers:
        lost = "the console was lost: SSH still answers, but nothing more came"
        return None if machine.heard else Ending("console-lost", lost)
    if machine.runs:
        talks = "hung: SSH does not answer, though the console still talks"
        return Ending("hung", talks if machine.quiet < STILL_TALKS else "hung: neither console nor SSH")
    if any(report.severity == "fatal" for report in reports):
        return None
    announced = _announced(console)
    if not announced and _TRIPLE.search(machine.qemu):
        return Ending("triple-fault", "triple fault")
    how = "and said so" if announced else "without a word"
    if machine.reason == "guest-shutdown":
        return Ending("powered-off", f"the guest powered off {how}")
    return Ending("rebooted", f"the guest rebooted {how}")


def _announced(console: str) -> bool:
    announced = re.compile(shipped().table.boots.announced)
    return any(announced.match(said_by(line)[1]) for line in console.splitlines()[-_TAIL:])
