# SPDX-License-Identifier: GPL-2.0-only
"""One guest from boot to death, and the workloads that it took: evidence, not yet judged."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.build.model import Kernel
from harness.console.detector import Detector
from harness.console.endings import Machine
from harness.console.model import Report
from harness.deadline import Deadline
from harness.errors import InfraError
from harness.events import Task
from harness.guest.accel import Accel
from harness.guest.machine import Guest, Spec, booted
from harness.guest.model import Image
from harness.guest.snapshot import Snapshot
from harness.guest.ssh import TIMED_OUT
from harness.memcg.interface import files_to_sample
from harness.pipeline.judge_ending import Afterwards
from harness.tree.model import Version
from harness.workloads.program import Program, Runnable
from harness.workloads.runner import Delivered, Load, command, deliver, length, longest

_DOOM = 10.0
"""seconds that a guest may go on after a fatal report has begun, to finish its words"""
_MARKER = 2.0
"""seconds for a case's last marker to come through the serial line"""
_ANSWER = 10.0
_ECHO = 10.0
"""seconds for a line that the guest is asked to say to come through the serial line"""
_LAST = 4096
"""characters of the console that are looked at to tell how a guest ended"""
_COMPLAINT = 20.0
"""seconds that a guest whose kernel has complained while booting is given to become ready"""
_SILENCE = 20.0
"""seconds without a word of a case, once the kernel has complained, after which it will say no more"""
_MUTE = 60.0
"""the same where the kernel says nothing; what takes longest is swapoff, some seconds when emulated"""
_ROOM = 4 << 20
"""bytes that are kept of what a test program says; the longest of Linux 6.1 says 20 KiB"""
_USUAL = 0.08
"""the share of its time limit that a test program takes"""
_LOGIN = 3.0
"""seconds that a guest whose kernel has complained is given to let us in; a well one takes 0.2 s"""


@dataclass(frozen=True)
class CellJob:
    """All that a cell needs."""

    name: str
    kernel_name: str
    kernel: Kernel
    version: Version
    """of the tree: some tolerances depend on it"""
    iface: str
    profile: str
    workloads: tuple[Runnable, ...]
    lacking: tuple[tuple[str, str], ...]
    """workloads, by name, that cannot be run here, each with the reason"""
    load: Load
    spec: Spec
    image: Image
    accel: Accel
    directory: Path
    """the cell's own, made already"""
    explain: Callable[[Report], Report]
    """fills in what the kernel's sources say of a report"""
    enough: threading.Event | None = None
    """shared by the cells of a run that ends at the first failure: set once there is one"""
    snapshot: Snapshot | None = None
    """where its guests come from, once the first was ready"""

    def argv(self, workload: Runnable) -> tuple[str, ...]:
        """What the guest runs for it, and what a person would."""
        if isinstance(workload, Program):
            return workload.argv
        return command(workload, self.iface, self.load, files_to_sample(self.iface))

    def seconds(self, workload: Runnable) -> float:
        """How long it runs, roughly: only the progress bar believes it of a test program."""
        if isinstance(workload, Program):
            return workload.test.seconds * _USUAL
        return length(workload, self.load)

    def limit(self, workload: Runnable) -> float:
        """Seconds after which it counts as hung."""
        return workload.test.seconds if isinstance(workload, Program) else longest(workload, self.load)

    def ended(self) -> bool:
        """True once another failure would tell nothing new."""
        return self.enough is not None and self.enough.is_set()


@dataclass(frozen=True)
class Attempt:
    """One workload in one guest."""

    workload: Runnable
    started: str
    delivered: Delivered
    after: Afterwards

    @property
    def sound(self) -> bool:
        """True when the guest is fit for another: a case that never ended may still spin in it, unheard."""
        machine = self.after.machine
        return machine.answers and machine.heard and self.delivered.ended.exit is not None


@dataclass
class Life:
    """What one guest left."""

    log: Path
    failure: str = ""
    """why the guest never became ready, if it did not"""
    ssh: str = ""
    """why SSH could not be had, if it could not"""
    failed: Afterwards | None = None
    """of a guest that never became ready"""
    boot_seconds: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    console: str = ""


