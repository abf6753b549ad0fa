#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What it takes to find the first bad of 8 patches to mm/memcontrol.c, beside one full kernel build.

Both in one cache of their own, made for this and removed: first the base is built, whole and without ccache,
then the series is bisected. Takes a quarter of an hour on two cores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.paths import PROJECT

_HARNESS = str(Path(sys.executable).parent / "harness")
_PATCHES = (
    "harmless-assertions",
    "harmless-extra-ref",
    "harmless-isolate-irqsave",
    "harmless-kmem-put",
    "charge-last-of-stock",
    "harmless-smaller-batch",
    "harmless-stock-full",
    "harmless-threshold-return",
)
_BAD = _PATCHES.index("charge-last-of-stock") + 1


def main() -> int:
    """Measure and print; 1 when the answer is not the patch that is bad."""
    with tempfile.TemporaryDirectory(prefix="memcg-harness-") as scratch:
        plan, series = _inputs(Path(scratch))
        surroundings = {**os.environ, "XDG_CACHE_HOME": scratch, "CCACHE_DISABLE": "1"}
        full = _call(surroundings, "build", plan, "--series", series, "--upto", "0")["seconds"]
        began = time.monotonic()
        found = _call(surroundings, "bisect", plan, "--series", series, "--results", f"{scratch}/results")
        took = time.monotonic() - began
    tries, kernels = found["tries"], len({one["number"] for one in found["tries"]})
    guests = sum(one["seconds"] - one["built"] for one in tries)
    rows = (
        ("one full build", full),
        (f"the bisection: {kernels} kernels, {len(tries)} guests", took),
        ("  of that compiling", found["build_seconds"]),
        ("each kernel from scratch", kernels * full + guests),
    )
    for name, seconds in rows:
        print(f"{name:<40}{seconds:6.0f} s{seconds / full:8.2f} full builds")
    print(f"answer: {found['reason']}, confidence {found['confidence']:.3f}")
    return 0 if found["first_bad"] and found["first_bad"]["number"] == _BAD else 1


def _inputs(scratch: Path) -> tuple[Path, Path]:
    series = scratch / "series"
    series.mkdir()
    for name in _PATCHES:
        shutil.copy(PROJECT / "patches" / "faults" / f"{name}.patch", series)
    (series / "series").write_text("".join(f"{name}.patch\n" for name in _PATCHES))
    plan = scratch / "plan.yaml"
    plan.write_text("name: bisect\ntree: debian\nifaces: [v1]\nworkloads: [anon]\nseconds: 3\n")
    return plan, series


def _call(surroundings: dict[str, str], *words: str | Path) -> Any:
    """One command's answer; its exit code is 1 where it finds what is bad."""
    done = subprocess.run(
        [_HARNESS, *map(str, words), "--json"], env=surroundings, stdout=subprocess.PIPE, check=False
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
