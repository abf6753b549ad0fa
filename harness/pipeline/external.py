# SPDX-License-Identifier: GPL-2.0-only
"""What others wrote, made ready for the guests of one kernel: its selftests, and stress-ng."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.deadline import Deadline
from harness.guest.extra import pack_extra
from harness.paths import QEMU
from harness.workloads.program import RUN_SELFTEST, Program, Runnable, program_of
from harness.workloads.selftest_build import Built, Sources, build_selftests
from harness.workloads.selftests import External, Suite
from harness.workloads.stressng import stress_files, stress_lacks, stress_workload


@dataclass(frozen=True)
class Prepared:
    """What can be run, what cannot and why, and what a guest needs for it."""

    rows: tuple[Runnable, ...] = ()
    lacking: tuple[tuple[str, str], ...] = ()
    """cases, by name, that cannot be had here, each with the reason"""
    archive: Path | None = None
    """to be laid behind the guest's image"""


def prepare_external(table: External, sources: Sources, *, cache: Path, deadline: Deadline) -> Prepared:
    """Build and gather what *table* names, for a kernel of *sources*; all of it is kept in *cache*."""
    rows: list[Runnable] = []
    lacking: list[tuple[str, str]] = []
    files: dict[str, Path] = {}
    for suite in table.suites:
        built = build_selftests(suite, suite.programs, sources, cache=cache, deadline=deadline)
        ready = _ready(suite, built)
        rows += ready
        files |= {one.path: built.programs[one.test.name] for one in ready}
        lacking += [(f"{suite.name}.{name}", why) for name, why in built.failed.items()]
    if rows:
        files[RUN_SELFTEST] = QEMU / "extra" / "run-selftest"
    for stress in table.stress:
        own = stress_files(stress, deadline)
        files |= own
        if own:
            program = next(iter(own))
            rows += [stress_workload(stress, one, program) for one in stress.stressors]
        else:
            lacking += [(f"{stress.name}.{one.name}", stress_lacks(stress)) for one in stress.stressors]
    archive = pack_extra(files, cache, deadline) if files else None
    return Prepared(tuple(rows), tuple(lacking), archive)


def _ready(suite: Suite, built: Built) -> Sequence[Program]:
    return [program_of(suite, test) for test in suite.programs if test.name in built.programs]
