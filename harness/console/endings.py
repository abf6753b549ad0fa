# SPDX-License-Identifier: GPL-2.0-only
"""How a guest ended when its kernel did not say: hung, reset in silence, by a triple fault, or unheard.

Names are the field's where it has one. Which of these it was cannot be read off a console alone; so the
caller says what it knows of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.console.fingerprint import fingerprint
from harness.console.lines import said_by
from harness.console.model import Report
from harness.console.table import shipped

_TAIL = 20
"""lines from the end in which a kernel says that it restarts on purpose"""
_TRIPLE = re.compile(r"^Triple fault", re.MULTILINE)


@dataclass(frozen=True)
class Machine:
    """What is known of a guest that was expected to go on."""

    runs: bool
    """QEMU has not ended"""
    answers: bool
    """the guest does, over whatever it was asked"""
    heard: bool = True
    """its console is still connected"""
    qemu: str = ""
    """what QEMU said; with ``-d cpu_reset`` it tells of a triple fault"""


def ending(console: str, reports: Sequence[Report], machine: Machine) -> Report | None:
    """The report of an end that the kernel did not tell of; None for a guest that is well, or one whose
    kernel did: by one of *reports* that is fatal, or by words such as ``reboot: Restarting system``.
    """
    if machine.runs and machine.answers:
        return None if machine.heard else _report("lost connection to test machine", "lost", console)
    if machine.runs:
        return _report("no output from test machine", "hung", console)
    if _announced(console) or any(report.severity == "fatal" for report in reports):
        return None
    if _TRIPLE.search(machine.qemu):
        return _report("triple fault", "reboot", console)
    return _report(shipped().table.boots.title, "reboot", console)


def _announced(console: str) -> bool:
    announced = re.compile(shipped().table.boots.announced)
    return any(announced.match(said_by(line)[1]) for line in console.splitlines()[-_TAIL:])


def _report(title: str, kind: str, console: str) -> Report:
    return Report(
        title=title,
        kind=kind,
        severity="fatal",
        offset=len(console.encode("utf-8", "replace")),
        fingerprint=fingerprint(kind, title, ""),
    )
