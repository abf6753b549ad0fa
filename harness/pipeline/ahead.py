# SPDX-License-Identifier: GPL-2.0-only
"""What a run has ahead of it, kernel by kernel and cell by cell, and how long that will take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.events import Work
from harness.memcg.interface import why_without
from harness.pipeline.bench import Bench, Request
from harness.pipeline.life import CellJob
from harness.workloads.budget import AROUND, shared, takes
from harness.workloads.catalogue import Workload
from harness.workloads.program import Program

_BOOT = 3.0
"""seconds that an emulated guest of profile ``plain`` takes to be ready, and to be judged in the end"""

Called = Callable[[str, str], str]
"""what a kernel and a profile are called together"""


def kernels_ahead(bench: Bench, request: Request, profiles: Iterable[str], called: Called) -> list[Work]:
    """The kernels of *profiles*: out of the cache at once, else as long as the last build took."""
    kernels = [("base", 0), ("patched", len(bench.series.patches))]
    wanted = request.kernels(bench.series)
    return [
        Work(f"kernel-{called(name, profile)}", bench.expected_seconds(patches, profile))
        for profile in profiles
        for name, patches in kernels
        if name in wanted
    ]


def cells_ahead(
    bench: Bench, request: Request, profiles: Iterable[str], called: Called, workloads: Sequence[Workload]
) -> list[Work]:
    """The cells of *profiles*, whose kernels are not there yet, each given *workloads*."""
    return [
        Work(f"{called(name, profile)}-{iface}", _cell_seconds(bench, request, profile, iface, workloads))
        for profile, iface in request.plan.matrix
        if profile in profiles and not why_without(iface, bench.tree.version)
        for name in request.kernels(bench.series)
    ]


def lanes_ahead(request: Request, cells: int, room: Callable[[int, int], int]) -> int:
    """How many of so many *cells* will run side by side; *room* is that of the machines they are on."""
    return min(cells, room(request.plan.guest.cpus, request.plan.guest.memory_mb)) or 1


def job_ahead(job: CellJob) -> Work:
    """The cell *job*; what others wrote takes as long as it takes."""
    if any(isinstance(one, Program) for one in job.workloads):
        return Work(job.name)
    seconds = sum(job.seconds(one) + AROUND for one in job.workloads)
    return Work(job.name, _BOOT * job.load.slow + seconds)


def _cell_seconds(
    bench: Bench, request: Request, profile: str, iface: str, workloads: Sequence[Workload]
) -> float | None:
    plan, slow = request.plan, bench.profiles[profile].slow
    if plan.external:
        return None
    share = shared(
        [one for one in workloads if iface in one.needs.ifaces], plan.seconds, plan.cell_seconds, slow
    )
    return _BOOT * slow + takes(share.workloads, share.seconds, slow)
