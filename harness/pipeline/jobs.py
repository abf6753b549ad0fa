# SPDX-License-Identifier: GPL-2.0-only
"""Cells to be run: a kernel that was built, an interface, and the workloads that fit there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from harness.analysis.model import Analysis
from harness.build.model import Kernel
from harness.guest.accel import Accel
from harness.guest.machine import Spec
from harness.guest.model import Image
from harness.pipeline.bench import Bench, Request, machine_of
from harness.pipeline.life import CellJob
from harness.workloads.budget import Share, shared
from harness.workloads.catalogue import Workload
from harness.workloads.needs import Place, set_symbols, why_not
from harness.workloads.program import Program, Runnable


@dataclass(frozen=True)
class Built:
    """A kernel of this run."""

    name: str
    """``base`` or ``patched``; what its cells are called by"""
    profile: str
    patches: int
    """so many of the series are on"""
    kernel: Kernel


@dataclass(frozen=True)
class Jobs:
    """What the jobs of one run have in common."""

    request: Request
    bench: Bench
    analysis: Analysis
    workloads: tuple[Workload, ...]
    image: Image
    accel: Accel
    directory: Path
    """the run's own; each job has one in it"""
    enough: threading.Event | None = None

    def job(self, built: Built, iface: str, cell: str) -> CellJob:
        """The cell *cell* of *built* on *iface*."""
        spec = machine_of(self.request.plan, iface)
        external = self.bench.external(built.patches)
        slow = self.bench.profiles[built.profile].slow
        rows = (*self.workloads, *external.rows)
        share, programs, lacking = self._fitting(built.kernel, spec, rows, slow)
        return CellJob(
            name=cell,
            kernel_name=built.name,
            kernel=built.kernel,
            version=self.bench.tree.version,
            iface=iface,
            profile=built.profile,
            workloads=(*share.workloads, *programs),
            lacking=(*lacking, *external.lacking),
            load=self.request.load(share.seconds, slow),
            spec=spec,
            image=replace(self.image, extra=(external.archive,) if external.archive else ()),
            accel=self.accel,
            directory=self.directory / cell,
            explain=self.bench.explainer(built.patches, self.analysis),
            enough=self.enough,
        )

    def _fitting(
        self, kernel: Kernel, spec: Spec, rows: Sequence[Runnable], slow: float
    ) -> tuple[Share, tuple[Program, ...], tuple[tuple[str, str], ...]]:
        """Those of *rows* that can be run there, workloads in time; the others' names, with reasons."""
        place = Place(
            iface=spec.iface,
            kernel=self.bench.tree.version.numbers,
            symbols=set_symbols(kernel.config.read_text(encoding="ascii", errors="replace")),
            nodes=spec.nodes,
            cpus=spec.cpus,
            swap=spec.swap,
        )
        whys = [(row, why_not(row, place)) for row in rows]
        plan = self.request.plan
        workloads = [row for row, why in whys if not why and isinstance(row, Workload)]
        programs = tuple(row for row, why in whys if not why and isinstance(row, Program))
        share = shared(workloads, plan.seconds, plan.cell_seconds, slow)
        late = f"left out: the plan gives the workloads of a cell {plan.cell_seconds:g} s (cell_seconds)"
        lacking = [(row.name, why) for row, why in whys if why]
        return share, programs, (*lacking, *((workload.name, late) for workload in share.left_out))
