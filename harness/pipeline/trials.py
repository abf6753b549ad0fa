# SPDX-License-Identifier: GPL-2.0-only
"""Prefixes of a series tried on the one case that failed, until one patch is left."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.model import Analysis
from harness.build.kernel import BuildFailed
from harness.events import Listener, task
from harness.pipeline.bench import Bench
from harness.pipeline.blame import first_bad
from harness.pipeline.halving import most_trials
from harness.pipeline.life import CellJob
from harness.pipeline.model import Blame, BlameStep, Case, Cell
from harness.verdict import Verdict
from harness.workloads.program import tells_of

BLAME = "blame"
"""the task that a search is"""


@dataclass(frozen=True)
class Trials:
    """What a trial is made with."""

    bench: Bench
    analysis: Analysis
    directory: Path
    """the run's own; each trial has one in it"""
    run: Callable[[Sequence[CellJob]], tuple[Cell, ...]]
    listener: Listener

    def blame(self, case: Case, job: CellJob) -> Blame | None:
        """The first patch with which *case* of *job* fails; None when a trial gives no answer."""
        patches = self.bench.series.patches
        total = most_trials(len(patches))
        tried = itertools.count()
        with task(self.listener, BLAME, f"which patch fails {case.name} of {job.name}", total) as progress:

            def trial(count: int) -> BlameStep:
                progress.progress(next(tried), f"{count} of {len(patches)} patches")
                return self._trial(count, job, case.name)

            number, steps = first_bad(len(patches), trial)
            progress.outcome = f"patch {number}/{len(patches)}" if number else "not found"
        if number is None:
            return None
        subject = patches[number - 1].subject
        return Blame(number=number, subject=subject, case=case.name, cell=job.name, steps=steps)

    def _trial(self, count: int, job: CellJob, case: str) -> BlameStep:
        """The first *count* patches, judged by one case alone."""
        name = f"prefix-{count}-{job.profile}-{job.iface}"
        subject = self.bench.series.patches[count - 1].subject
        try:
            kernel = self.bench.kernel(count, name, job.profile)
        except BuildFailed as error:
            return BlameStep(number=count, subject=subject, verdict=Verdict.BROKEN, reason=str(error))
        trial = dataclasses.replace(
            job,
            name=name,
            kernel=kernel,
            workloads=tuple(row for row in job.workloads if tells_of(row, case)),
            directory=self.directory / name,
            enough=None,
            explain=self.bench.explainer(count, self.analysis),
        )
        (cell,) = self.run([trial])
        found = next((one for one in cell.cases if one.name == case), cell.cases[0])
        return BlameStep(number=count, subject=subject, verdict=found.verdict, reason=found.reason)
