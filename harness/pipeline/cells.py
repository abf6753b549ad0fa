# SPDX-License-Identifier: GPL-2.0-only
"""Cells side by side, as far as cores and memory reach; one bad cell never stops the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.events import Listener, Task
from harness.guest.accel import Accel
from harness.guest.machine import Spec
from harness.pipeline.cell import BOOT, guests_here, run_cell
from harness.pipeline.life import CellJob, Life
from harness.pipeline.model import Case, Cell
from harness.verdict import Verdict

_OVERCOMMIT = 2
"""guest CPUs per host core: a guest waits much of its time, for disk and for its own locks"""
_POLL = 0.5


class Machines(Protocol):
    """Where the guests of a run are. Called from several threads."""

    def require(self, spec: Spec) -> None:
        """InfraError when there is no machine for a guest of that shape; asked before anything is made."""

    def accel(self, wish: str, probed: Callable[[], Accel]) -> Accel:
        """The accelerator for a plan that has *wish*; *probed* finds out what works on this machine."""

    def room(self, cpus: int, memory_mb: int) -> int:
        """For how many guests of *cpus* CPUs and *memory_mb* of memory each there is room; at least one."""

    def at_once(self, jobs: Sequence[CellJob]) -> int:
        """How many of *jobs* are begun at once; at least one."""

    def guests(
        self, job: CellJob, progress: Task, deadline: Deadline, cancelled: threading.Event
    ) -> Sequence[Life]:
        """The guests of *job* from first to last, with their logs in its directory; InfraError without."""


class ThisMachine:
    """Guests here, as far as cores and memory reach."""

    def require(self, spec: Spec) -> None:
        """One guest is begun anyhow, and the kernel tells."""

    def accel(self, wish: str, probed: Callable[[], Accel]) -> Accel:
        """What works here."""
        return probed()

    def room(self, cpus: int, memory_mb: int) -> int:
        """As cores and free memory are."""
        return room(cpus, memory_mb)

    def at_once(self, jobs: Sequence[CellJob]) -> int:
        """As many as have room."""
        if not jobs:
            return 1
        cpus = max(job.spec.cpus for job in jobs)
        return min(len(jobs), room(cpus, max(job.spec.memory_mb for job in jobs)))

    def guests(
        self, job: CellJob, progress: Task, deadline: Deadline, cancelled: threading.Event
    ) -> Sequence[Life]:
        """They are the children of this process."""
        return guests_here(job, progress, deadline, cancelled)


@dataclass(frozen=True)
class Need:
    """What one guest takes of the machine that it runs on."""

    cpus: float
    """cores"""
    memory: int
    """bytes"""


def need(cpus: int, memory_mb: int) -> Need:
    """That of a guest with *cpus* CPUs and *memory_mb* of memory: QEMU itself takes a quarter on top."""
    return Need(cpus / _OVERCOMMIT, (memory_mb * 5 // 4) << 20)


def room(cpus: int, memory_mb: int) -> int:
    """How many have room here that need *cpus* guest CPUs and *memory_mb* of memory each; at least one."""
    one = need(cpus, memory_mb)
    return max(1, min(int((os.cpu_count() or 1) / one.cpus), _free() // one.memory))


def run_cells(
    jobs: Sequence[CellJob],
    machines: Machines,
    *,
    listener: Listener,
    deadline: Deadline,
    cancelled: threading.Event,
    on_cell: Callable[[Cell], None],
) -> tuple[Cell, ...]:
    """Run all *jobs*, telling *on_cell* of each as it ends; the cells in the order of *jobs*.

    On KeyboardInterrupt the guests are ended first, then it goes on up.
    """

    def one(job: CellJob) -> Cell:
        try:
            job.directory.mkdir(parents=True, exist_ok=True)
            return run_cell(job, machines.guests, listener=listener, deadline=deadline, cancelled=cancelled)
        except HarnessError as error:
            return _infra(job, str(error))

    with ThreadPoolExecutor(machines.at_once(jobs), thread_name_prefix="cell") as pool:
        futures = [pool.submit(one, job) for job in jobs]
        try:
            _collect(futures, on_cell)
        except BaseException:
            cancelled.set()
            for future in futures:
                future.cancel()
            raise
    return tuple(future.result() for future in futures)


def _collect(futures: Sequence[Future[Cell]], on_cell: Callable[[Cell], None]) -> None:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=_POLL, return_when=FIRST_COMPLETED)
        for future in done:
            on_cell(future.result())


def _infra(job: CellJob, reason: str) -> Cell:
    case = Case(name=BOOT, verdict=Verdict.INFRA, reason=reason)
    return Cell(
        name=job.name,
        kernel=job.kernel_name,
        iface=job.iface,
        profile=job.profile,
        verdict=Verdict.INFRA,
        cases=(case,),
    )


def _free() -> int:
    """Bytes of memory that could be had."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 1 << 40
