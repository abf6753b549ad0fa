# SPDX-License-Identifier: GPL-2.0-only
"""The workloads about groups on the host: what they say where no cgroup is, and the tables that name them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import paths
from harness.deadline import Deadline
from harness.process import Completed, run
from harness.workloads.catalogue import every

BROKEN = ("limits", "oom", "hierarchy")
PROGRAMS = (*BROKEN, "kmem", "lifecycle")
ROWS = {row.name: row for row in every(paths.CONFIGS / "workloads.yaml")}

pytestmark = pytest.mark.skipif(shutil.which("musl-gcc") is None, reason="no musl-gcc here")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those about groups; cpu-hotplug is not among them, it would take the host's CPUs away."""
    directory = tmp_path_factory.mktemp("programs")
    done = run(
        ["make", "-j2", "-f", paths.QEMU / "src" / "Makefile", *PROGRAMS],
        cwd=directory,
        deadline=Deadline.after(60),
        env={"MAKEFLAGS": ""},
    )
    assert done.exit == 0, done.output
    return directory


def _start(program: Path, group: Path, directory: Path, iface: str) -> Completed:
    command: list[str | Path] = [program, "--seconds", "5", "--dir", directory, "--bytes", "262144"]
    command += ["--group", group, "--iface", iface, "--seed", "7"]
    return run(command, cwd=directory, deadline=Deadline.after(20))


@pytest.mark.parametrize("iface", ["v1", "v2"])
@pytest.mark.parametrize("name", BROKEN)
def test_where_no_cgroup_is_the_workload_is_broken(
    programs: Path, tmp_path: Path, name: str, iface: str
) -> None:
    """Never a failure of the kernel, and not a second longer than it takes to see it."""
    group, directory = tmp_path / "group", tmp_path / "dir"
    group.mkdir()
    directory.mkdir()
    done = _start(programs / name, group, directory, iface)
    assert done.exit == 2, done.output
    assert "error=" in done.output
    assert "seed=7" in done.output.splitlines()
    assert not list(directory.iterdir()), "nothing is left behind"


def test_without_kernel_memory_in_the_counters_kmem_is_skipped(programs: Path, tmp_path: Path) -> None:
    done = _start(programs / "kmem", tmp_path, tmp_path, "v1")
    assert done.exit == 77, done.output
    assert "CONFIG_MEMCG_KMEM" in done.output


def test_the_release_agent_removes_what_it_is_given_or_says_that_it_cannot(
    programs: Path, tmp_path: Path
) -> None:
    """The kernel calls it with the path of the empty group, from the root of the hierarchy."""
    done = run([programs / "lifecycle", "/none/such"], cwd=tmp_path, deadline=Deadline.after(20))
    assert done.exit == 1
    assert not done.output


@pytest.mark.parametrize("name", [*PROGRAMS, "cpu-hotplug", "ring"])
def test_each_is_in_the_catalogue_and_stays_outside_of_the_group(name: str) -> None:
    row = ROWS[name]
    assert row.own, "its workers make groups below the case's, and would be charged to it"
    assert row.did
