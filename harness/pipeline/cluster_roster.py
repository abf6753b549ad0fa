# SPDX-License-Identifier: GPL-2.0-only
"""Which workers a scheduler has, which of them may be given a cell, and why the others may not."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress

from distributed import Client

from harness.errors import InfraError
from harness.events import Listener, Note
from harness.pipeline.cells import Need
from harness.pipeline.cluster_worker import identity

GONE = (OSError, TimeoutError, ValueError, KeyError)
"""what dask raises when it is to call a worker that is no more"""
_NAMED = 3
"""workers that an error tells of"""
_START = 'dask worker {} --nthreads 2 --resources "cpus=2 memory=4e9"'


class Roster:
    """The workers of one scheduler. Called from several threads."""

    def __init__(self, client: Client, address: str, listener: Listener) -> None:
        self._client = client
        self._address = address
        self._listener = listener
        self._identity = identity()
        self._lock = threading.Lock()
        self._others: dict[str, str] = {}
        """which memcg-harness a worker has where it is not ours, or "", by its address"""

    def able(self, needed: Need, failed: Collection[str] = ()) -> list[str]:
        """The workers that state what is *needed*, have our version, and are not among the *failed*."""
        fitting = [address for address, has in self.stated().items() if not _too_few(has, needed)]
        with self._lock:
            self._identify([address for address in fitting if address not in self._others])
            ours = [address for address in fitting if self._others.get(address) == ""]
        return [address for address in ours if address not in failed]

    def room(self, needed: Need) -> int:
        """How many that take so much the workers that are able to could have at once; at least one."""
        stated, able = self.stated(), self.able(needed)
        rooms = [
            min(stated[one]["cpus"] / needed.cpus, stated[one]["memory"] / needed.memory)
            for one in able
            if one in stated
        ]
        return max(1, sum(map(int, rooms)))

    def refused(self) -> bool:
        """True once there was a worker that fits and must be given nothing."""
        with self._lock:
            return any(self._others.values())

    def stated(self) -> dict[str, dict[str, float]]:
        """The resources that each worker states, by its address; InfraError when the scheduler is gone."""
        workers, scheduler = None, self._client.scheduler
        if scheduler is not None and self._client.status == "running":
            with suppress(*GONE):
                # not Client.scheduler_info(): what it gives, the client's own heartbeat empties now and then
                workers = self._client.sync(scheduler.identity, n_workers=-1)["workers"]
        if workers is None:
            raise InfraError(f"{self._address}: the scheduler does not answer any more")
        return {address: dict(one.get("resources") or {}) for address, one in workers.items()}

    def why_none(self, needed: Need, failed: Mapping[str, str]) -> str:
        """Why no worker can be given what takes so much; *failed* are those that could not, with reasons."""
        whys = []
        for address, has in self.stated().items():
            few = _too_few(has, needed)
            why = f"{address} states {few}" if few else self._refusal(address)
            whys.append(why or f"{address}: {failed.get(address, 'does not answer')}")
        return (
            f"--cluster {self._address}: no worker for a guest that takes cpus={needed.cpus:g} "
            f"memory={needed.memory}: {'; '.join(whys[:_NAMED]) or 'it has no workers'}; "
            f"start one: {_START.format(self._address)}"
        )

    def _identify(self, workers: list[str]) -> None:
        """Ask *workers* what they are, and say of those that are not what we are."""
        if not workers:
            return
        try:
            said = self._client.run(identity, workers=workers, on_error="return")
        except GONE:
            return
        for address, theirs in said.items():
            if isinstance(theirs, OSError):
                continue  # it has gone
            known = one_line(theirs)
            self._others[address] = "" if known == self._identity else known
            if self._others[address]:
                self._listener(Note(self._refusal(address), warning=True))

    def _refusal(self, address: str) -> str:
        theirs = self._others.get(address)
        if not theirs:
            return ""
        return (
            f"worker {address} is not used: it has memcg-harness {theirs}, here is {self._identity}; "
            "bring it to the same commit, make install, start it anew"
        )


def one_line(what: object) -> str:
    """An error, a warning or a word of a worker's in one line."""
    name = f"{type(what).__name__}: " if isinstance(what, Exception) else ""
    return f"{name}{' '.join(str(what).split())}"[:300]


def _too_few(has: Mapping[str, float], needed: Need) -> str:
    """Which of a worker's resources are too few, as it states them; "" when it has all."""
    wanted = {"cpus": needed.cpus, "memory": float(needed.memory)}
    few = [
        f"{name}={has[name]:g}" if name in has else f"no {name}"
        for name, least in wanted.items()
        if has.get(name, 0.0) < least
    ]
    return ", ".join(few)
