# SPDX-License-Identifier: GPL-2.0-only
"""Guests on other machines: dask.distributed places cells, sees which worker died, and begins theirs again.

Imported only where a cluster was asked for: importing this imports dask.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import distributed
import msgspec
from distributed import Client, KilledWorker

from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError, UserError
from harness.events import Listener, Note, Task
from harness.guest.accel import Accel
from harness.guest.machine import Spec
from harness.pipeline.cells import Need, need
from harness.pipeline.cluster_order import Reply, contents, order_of, received
from harness.pipeline.cluster_parcel import name_of, pack
from harness.pipeline.cluster_roster import GONE, Roster, one_line
from harness.pipeline.cluster_worker import TOPIC, identity, lacking, live, receive
from harness.pipeline.life import CellJob, Life

_ADDRESS = re.compile(r"(?:tcp|tls)://(?:[^\s:/\[\]]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}")
_ANSWER = 10.0
"""seconds that a scheduler may take to answer"""
_POLL = 0.2
_LOOK = 5.0
"""seconds between two looks at which workers there are"""
_PATIENCE = 30.0
"""seconds without a worker that could take a cell: one that died may be started anew"""
_GATHER = 60.0
"""seconds for a result to come; it is then asked for again"""
_WORKERS = 3
"""workers that may have no guest for a cell before it is given up"""

_PREFIX = "memcg-cell"
"""of all tasks: dask moves one to a worker with room by how long those of its prefix take"""

# dask logs what becomes of its connections, with tracebacks; here it becomes a line or a cell's reason.
for _name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@contextmanager
def opened(address: str, listener: Listener) -> Iterator[Cluster]:
    """The cluster whose scheduler is at *address* (``tcp://HOST:PORT``, ``tls://HOST:PORT``).

    UserError for what is no such address, or TLS without certificates; InfraError when nobody answers.
    """
    if not _ADDRESS.fullmatch(address):
        raise UserError(
            f"--cluster {address}: no scheduler's address; give tcp://HOST:8786 or tls://HOST:8786"
        )
    if address.startswith("tls"):
        _require_certificates(address)
    client = _connected(address, listener)
    try:
        yield Cluster(client, address, listener)
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=_ANSWER)


def _require_certificates(address: str) -> None:
    """UserError unless dask's configuration has what it takes to speak TLS."""
    try:
        known = distributed.Security().get_connection_args("client")["ssl_context"]
    except (OSError, ValueError) as error:
        raise UserError(f"--cluster {address}: TLS as it is configured does not work: {error}") from error
    if known is None:
        raise UserError(f"--cluster {address}: no certificates for TLS are configured; see docs/cluster.md")


def _connected(address: str, listener: Listener) -> Client:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            client = _client(address)
        except (OSError, ImportError, RuntimeError, ValueError) as error:
            words = " ".join(str(error).split()) or f"not within {_ANSWER:g} s"
            raise InfraError(
                f"--cluster {address}: no scheduler answers ({words}); 'dask scheduler' starts one"
            ) from error
    for warning in said:
        if "VersionMismatch" in warning.category.__name__:
            listener(Note(f"{address}: other versions than here: {one_line(warning.message)}", warning=True))
    return client


def _client(address: str) -> Client:
    """A Client, or its error. dask waits for ever where a port takes all and says nothing: TimeoutError."""
    came: Future[Client] = Future()

    def connect() -> None:
        try:
            came.set_result(Client(address, timeout=_ANSWER, set_as_default=False))
        except Exception as error:  # raised by whoever waits
            came.set_exception(error)

    threading.Thread(target=connect, daemon=True, name="connect").start()
    return came.result(_ANSWER + 1.0)


class Cluster:
    """The machines behind one scheduler; see :class:`harness.pipeline.cells.Machines`."""

    def __init__(self, client: Client, address: str, listener: Listener) -> None:
        self.roster = Roster(client, address, listener)
        self._client = client
        self._address = address
        self._lock = threading.Lock()
        self._names: dict[tuple[Path, ...], str] = {}
        self._under_way: dict[str, Task] = {}
        client.subscribe_topic(TOPIC, self._hear)

    def require(self, spec: Spec) -> None:
        """InfraError, with what each worker lacks, when none has what a guest of that shape takes."""
        needed = need(spec.cpus, spec.memory_mb)
        if not self.roster.able(needed):
            raise InfraError(self.roster.why_none(needed, {}))

    def accel(self, wish: str, probed: Callable[[], Accel]) -> Accel:
        """The wish: what works, each worker finds out for itself."""
        return Accel(name=wish, why=f"as each worker of {self._address} has it")

    def room(self, cpus: int, memory_mb: int) -> int:
        """As the workers that there are now state it."""
        return self.roster.room(need(cpus, memory_mb))

    def at_once(self, jobs: Sequence[CellJob]) -> int:
        """All: those that find no worker free wait at the scheduler."""
        return max(1, len(jobs))

    def guests(
        self, job: CellJob, progress: Task, deadline: Deadline, cancelled: threading.Event
    ) -> Sequence[Life]:
        """They are children of whichever worker dask chose. InfraError when several could not have them."""
        files = {self._name(paths): paths for paths in contents(job)}
        names = [self._name(paths) for paths in contents(job)]
        failed: dict[str, str] = {}
        given: set[str] = set()
        while not job.ended():
            order = msgspec.msgpack.encode(order_of(job, names, deadline))
            reply = self._ask(job, order, failed, progress, cancelled)
            if reply is None:
                continue
            if reply.lacks and reply.worker in given:
                trouble = "does not keep what it is sent"
            else:
                trouble = reply.trouble or self._send(reply, files, progress)
                given.add(reply.worker)
            if trouble:
                failed[reply.worker] = trouble
                progress.absorb(Note(f"{job.name}: not at {reply.worker}: {trouble}"))
            elif not reply.lacks:
                if reply.failed and job.enough is not None:
                    job.enough.set()
                return received(reply.lives, job)
            if len(failed) == _WORKERS:
                raise InfraError(f"{_WORKERS} workers had no guest for it: {_listed(failed)}")
        return ()

    def _ask(
        self,
        job: CellJob,
        order: bytes,
        failed: dict[str, str],
        progress: Task,
        cancelled: threading.Event,
    ) -> Reply | None:
        """What a worker says of *order*; None when it has to be asked again: those that could are gone."""
        needed = need(job.spec.cpus, job.spec.memory_mb)
        able = self._await_able(needed, failed, cancelled)
        chosen = able if failed or self.roster.refused() else None
        key = f"{_PREFIX}-{uuid.uuid4().hex}"
        self._under_way[key] = progress
        future = self._client.submit(
            live,
            order,
            identity(),
            key=key,
            pure=False,
            workers=chosen,
            resources={"cpus": needed.cpus, "memory": float(needed.memory)},
        )
        try:
            seen = time.monotonic()
            while not future.done() or (data := _result(future)) is None:
                if cancelled.wait(_POLL):
                    raise InfraError("interrupted")
                if job.ended():
                    return None
                if time.monotonic() - seen > _LOOK:
                    seen = time.monotonic()
                    now = self.roster.able(needed, failed)
                    if not now or (chosen and set(now).isdisjoint(chosen)):
                        return None
            return msgspec.msgpack.decode(data, type=Reply)
        finally:
            del self._under_way[key]
            if not future.done():
                future.cancel()

    def _await_able(self, needed: Need, failed: dict[str, str], cancelled: threading.Event) -> list[str]:
        patience = Deadline.after(_PATIENCE)
        while not (able := self.roster.able(needed, failed)):
            if patience.expired() or (failed and self.roster.able(needed)):  # there are, and all have failed
                raise InfraError(self.roster.why_none(needed, failed))
            if cancelled.wait(_POLL):
                raise InfraError("interrupted")
        return able

    def _name(self, paths: tuple[Path, ...]) -> str:
        """What the parcel of the files *paths* is called; they do not change, lying in a cache by content."""
        with self._lock:
            if paths not in self._names:
                self._names[paths] = name_of(pack(paths))
            return self._names[paths]

    def _send(self, reply: Reply, files: dict[str, tuple[Path, ...]], progress: Task) -> str:
        """Send a worker what it lacks, once; why it cannot be kept there, or ""."""
        for name in reply.lacks:
            with self._lock:  # two cells at one worker, or two workers with one cache: who comes second asks
                if not self._call(reply.worker, lacking, (name,)):
                    continue
                parcel = pack(files[name])
                why = self._call(reply.worker, receive, name, parcel)
            if why:
                return str(why)
            said = f"{files[name][0].name}, {len(parcel) / 1e6:.1f} MB"
            progress.absorb(Note(f"sent to {reply.worker}: {said}"))
        return ""

    def _call(self, worker: str, function: Callable[..., Any], *words: object) -> Any:
        """What *function* says in *worker*; None where that has gone: the cell then goes elsewhere."""
        try:
            return self._client.run(function, *words, workers=[worker])[worker]
        except GONE:
            return None

    def _hear(self, event: tuple[float, Any]) -> None:
        """Pass on what a worker says of a cell that is under way."""
        _stamp, said = event
        progress = self._under_way.get(said["cell"])
        if progress is None:
            return
        with suppress(HarnessError):  # a log that cannot be written; the run's own thread meets that too
            if "note" in said:
                progress.absorb(Note(said["note"]))
            else:
                progress.progress(said["done"], said["text"])


def _result(future: distributed.Future[bytes]) -> bytes | None:
    """What the task came to; None when it was lost on its way with its worker: dask runs it again."""
    try:
        return future.result(timeout=_GATHER)
    except TimeoutError:
        return None
    except KilledWorker as error:
        count = error.allowed_failures + 1
        raise InfraError(
            f"{count} workers died while they ran it, at last {error.last_worker.address}"
        ) from None
    except Exception as error:  # whatever a task raises, dask raises here, its own cancellation too
        raise InfraError(f"the cluster gave no result: {one_line(error)}") from error


def _listed(whys: dict[str, str]) -> str:
    return "; ".join(f"{address}: {why}" for address, why in whys.items())
