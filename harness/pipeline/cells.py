# SPDX-License-Identifier: GPL-2.0-only
"""Cells side by side, as far as cores and memory reach; one bad cell never stops the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.events import Listener
from harness.pipeline.cell import BOOT, run_cell
from harness.pipeline.life import CellJob
from harness.pipeline.model import Case, Cell
from harness.verdict import Verdict

_OVERCOMMIT = 2
"""guest CPUs per host core: a guest waits much of its time, for disk and for its own locks"""
_POLL = 0.5


def side_by_side(jobs: Sequence[CellJob]) -> int:
    """How many of *jobs* run at once on this machine."""
    if not jobs:
        return 1
    cpus = max(job.spec.cpus for job in jobs)
    return min(len(jobs), room(cpus, max(job.spec.memory_mb for job in jobs)))


def room(cpus: int, memory_mb: int) -> int:
    """How many have room here that need *cpus* guest CPUs and *memory_mb* of memory each; at least one."""
    by_cpu = (os.cpu_count() or 1) * _OVERCOMMIT // cpus
    return max(1, min(by_cpu, _free_mb() // (memory_mb * 5 // 4)))


def run_cells(
    jobs: Sequence[CellJob],
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
            return run_cell(job, listener=listener, deadline=deadline, cancelled=cancelled)
        except HarnessError as error:
            return _infra(job, str(error))

    with ThreadPoolExecutor(side_by_side(jobs), thread_name_prefix="cell") as pool:
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


def _free_mb() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 1 << 20
