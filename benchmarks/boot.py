#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boot to the first command's answer: our guest over SSH against virtme-ng, side by side.

    benchmarks/boot.py --repeat 7
    benchmarks/boot.py configs/mmotm-2.6.27.yaml --tree OLD --kconfig plain --ours-only --repeat 50

The same kernel (profile ``virtme``: ours plus what virtme-ng's root file system needs), the same
accelerator, the same CPUs and memory, in turn A B A B …, in one run. Prints each pair, the medians,
the failures, and the ratio of the medians (ours / virtme-ng's). virtme-ng's guest lives in the host's
root file system and wants udev there: apt-get install udev.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.guest.accel import Accel
from harness.guest.machine import Spec, booted
from harness.guest.model import Image
from harness.paths import CONFIGS, RESULTS, cache
from harness.pipeline.bench import Bench, Request, machine_of
from harness.pipeline.plan import Ask, load_plan, require_given, tree_from
from harness.process import run
from harness.report.progress import Live

_LIMIT = 120.0


def main() -> int:
    """Measure and print; exit 1 if any boot failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("plan", type=Path, nargs="?", default=CONFIGS / "default.yaml", metavar="PLAN")
    parser.add_argument("--tree", help="instead of the plan's")
    parser.add_argument("--kconfig", default="virtme", help="the profile; virtme-ng needs its own")
    parser.add_argument("--repeat", type=int, default=5, help="pairs of boots")
    parser.add_argument("--ours-only", action="store_true", help="without virtme-ng")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto")
    options = parser.parse_args()
    plan = load_plan(options.plan)
    tree = tree_from(Path.cwd(), options.tree) if options.tree else plan.tree
    plan = msgspec.structs.replace(plan, tree=tree, series="", kconfig=options.kconfig, accel=options.accel)
    require_given(msgspec.structs.replace(plan, ask=Ask()), options.plan)
    spec = machine_of(plan, plan.ifaces[-1])
    request = Request(
        plan=plan,
        plan_path=options.plan,
        only=("base",),
        results=RESULTS,
        cache=cache(),
        jobs=os.cpu_count() or 1,
    )
    with (
        Live(Console(stderr=True)) as live,
        Bench(request, live, Deadline.never()) as bench,
        tempfile.TemporaryDirectory(prefix="boot-benchmark-") as scratch,
    ):
        kernel = bench.kernel(0, "base", options.kconfig)
        image = bench.image()
        accel = bench.accel(kernel, image, Path(scratch))
        print(f"kernel {kernel.release}, {accel.name} ({accel.why}), {spec.cpus} CPUs, {spec.memory_mb} MB")
        rivals = {"harness": lambda: _ours(kernel.image, image, spec, accel, Path(scratch))}
        if not options.ours_only:
            rivals["virtme-ng"] = lambda: _virtme(kernel.image, spec, accel, Path(scratch))
        return _compare(rivals, options.repeat)


def _compare(rivals: dict[str, Callable[[], float]], repeat: int) -> int:
    took: dict[str, list[float]] = {name: [] for name in rivals}
    failures = 0
    for number in range(repeat):
        line = f"{number + 1:3}"
        for name, boot in rivals.items():
            try:
                took[name].append(boot())
                line += f"  {name} {took[name][-1]:6.2f} s"
            except HarnessError as error:
                failures += 1
                line += f"  {name} FAILED: {error}"
        print(line, flush=True)
    for name, times in took.items():
        if times:
            median = statistics.median(times)
            print(
                f"{name}: median {median:.2f} s, {min(times):.2f} to {max(times):.2f} s, {len(times)} boots"
            )
    if all(took.values()) and len(took) > 1:
        print(f"ratio: {statistics.median(took['harness']) / statistics.median(took['virtme-ng']):.3f}")
    print(f"failures: {failures}")
    return 1 if failures else 0


def _ours(kernel: Path, image: Image, spec: Spec, accel: Accel, scratch: Path) -> float:
    """Seconds from starting QEMU's preparations to the answer of `uname -r` over SSH."""
    began = time.monotonic()
    deadline = Deadline.after(_LIMIT)
    with booted(kernel, image, spec, accel, console=scratch / "console.log", deadline=deadline) as guest:
        if guest.failure:
            raise HarnessError(guest.failure)
        ended, output = guest.shell(deadline).run(["uname", "-r"], deadline)
        if ended.exit != 0 or not output.strip():
            raise HarnessError(f"no answer: {ended.why}")
        return time.monotonic() - began


def _virtme(kernel: Path, spec: Spec, accel: Accel, scratch: Path) -> float:
    """Seconds until `vng -r KERNEL -- uname -r` prints the answer; its shutdown is not counted."""
    tools = Path(sys.executable).parent
    argv = [
        str(tools / "vng"), *(["--disable-kvm"] if accel.name == "tcg" else []), "-r", str(kernel),
        "--cpus", str(spec.cpus), "--memory", f"{spec.memory_mb}M", "--", "uname", "-r",
    ]  # fmt: skip
    answered: list[float] = []

    def hear(line: str) -> None:
        if line.strip():
            answered.append(time.monotonic() - began)

    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    began = time.monotonic()
    done = run(argv, cwd=scratch, deadline=Deadline.after(_LIMIT), env={"PATH": path}, on_line=hear)
    if done.exit != 0 or not answered:
        raise HarnessError(f"vng ended with {done.exit}: {done.last_lines()}")
    return answered[-1]


if __name__ == "__main__":
    raise SystemExit(main())
