#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boot to the first command's answer: our guest over SSH against virtme-ng, side by side.

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
from pathlib import Path

import msgspec
from rich.console import Console

from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.guest.accel import Accel
from harness.guest.machine import Spec, booted
from harness.guest.model import Image
from harness.paths import CONFIGS, RESULTS, cache
from harness.pipeline.bench import Bench, Request
from harness.pipeline.plan import load_plan
from harness.process import run
from harness.report.progress import Live

_SPEC = Spec()
_LIMIT = 120.0


def main() -> int:
    """Measure and print; exit 1 if any boot failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=5, help="pairs of boots")
    parser.add_argument("--ours-only", action="store_true", help="without virtme-ng")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto")
    options = parser.parse_args()
    plan = load_plan(CONFIGS / "default.yaml")
    plan = msgspec.structs.replace(plan, kconfig="virtme", accel=options.accel)
    request = Request(
        plan=plan,
        plan_path=CONFIGS / "default.yaml",
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
        kernel = bench.kernel(0, "base")
        image = bench.image()
        accel = bench.accel(kernel, image, Path(scratch))
        print(f"kernel {kernel.release}, {accel.name} ({accel.why}), {_SPEC.cpus} CPUs, {_SPEC.memory_mb} MB")
        return _compare(kernel.image, image, accel, Path(scratch), options.repeat, options.ours_only)


def _compare(kernel: Path, image: Image, accel: Accel, scratch: Path, repeat: int, ours_only: bool) -> int:
    ours: list[float] = []
    theirs: list[float] = []
    failures = 0
    for number in range(repeat):
        line = f"{number + 1:3}"
        for name, times, boot in (
            ("harness", ours, lambda: _ours(kernel, image, accel, scratch)),
            ("virtme-ng", theirs, lambda: _virtme(kernel, accel, scratch)),
        ):
            if ours_only and name == "virtme-ng":
                continue
            try:
                times.append(boot())
                line += f"  {name} {times[-1]:6.2f} s"
            except HarnessError as error:
                failures += 1
                line += f"  {name} FAILED: {error}"
        print(line, flush=True)
    for name, times in (("harness", ours), ("virtme-ng", theirs)):
        if times:
            median = statistics.median(times)
            print(
                f"{name}: median {median:.2f} s, {min(times):.2f} to {max(times):.2f} s, {len(times)} boots"
            )
    if ours and theirs:
        print(f"ratio: {statistics.median(ours) / statistics.median(theirs):.3f}")
    print(f"failures: {failures}")
    return 1 if failures else 0


def _ours(kernel: Path, image: Image, accel: Accel, scratch: Path) -> float:
    """Seconds from starting QEMU's preparations to the answer of `uname -r` over SSH."""
    began = time.monotonic()
    deadline = Deadline.after(_LIMIT)
    with booted(kernel, image, _SPEC, accel, console=scratch / "console.log", deadline=deadline) as guest:
        if guest.failure:
            raise HarnessError(guest.failure)
        ended, output = guest.shell(deadline).run(["uname", "-r"], deadline)
        if ended.exit != 0 or not output.strip():
            raise HarnessError(f"no answer: {ended.why}")
        return time.monotonic() - began


def _virtme(kernel: Path, accel: Accel, scratch: Path) -> float:
    """Seconds until `vng -r KERNEL -- uname -r` prints the answer; its shutdown is not counted."""
    tools = Path(sys.executable).parent
    argv = [
        str(tools / "vng"), *(["--disable-kvm"] if accel.name == "tcg" else []), "-r", str(kernel),
        "--cpus", str(_SPEC.cpus), "--memory", f"{_SPEC.memory_mb}M", "--", "uname", "-r",
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
