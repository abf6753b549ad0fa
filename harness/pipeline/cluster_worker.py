# SPDX-License-Identifier: GPL-2.0-only
"""What a worker of a cluster does: keeps parcels, and has guests run an order. Called by dask alone."""

from __future__ import annotations

import dataclasses
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import msgspec
from distributed import Status, Worker, get_worker

from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.events import Event, Note, Progress, Task
from harness.guest.accel import Accel, choose, qemu_version
from harness.paths import cache
from harness.pipeline.bench import probe_boot
from harness.pipeline.cell import guests_here
from harness.pipeline.cluster_order import Order, Reply, harness_here, sent
from harness.pipeline.cluster_parcel import keep, place
from harness.pipeline.life import CellJob

TOPIC = "memcg-harness"
"""of dask's events: what cells are at"""
_EVERY = 1.0
"""seconds between two words on how far a cell is"""
_PROBING = threading.Lock()
"""held while it is found out which accelerator works: the next cell is told"""


@lru_cache(1)
def identity() -> str:
    """Which memcg-harness this is, and which distributed: what both ends have to have the same of.

    Found out once: a worker goes on with the modules that it has loaded, whatever lies on its disk by then.
    """
    return f"{harness_here()}, distributed {version('distributed')}"


def lacking(parcels: tuple[str, ...]) -> tuple[str, ...]:
    """Those of *parcels* that this worker's cache does not have."""
    return tuple(name for name in parcels if not place(cache(), name).is_dir())


def receive(name: str, parcel: bytes) -> str:
    """Keep *parcel* in this worker's cache; why not, or ""."""
    try:
        keep(cache(), name, parcel)
    except HarnessError as error:
        return str(error)
    return ""


def live(order: bytes, sender: str) -> bytes:
    """Run an Order of a *sender* of that version; a Reply, both in msgpack. The task that dask places.

    What it is at is told to TOPIC.
    """
    worker = get_worker()
    reply = Reply(worker=worker.address)
    if sender != identity():
        return msgspec.msgpack.encode(msgspec.structs.replace(reply, trouble="has another memcg-harness"))
    known = msgspec.msgpack.decode(order, type=Order)
    lacks = lacking(known.parcels)
    if lacks:
        return msgspec.msgpack.encode(msgspec.structs.replace(reply, lacks=lacks))
    key = str(worker.get_current_task())
    tells = _Tells(worker, key)
    try:
        with tempfile.TemporaryDirectory(dir=worker.local_directory, prefix="cell-") as scratch:
            reply = _run(known, Path(scratch), reply, tells, _Released(worker, key))
    except (HarnessError, OSError) as error:
        reply = msgspec.structs.replace(reply, trouble=" ".join(str(error).split()))
    return msgspec.msgpack.encode(reply)


def _run(order: Order, scratch: Path, reply: Reply, tells: _Tells, released: _Released) -> Reply:
    deadline = order.deadline()
    directory = scratch / order.name
    directory.mkdir()
    job = order.job(cache(), directory)
    job = dataclasses.replace(job, accel=_accel(job, scratch, deadline))
    tells(Note(f"{job.name}: at {reply.worker}, {job.accel.name}"))
    lives = guests_here(job, Task(tells, job.name, "", None), deadline, released)
    return msgspec.structs.replace(reply, lives=sent(lives), failed=job.ended())


def _accel(job: CellJob, scratch: Path, deadline: Deadline) -> Accel:
    """What works on this machine, by a probe boot where that is not known yet."""

    def probe(candidate: Accel) -> str:
        return probe_boot(job.kernel.image, job.image, candidate, scratch, deadline)

    with _PROBING:
        return choose(job.accel.name, cache(), qemu_version(deadline), probe)


class _Released(threading.Event):
    """Set once dask does not want the task any more: its sender went away, or this worker has to.

    A task's state is what dask itself goes by (distributed's documentation, "Worker State Machine").
    """

    def __init__(self, worker: Worker, key: str) -> None:
        super().__init__()
        self._worker = worker
        self._key = key

    def is_set(self) -> bool:
        """Ask."""
        task = self._worker.state.tasks.get(self._key)
        wanted = task is not None and task.state == "executing"
        return not wanted or self._worker.status in (Status.closing, Status.closed, Status.failed)


@dataclass
class _Tells:
    """A listener: what a guest is at goes to the scheduler, which passes it on. Nothing waits for it."""

    worker: Worker
    cell: str
    _last: float = field(default=-_EVERY)

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, Note):
            self.worker.log_event(TOPIC, {"cell": self.cell, "note": event.text})
        elif isinstance(event, Progress) and now - self._last >= _EVERY:
            self._last = now
            said = {"cell": self.cell, "done": event.done, "text": event.text}
            self.worker.log_event(TOPIC, said)
