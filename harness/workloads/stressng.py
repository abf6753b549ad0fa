# SPDX-License-Identifier: GPL-2.0-only
"""stress-ng's stressors as workloads: run by memcg-case, one instance a worker, judged like our own."""

from __future__ import annotations

from pathlib import Path

from harness.deadline import Deadline
from harness.guest.extra_libraries import with_libraries
from harness.paths import QEMU
from harness.workloads.catalogue import Workload
from harness.workloads.program import HOME
from harness.workloads.selftests import Stress, Stressor

_WORKER = f"{HOME}/stress-ng-worker"
_LEAST = 4.0
"""seconds: its start takes one or two in an emulated guest, and it counts whole seconds"""


def stress_files(stress: Stress, deadline: Deadline) -> dict[str, Path]:
    """What a guest needs for *stress*, by path in the guest; empty where this machine does not have it.

    InfraError when it is there without its libraries.
    """
    program = with_libraries(stress.program, deadline)
    return {**program, _WORKER: QEMU / "extra" / "stress-ng-worker"} if program else {}


def stress_workload(stress: Stress, stressor: Stressor, program: str) -> Workload:
    """*stressor* as a workload, for a guest in which stress-ng is *program*."""
    args = ["--program", program, "--stressor", stressor.name]
    args += ["--size", stressor.bytes] if stressor.bytes else []
    args += [f"--with={one}" for one in stressor.args]
    return Workload(
        name=f"{stress.name}.{stressor.name}",
        program=_WORKER,
        share=stressor.share,
        dir=stressor.dir,
        args=tuple(args),
        needs=stress.needs,
        least=_LEAST,
        did=("bogo_ops",),
        why=stressor.why,
    )


def stress_lacks(stress: Stress) -> str:
    """Why *stress* cannot be run on a machine without it, with the mend."""
    return f"{stress.program} is not installed: apt install {stress.package}"