class Watch:
    """Hears the console live, to know that a kernel is doomed before its guest falls silent."""

    def __init__(self, cancelled: threading.Event) -> None:
        self._detector = Detector()
        self._cancelled = cancelled
        self._patience: Deadline | None = None
        self._complaint: Deadline | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the console."""
        reports = self._detector.feed(chunk)
        pending = self._detector.pending
        everything = (*reports, pending) if pending is not None else reports
        if self._complaint is None and any(report.severity != "note" for report in everything):
            self._complaint = Deadline.after(_COMPLAINT)
        if self._patience is None and any(report.severity == "fatal" for report in everything):
            self._patience = Deadline.after(_DOOM)

    def give_up(self) -> str:
        """Why there is no use in waiting on, or "" while there is."""
        if self._cancelled.is_set():
            return "interrupted"
        doomed = self._patience is not None and self._patience.expired()
        return "a fatal kernel report" if doomed else ""

    def boot(self) -> str:
        """Why there is no use in waiting on for a guest to become ready: what it had to say, it has said."""
        silent = self._complaint is not None and self._complaint.expired()
        return self.give_up() or ("a kernel report, and the guest does not become ready" if silent else "")

    def case(self, quiet: float) -> str:
        """Why there is no use in waiting on for a case that has been *quiet* for so many seconds."""
        stuck = self._complaint is not None and quiet > _SILENCE
        return self.give_up() or ("a kernel report, and no more samples" if stuck else "")

    def samples(self, quiet: float, slow: float) -> str:
        """The same for a case that takes samples all the time, on a kernel so many times *slow*er."""
        return self.case(quiet) or (TIMED_OUT if quiet > _MUTE * slow else "")

    @property
    def complained(self) -> bool:
        """True once the kernel has said something that is a verdict."""
        return self._complaint is not None

    def login(self) -> Callable[[], str]:
        """For a login that begins now: why there is no use in waiting on for it.

        A kernel that has complained may have killed the SSH server, or may hold what it waits for: the
        report is evidence enough.
        """
        longest = Deadline.after(_LOGIN)

        def give_up() -> str:
            silent = self._complaint is not None and longest.expired()
            return self.give_up() or ("a kernel report, and no answer over SSH" if silent else "")

        return give_up


class Host:
    """Gives workloads to guests of one cell."""

    def __init__(
        self,
        job: CellJob,
        progress: Task,
        deadline: Deadline,
        cancelled: threading.Event,
        fails: Callable[[Attempt, str], bool],
    ) -> None:
        """*fails* judges an attempt with the console up to then; asked only in a run that ends early."""
        self._job = job
        self._progress = progress
        self._deadline = deadline
        self._cancelled = cancelled
        self._fails = fails
        self._passed = 0.0

    def live(self, log: Path, pending: list[Runnable]) -> Life:
        """Boot a guest and have it take workloads off *pending* until none is left or it is gone."""
        job, life, watch = self._job, Life(log), Watch(self._cancelled)
        with booted(
            job.kernel.image,
            job.image,
            job.spec,
            job.accel,
            console=log,
            deadline=self._deadline,
            readers=(watch.feed,),
            give_up=watch.boot,
            snapshot=job.snapshot,
        ) as guest:
            life.boot_seconds = guest.boot_seconds
            life.failure = guest.failure
            life.failed = _afterwards(guest, answers=False, heard=False) if life.failure else None
            life.ssh = "" if life.failure else self._login(guest, watch)
            well = not life.failure and not life.ssh
            self._see(watch.complained)
            while pending and well and guest.alive() and not watch.give_up() and not job.ended():
                life.attempts.append(self._attempt(guest, pending.pop(0), watch))
                if job.enough is not None:
                    self._see(self._fails(life.attempts[-1], guest.console.text()))
                if not life.attempts[-1].sound:
                    break
        life.console = guest.console.text()
        return life

    def _see(self, failure: bool) -> None:
        if failure and self._job.enough is not None:
            self._job.enough.set()

    def _login(self, guest: Guest, watch: Watch) -> str:
        """Log in, which is the end of booting; why not, or ""."""
        try:
            guest.shell(self._deadline, watch.login())
        except InfraError as error:
            return str(error)
        return ""

    def _attempt(self, guest: Guest, workload: Runnable, watch: Watch) -> Attempt:
        job = self._job
        began, seconds = self._passed, job.seconds(workload)
        program = isinstance(workload, Program)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        delivered = deliver(
            guest,
            job.argv(workload),
            job.limit(workload),
            deadline=self._deadline,
            give_up=watch.case if program else lambda quiet: watch.samples(quiet, job.load.slow),
            tick=lambda passed: self._progress.progress(began + min(passed, seconds), workload.name),
            room=_ROOM if program else math.inf,
        )
        self._passed += seconds
        heard = _comes(guest, f"memcg-harness: case {workload.name} end", _MARKER)
        answers = guest.alive() and self._asked(guest, "true")
        if answers and not heard:
            heard = self._heard(guest, workload.name)
        return Attempt(workload, started, delivered, _afterwards(guest, answers=answers, heard=heard))

    def _heard(self, guest: Guest, name: str) -> bool:
        """Whether the console still brings what the guest is asked to say on it, or anything else."""
        began, line = time.monotonic(), f"memcg-harness: is {name} heard"
        self._asked(guest, f"echo '<1>{line}' > /dev/kmsg")
        return _comes(guest, line, _ECHO) or guest.console.quiet() < time.monotonic() - began

    def _asked(self, guest: Guest, script: str) -> bool:
        """Whether the guest's shell ran *script*, over SSH."""
        try:
            shell = guest.shell(self._deadline)
        except InfraError:
            return False
        # Not run(): opening a channel to a server that hangs is not in its time.
        argv = ["sh", "-c", script]
        ended = shell.follow(
            argv, lambda _line: None, Deadline.after(_ANSWER), lambda: "" if guest.alive() else "guest died"
        )
        return ended.exit == 0


def _comes(guest: Guest, line: str, seconds: float) -> bool:
    """Whether *line* stands on the console by then; a guest that has ended is not waited for."""
    said = re.compile(re.escape(line.encode()))
    return guest.console.wait_for(said, Deadline.after(seconds), give_up=lambda: not guest.alive())


def _afterwards(guest: Guest, *, answers: bool, heard: bool) -> Afterwards:
    machine = Machine(
        runs=guest.alive(),
        answers=answers,
        heard=heard,
        quiet=guest.console.quiet(),
        reason=guest.reason(),
        qemu=guest.resets(),
    )
    return Afterwards(machine=machine, console=guest.console.text()[-_LAST:], crashed=guest.crashed())
