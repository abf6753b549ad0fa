# SPDX-License-Identifier: GPL-2.0-only
"""What goes to a worker and what comes back: a cell without what its sender alone knows; its guests' words.

Sent as msgpack of typed values. Files go as parcels (cluster_parcel.py), once to each cache.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness import __version__
from harness.build.model import Kernel
from harness.deadline import Deadline
from harness.files import write_whole
from harness.guest.accel import Accel
from harness.guest.console import believed
from harness.guest.machine import Spec
from harness.guest.model import Image
from harness.paths import CONFIGS, PROJECT
from harness.pipeline.cluster_parcel import place
from harness.pipeline.judge_ending import Afterwards
from harness.pipeline.life import Attempt, CellJob, Life
from harness.tree.model import Version
from harness.workloads.catalogue import Workload
from harness.workloads.program import Program
from harness.workloads.runner import Delivered, Load

_READ_THERE = ("boot.yaml", "console.yaml", "memcg.yaml")
"""tables that decide how a guest is started and how long it is waited for"""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A cell to be run elsewhere."""

    name: str
    kernel_name: str
    release: str
    kernel: str
    """the parcel with what QEMU starts"""
    pvh: bool
    image: str
    """the parcel with the guest's image"""
    extra: tuple[tuple[str, str], ...]
    """parcel and file name of each further archive"""
    version: Version
    iface: str
    profile: str
    workloads: tuple[Workload, ...]
    programs: tuple[Program, ...]
    """they come behind the workloads"""
    load: Load
    spec: Spec
    accel: Accel
    """``auto`` is chosen where the guest is"""
    fail_fast: bool
    seconds: float | None
    """how long it may take; None: as long as it takes"""

    @property
    def parcels(self) -> tuple[str, ...]:
        """All that has to be there."""
        return (self.kernel, self.image, *(parcel for parcel, _name in self.extra))

    def deadline(self) -> Deadline:
        """By when it has to be done, on this machine's clock."""
        return Deadline.never() if self.seconds is None else Deadline.after(self.seconds)

    def job(self, cache: Path, directory: Path) -> CellJob:
        """The cell on this machine, whose *cache* has the parcels; its accelerator is what was asked for."""
        return CellJob(
            name=self.name,
            kernel_name=self.kernel_name,
            kernel=Kernel(
                key=self.kernel,
                release=self.release,
                directory=place(cache, self.kernel),
                cached=True,
                seconds=0.0,
                warnings=(),
                pvh=self.pvh,
            ),
            version=self.version,
            iface=self.iface,
            profile=self.profile,
            workloads=(*self.workloads, *self.programs),
            lacking=(),
            load=self.load,
            spec=self.spec,
            image=Image(
                key=self.image,
                directory=place(cache, self.image),
                extra=tuple(place(cache, parcel) / name for parcel, name in self.extra),
            ),
            accel=self.accel,
            directory=directory,
            explain=lambda report: report,
            enough=threading.Event() if self.fail_fast else None,
        )


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One workload in one guest."""

    name: str
    started: str
    delivered: Delivered
    after: Afterwards


class Lived(msgspec.Struct, frozen=True, kw_only=True):
    """One guest, from boot to death."""

    log: str
    """the name of its console log"""
    printed: bytes
    """the log"""
    failure: str
    ssh: str
    failed: Afterwards | None
    boot_seconds: float
    tried: tuple[Tried, ...]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker has to say of an order."""

    worker: str
    """its address"""
    lacks: tuple[str, ...] = ()
    """parcels that have to be sent first"""
    trouble: str = ""
    """why no guest could be had there"""
    lives: tuple[Lived, ...] = ()
    failed: bool = False
    """a case failed that ends a run with fail_fast"""


def order_of(job: CellJob, parcels: Sequence[str], deadline: Deadline) -> Order:
    """*job* for another machine; *parcels* are those of its kernel, its image and each further archive."""
    kernel, image, *extra = parcels
    left = deadline.remaining()
    return Order(
        name=job.name,
        kernel_name=job.kernel_name,
        release=job.kernel.release,
        kernel=kernel,
        pvh=job.kernel.pvh,
        image=image,
        extra=tuple((parcel, path.name) for parcel, path in zip(extra, job.image.extra, strict=True)),
        version=job.version,
        iface=job.iface,
        profile=job.profile,
        workloads=tuple(row for row in job.workloads if isinstance(row, Workload)),
        programs=tuple(row for row in job.workloads if isinstance(row, Program)),
        load=job.load,
        spec=job.spec,
        accel=job.accel,
        fail_fast=job.enough is not None,
        seconds=None if math.isinf(left) else left,
    )


def contents(job: CellJob) -> tuple[tuple[Path, ...], ...]:
    """The files of each parcel that *job* needs, in the order that :func:`order_of` takes them."""
    image = job.image
    files = (image.initramfs, image.swap, image.scratch, image.dropbear)
    return ((job.kernel.image,), files, *((archive,) for archive in image.extra))


def sent(lives: Sequence[Life]) -> tuple[Lived, ...]:
    """*lives* for the way back."""
    return tuple(
        Lived(
            log=life.log.name,
            printed=life.log.read_bytes(),
            failure=life.failure,
            ssh=life.ssh,
            failed=life.failed,
            boot_seconds=life.boot_seconds,
            tried=tuple(
                Tried(
                    name=one.workload.name,
                    started=one.started,
                    delivered=one.delivered,
                    after=one.after,
                )
                for one in life.attempts
            ),
        )
        for life in lives
    )


def received(lived: Sequence[Lived], job: CellJob) -> list[Life]:
    """What came back for *job*, as if it had lived here: each console log is in its directory."""
    rows = {row.name: row for row in job.workloads}
    lives = []
    for one in lived:
        log = job.directory / Path(one.log).name
        write_whole(log, one.printed)
        lives.append(
            Life(
                log=log,
                failure=one.failure,
                ssh=one.ssh,
                failed=one.failed,
                boot_seconds=one.boot_seconds,
                attempts=[
                    Attempt(rows[was.name], was.started, was.delivered, was.after) for was in one.tried
                ],
                console=believed(one.printed),
            )
        )
    return lives


def harness_here() -> str:
    """Which memcg-harness this is: its version, and a hash of all that decides what a guest is given."""
    digest = hashlib.sha256()
    modules = sorted((PROJECT / "harness").rglob("*.py"))
    for path in (*modules, *(CONFIGS / name for name in _READ_THERE)):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(PROJECT)}:{len(data)}:".encode() + data)
    return f"{__version__}+{digest.hexdigest()[:12]}"
