# SPDX-License-Identifier: GPL-2.0-only
"""However a run ends, it leaves no QEMU, no lock, no half-written report; and boots that fail say why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import junitparser
import pytest

from harness.paths import PROJECT
from tests.e2e.conftest import HARNESS

pytestmark = pytest.mark.e2e

_PATIENCE = 300.0


def _processes(marker: str) -> list[str]:
    """Command lines of live processes that mention *marker*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if marker in words and int(path.parent.name) != os.getpid():
            found.append(words)
    return found


def _until(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.1)


@pytest.fixture
def started(tmp_path: Path, base_kernel: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run with long workloads, its guests up and at work."""
    results = tmp_path / "results"
    command = [*HARNESS, "run", "--results", str(results), "--seconds", "120"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:

        def at_work() -> bool:
            assert child.poll() is None, f"the harness ended with {child.returncode}"
            consoles = list(results.glob("*/base-v1/console.log"))
            return any("memcg-harness: case " in path.read_text(errors="replace") for path in consoles)

        try:
            _until(at_work, "a workload")
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize(
    ("sign", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
def test_a_signal_leaves_nothing_behind(
    started: subprocess.Popen[bytes], tmp_path: Path, sign: signal.Signals, code: int
) -> None:
    results = tmp_path / "results"
    assert any("qemu-system" in words for words in _processes(str(results)))
    started.send_signal(sign)
    assert started.wait(60) == code
    _until(lambda: not _processes(str(results)), "QEMU to be gone")
    directory = (results / "latest").resolve()
    assert json.loads((directory / "run.json").read_text())["finished"] == ""
    suites = junitparser.JUnitXml.fromfile(str(directory / "junit.xml"))
    assert sum(suite.errors for suite in suites) >= 1
    assert not [path for path in directory.rglob(".*.json.*")]


def test_after_a_kill_the_next_call_is_not_locked_out(
    started: subprocess.Popen[bytes], harness: Callable[..., Any]
) -> None:
    started.kill()
    started.wait(60)
    assert harness("build", "--upto", "0", "--json", timeout=120).exit == 0


def _new_patch(directory: Path, kernel_source: Path) -> Path:
    """A patch that no cache has seen: it has to be built."""
    lines = (kernel_source / "mm" / "page_counter.c").read_text().splitlines()
    hunk = [f" {lines[0]}", f"+/* {uuid.uuid4()} */", *(f" {line}" for line in lines[1:3])]
    path = directory / "new.patch"
    head = ["--- a/mm/page_counter.c", "+++ b/mm/page_counter.c", "@@ -1,3 +1,4 @@"]
    path.write_text("\n".join([*head, *hunk]) + "\n")
    return path


def test_a_kill_in_the_middle_of_a_build_leaves_nothing_and_the_next_build_is_right(
    harness: Callable[..., Any], base_kernel: Path, tmp_path: Path
) -> None:
    trees = base_kernel.parent.parent.parent / "trees"
    build_dir = next(iter(trees.glob("linux-source-*/build/plain")))
    series = _new_patch(tmp_path, build_dir.parent.parent / "src")
    command = [*HARNESS, "build", "--series", str(series), "--json"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        _until((build_dir / ".harness" / "unfinished").exists, "a build")
        _until(lambda: [words for words in _processes(str(build_dir)) if "make" in words], "make")
        child.send_signal(signal.SIGKILL)
    _until(lambda: not _processes(str(build_dir)), "make and its compilers to be gone")
    answer = harness("build", "--series", series, "--json", timeout=600)
    assert answer.exit == 0, answer.stderr
    assert answer.json["cached"] is False
    kernel = Path(answer.json["image"])
    assert harness("boot", kernel, "--json", "--", "true", timeout=120).exit == 0


def test_boot_runs_a_command_in_the_guest(harness: Callable[..., Any], base_kernel: Path) -> None:
    answer = harness("boot", base_kernel, "--iface", "v1", "--json", "--", "cat", "/proc/mounts")
    assert answer.exit == 0, answer.stderr
    assert "/cg cgroup" in answer.json["output"]
    assert answer.json["reports"] == []


def test_a_command_that_fails_is_exit_1(harness: Callable[..., Any], base_kernel: Path) -> None:
    answer = harness("boot", base_kernel, "--json", "--", "sh", "-c", "exit 7")
    assert (answer.exit, answer.json["exit"]) == (1, 7)


def test_a_kernel_that_panics_ends_at_once_with_its_report(
    harness: Callable[..., Any], base_kernel: Path
) -> None:
    answer = harness(
        "boot", base_kernel, "--json", "--", "sh", "-c", "echo c > /proc/sysrq-trigger", timeout=120
    )
    assert answer.exit == 1
    assert answer.json["exit"] is None
    assert answer.json["reports"]


def test_a_kernel_that_does_not_boot_says_what_is_likely_missing(
    harness: Callable[..., Any], base_kernel: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "name: t\ntree: debian\nseries: s\nworkloads: [anon]\nguest: {append: [rdinit=/missing]}\n"
    )
    answer = harness("boot", base_kernel, "--plan", plan, timeout=180)
    assert answer.exit == 2
    assert answer.stderr.count("\n") == 1 or "does not boot" in answer.stderr
    assert "CONFIG_" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_something_that_is_no_kernel(harness: Callable[..., Any], tmp_path: Path) -> None:
    fake = tmp_path / "bzImage"
    fake.write_bytes(b"not a kernel\n" * 1000)
    answer = harness("boot", fake, timeout=180)
    assert answer.exit in (2, 3)
    assert "Traceback" not in answer.stderr
