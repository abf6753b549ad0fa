# SPDX-License-Identifier: GPL-2.0-only
"""The exact commands that repeat each step of a run by hand."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.pipeline.bench import Bench, Request
from harness.pipeline.life import CellJob
from harness.pipeline.model import Command


def repeat(request: Request, bench: Bench, jobs: Sequence[CellJob]) -> tuple[Command, ...]:
    """A command for the whole run, one for each kernel, and one for each case of each cell.

    What the command line laid over the plan is laid over it again.
    """
    harness = str(Path(sys.executable).parent / "harness")
    plan = str(request.plan_path.resolve())
    accel = ["--accel", request.plan.accel]
    inputs = ["--tree", bench.tree.origin]
    inputs += ["--series", request.plan.series] if request.plan.series else []
    inputs += ["--force"] if request.force else []
    profiles = ["--kconfig", ",".join(request.plan.profiles)]
    only = ["--only", ",".join(request.only)]
    only += [] if request.plan.cell_seconds else ["--seconds", f"{request.plan.seconds:g}"]
    again = [*profiles, *only, *accel]
    commands = [_command("the whole run again", [harness, "run", plan, *inputs, *again])]
    for profile in request.plan.profiles:
        for name in request.kernels(bench.series):
            build = [harness, "build", plan, *inputs, "--kconfig", profile]
            build += ["--upto", "0"] if name == "base" else []
            commands.append(_command(f"build the {name} kernel, profile {profile}", build))
    for job in jobs:
        boot = [harness, "boot", str(job.kernel.image), "--plan", plan, "--iface", job.iface, *accel]
        boot += [word for archive in job.image.extra for word in ("--extra", str(archive))]
        for workload in job.workloads:
            commands.append(_command(f"{job.name}: {workload.name}", [*boot, "--", *job.argv(workload)]))
    return tuple(commands)


def _command(step: str, argv: Sequence[str]) -> Command:
    return Command(step=step, command=shlex.join(argv))
