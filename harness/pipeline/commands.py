# SPDX-License-Identifier: GPL-2.0-only
"""The exact commands that repeat each step of a run by hand."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.address import pinned
from harness.pipeline.bench import Bench, Request
from harness.pipeline.life import CellJob
from harness.pipeline.model import Command


def repeat(request: Request, bench: Bench, jobs: Sequence[CellJob]) -> tuple[Command, ...]:
    """A command for the whole run, one for each kernel, and one for each case of each cell.

    What the command line laid over the plan is laid over it again.
    """
    harness = _harness()
    plan = str(request.plan_path.resolve())
    accel = ["--accel", request.plan.accel]
    inputs = _inputs(request, bench)
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
        for workload in job.workloads:
            argv = [
                _harness(),
                "boot",
                str(job.kernel.image),
                *_machine(request, job),
                "--",
                *job.argv(workload),
            ]
            commands.append(_command(f"{job.name}: {workload.name}", argv))
    return tuple(commands)


def one_step(request: Request, bench: Bench, job: CellJob, patches: int, said: str) -> Command:
    """A command that builds the kernel with the first *patches* patches on and runs *job*'s workload in it.

    *said* is what came of it. It needs nothing that a cache holds.
    """
    plan = str(request.plan_path.resolve())
    build = [_harness(), "build", plan, *_inputs(request, bench), "--kconfig", job.profile]
    image = f'"$({shlex.join([*build, "--upto", str(patches)])})"'
    words = [word for workload in job.workloads[:1] for word in job.argv(workload)] or ["true"]
    boot = f"{shlex.join([_harness(), 'boot'])} {image} {shlex.join(_machine(request, job))}"
    return Command(step=said, command=f"{boot} -- {shlex.join(words)}")


def _machine(request: Request, job: CellJob) -> list[str]:
    """The options of ``harness boot`` for *job*."""
    plan = str(request.plan_path.resolve())
    words = ["--plan", plan, "--iface", job.iface, "--accel", request.plan.accel]
    return [*words, *(word for archive in job.image.extra for word in ("--extra", str(archive)))]


def _harness() -> str:
    return str(Path(sys.executable).parent / "harness")


def _inputs(request: Request, bench: Bench) -> list[str]:
    inputs = ["--tree", pinned(bench.tree.origin, bench.tree.fingerprint)]
    inputs += ["--series", request.plan.series] if request.plan.series else []
    return [*inputs, *(["--force"] if request.force else [])]


def _command(step: str, argv: Sequence[str]) -> Command:
    return Command(step=step, command=shlex.join(argv))
