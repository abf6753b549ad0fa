# SPDX-License-Identifier: GPL-2.0-only
"""Cells whose guests are made up of recorded ones, here and in workers; a scheduler and its workers.

A worker that is started with this file as its ``--preload`` plays guests, too. They are told what to do by
files in the *gate*, a directory: ``began-CELL-PID`` is written when a cell begins, ``go`` lets all go on and
``go-CELL`` one, ``die-CELL`` takes its worker with it, ``broken-PID`` has a worker say that it has no QEMU,
``ended-CELL-PID`` is written by one that was broken off.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from msgspec.structs import replace

from harness.build.model import Kernel
from harness.console.endings import Machine
from harness.console.model import Report
from harness.deadline import Deadline
from harness.errors import InfraError
from harness.events import Event, Task, silent
from harness.guest.accel import Accel
from harness.guest.console import believed
from harness.guest.machine import Spec
from harness.guest.model import Image
from harness.guest.ssh import Ended
from harness.paths import CONFIGS, PROJECT
from harness.pipeline.cells import Machines, ThisMachine, run_cells
from harness.pipeline.judge_ending import Afterwards
from harness.pipeline.life import Attempt, CellJob, Life
from harness.pipeline.model import Cell
from harness.tree.model import Version
from harness.workloads.catalogue import choose
from harness.workloads.program import Program
from harness.workloads.runner import Delivered, Load
from harness.workloads.selftests import Selftest

DATA = PROJECT / "tests" / "data"
GATE = "MEMCG_HARNESS_TEST_GATE"
_BIN = Path(sys.executable).parent
_PATIENCE = 60.0
_PROGRAM = Program(
    name="cgroup.test_memcontrol", test=Selftest(name="test_memcontrol", sources=("t.c",), seconds=60)
)


def cells(directory: Path) -> list[CellJob]:
    """Four cells on v1 and two kernels; the last has a BUG on its console and runs a selftest."""
    built = directory.parent / "built"
    kernels = {name: _kernel(built / name, name) for name in ("base", "patched")}
    image = _image(built / "image")
    jobs = []
    for name, kernel in (("base", "base"), ("base-see", "base"), ("patched", "patched"), ("bug", "patched")):
        rows = choose(CONFIGS / "workloads.yaml", ["shm"], "test")
        jobs.append(
            CellJob(
                name=f"{name}-v1",
                kernel_name=kernel,
                kernel=kernels[kernel],
                version=Version(6, 1, 192, text="6.1.192"),
                iface="v1",
                profile="plain",
                workloads=(*rows, _PROGRAM) if name == "bug" else rows,
                lacking=(("swap", "the guest has none"),),
                load=Load(seconds=4.0, limit=64 << 20, workers=2, sample_ms=200, settle=15.0, seed=1),
                spec=Spec(iface="v1"),
                image=replace(image, extra=(built / "extra" / "some.cpio",)),
                accel=Accel(name="tcg", why="asked for"),
                directory=directory / f"{name}-v1",
                explain=_explain,
            )
        )
    return jobs


def _explain(report: Report) -> Report:
    return replace(report, patches=(2,), because="patch 2 wrote this line")


def _kernel(directory: Path, name: str) -> Kernel:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "vmlinux").write_bytes(name.encode() * 50_000)
    return Kernel(
        key=name, release="6.1.192", directory=directory, cached=True, seconds=1.0, warnings=(), pvh=True
    )


def _image(directory: Path) -> Image:
    image = Image(key="i", directory=directory)
    directory.mkdir(parents=True, exist_ok=True)
    extra = directory.parent / "extra" / "some.cpio"
    extra.parent.mkdir(exist_ok=True)
    for path in (image.initramfs, image.dropbear, extra):
        path.write_bytes(path.name.encode())
    image.dropbear.chmod(0o755)
    for path in (image.swap, image.scratch):
        with path.open("wb") as stream:
            stream.seek(1 << 20)
            stream.write(b"SWAPSPACE2")
            stream.truncate(8 << 20)
    return image


def run_all(
    machines: Machines,
    directory: Path,
    heard: list[Event] | None = None,
    cancelled: threading.Event | None = None,
    jobs: Sequence[CellJob] = (),
) -> tuple[Cell, ...]:
    """Run *jobs*, or all :func:`cells`, on *machines*."""
    return run_cells(
        jobs or cells(directory),
        machines,
        listener=silent if heard is None else heard.append,
        deadline=Deadline.never(),
        cancelled=cancelled or threading.Event(),
        on_cell=lambda _cell: None,
    )


class Played(ThisMachine):
    """Guests of this process that are made up, with nothing to wait for."""

    def guests(
        self, job: CellJob, progress: Task, deadline: Deadline, cancelled: threading.Event
    ) -> Sequence[Life]:
        """Play them."""
        return play(job)


def play(job: CellJob) -> list[Life]:
    """What a guest left that runs a cell of :func:`cells`."""
    log = job.directory / "console.log"
    console = "[    1.000000] memcg-harness: ready\n"
    well = Afterwards(Machine(runs=True, answers=True))
    attempts = []
    for row in job.workloads:
        console += f"[    2.000000] memcg-harness: case {row.name} begin\n"
        if isinstance(row, Program):
            said = (DATA / "ktap" / "6.1-test_memcontrol.txt").read_bytes()
            recorded = (DATA / "console" / "6.1-vm-bug-on-folio.txt").read_bytes().decode()
            console += recorded.partition("\n\n")[2]
        else:
            said = (DATA / "memcg" / f"6.1-v1-{row.name}.jsonl").read_bytes()
        delivered = Delivered(tuple(said.splitlines()), Ended(0), 5.0)
        attempts.append(Attempt(row, "2026-01-01T00:00:00+00:00", delivered, well))
        console += f"[    9.000000] memcg-harness: case {row.name} end\n"
    printed = console.encode() + b"\xff\n"
    log.write_bytes(printed)
    return [Life(log=log, boot_seconds=1.5, attempts=attempts, console=believed(printed))]


def dask_setup(_worker: object) -> None:
    """Called by dask in a worker that preloads this file."""
    from harness.pipeline import cluster_worker  # noqa: PLC0415 -- in a worker only: it imports dask

    patch.object(cluster_worker, "guests_here", _play_there).start()


def _play_there(job: CellJob, progress: Task, _deadline: Deadline, cancelled: threading.Event) -> list[Life]:
    gate, me = Path(os.environ[GATE]), os.getpid()
    for archive in (job.kernel.image, job.image.initramfs, job.image.dropbear, *job.image.extra):
        assert archive.is_file()
    if (gate / f"broken-{me}").exists():
        raise InfraError("qemu-system-x86_64: cannot be started")
    progress.progress(1.0, f"playing {job.name}")
    (gate / f"began-{job.name}-{me}").touch()
    patience = Deadline.after(_PATIENCE)
    if (gate / f"die-{job.name}").exists():
        os.kill(me, signal.SIGKILL)
    while not ((gate / "go").exists() or (gate / f"go-{job.name}").exists() or patience.expired()):
        if cancelled.is_set():
            (gate / f"ended-{job.name}-{me}").touch()
            raise InfraError("interrupted")
        time.sleep(0.02)
    if job.name.startswith("bug") and job.enough is not None:
        job.enough.set()
    return play(job)


def until(true: Callable[[], object], what: str) -> None:
    """Wait for *true*; an error that says *what* did not come."""
    patience = Deadline.after(_PATIENCE)
    while not true():
        assert not patience.expired(), what
        time.sleep(0.02)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(*commands: str, directory: Path, **environ: str) -> Iterator[None]:
    """The *commands* for the length of the block, in *directory*, where their words are kept."""
    children = []
    try:
        for number, command in enumerate(commands):
            with (directory / f"{number}.log").open("wb") as log:
                children.append(
                    subprocess.Popen(
                        shlex.split(command),
                        cwd=directory,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env={
                            **os.environ,
                            "PATH": f"{_BIN}:{os.environ['PATH']}",
                            **environ,
                        },
                        start_new_session=True,
                    )
                )
        yield
    finally:
        for child in children:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
