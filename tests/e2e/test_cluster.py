# SPDX-License-Identifier: GPL-2.0-only
"""A run whose guests are at two workers of a dask scheduler, one of which is killed while it has some."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.paths import PROJECT
from tests.e2e.conftest import HARNESS
from tests.unit.cluster_sample import free_port, running, until

pytestmark = pytest.mark.e2e

_WORKER = 'dask worker tcp://127.0.0.1:{} --nthreads 2 --no-dashboard --resources "cpus=2 memory=4e9"'


def _children(parent: int) -> list[int]:
    done = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


def _below(parent: int) -> list[int]:
    """All descendants of *parent*."""
    children = _children(parent)
    return [pid for child in children for pid in (child, *_below(child))]


def _is_qemu(pid: int) -> bool:
    try:
        return b"qemu-system" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _with_guests() -> dict[int, list[int]]:
    """The workers among our descendants that have guests now, and those guests' processes."""
    found: dict[int, list[int]] = {}
    for pid in _below(os.getpid()):
        guests = [child for child in _children(pid) if _is_qemu(child)]
        if guests:
            found[pid] = guests
    return found


def _told(directory: Path) -> list[tuple[str, str, str]]:
    run = json.loads((directory / "run.json").read_text())
    return [(cell["name"], case["name"], case["verdict"]) for cell in run["cells"] for case in cell["cases"]]


def test_a_run_outlives_a_worker(harness: Callable[..., Any], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    series = str(PROJECT / "patches" / "charge-checks")
    plan.write_text(
        json.dumps(
            {
                "name": "spread",
                "tree": "debian",
                "series": series,
                "workloads": ["anon"],
                "seconds": 4,
                "accel": "tcg",
            }
        )
    )  # JSON is YAML
    here = harness("run", plan, "--results", tmp_path / "here", "--json", timeout=2400)
    assert here.exit == 0, here.stderr

    port = free_port()
    lines = [f"dask scheduler --host 127.0.0.1 --port {port} --no-dashboard"]
    lines += [f"env XDG_CACHE_HOME={tmp_path / name} {_WORKER.format(port)}" for name in ("w1", "w2")]
    where = ["--results", str(tmp_path / "there"), "--cluster", f"tcp://127.0.0.1:{port}"]
    with running(*lines, directory=tmp_path):
        until(lambda: all(_registered(tmp_path / f"{number}.log") for number in (1, 2)), "two workers")
        argv = [*HARNESS, "run", str(plan), *where, "--json"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
            _kill_one(command)
            stdout, stderr = command.communicate(timeout=1200)
    assert command.returncode == 0, stderr.decode()
    assert json.loads(stdout)["verdict"] == "pass"
    ours, theirs = (tmp_path / name / "latest" for name in ("here", "there"))
    assert _told(theirs) == _told(ours)
    assert _names(theirs) == _names(ours)
    log = (theirs / "harness.log").read_text()
    assert len(re.findall(r": at tcp://127\.0\.0\.1:\d+, \w+", log)) > 4, "a cell was begun again"


def _registered(log: Path) -> bool:
    return log.exists() and "Registered to" in log.read_text()


def _kill_one(command: subprocess.Popen[bytes]) -> None:
    """Kill a worker once both have guests; its guests are gone with it."""
    while command.poll() is None and len(_with_guests()) < 2:
        time.sleep(0.2)
    time.sleep(1.0)  # well into the boot, so that something is lost
    worker, guests = next(iter(_with_guests().items()))
    os.kill(worker, signal.SIGKILL)
    for _try in range(50):
        if not any(_is_qemu(pid) for pid in guests):
            return
        time.sleep(0.1)
    pytest.fail("a guest outlived its worker")


def _names(directory: Path) -> set[str]:
    """The files of a run that has neither reports nor a log."""
    return {str(path.relative_to(directory.resolve())) for path in directory.resolve().rglob("*")}
