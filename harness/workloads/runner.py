# SPDX-License-Identifier: GPL-2.0-only
"""Drives one workload in a guest through memcg-case, and brings back what it said."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from harness.deadline import Deadline
from harness.guest.machine import Guest
from harness.guest.ssh import Ended
from harness.workloads.catalogue import Workload

_GRACE = 60.0
"""seconds beyond running and settling before a case counts as hung; emulated guests are slow"""
_SETTLES = 5
"""memcg-case may wait for settling this often: rmdir (twice), at rest, dying groups, its own clean-up"""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How hard and how long a workload is run."""

    seconds: float
    limit: int
    """bytes"""
    workers: int
    sample_ms: int
    settle: float
    """seconds that the group may take to come to rest"""
    seed: int
    slow: float = 1.0
    """how much longer than on a plain kernel a workload needs to do enough"""


@dataclass(frozen=True)
class Delivered:
    """What memcg-case said, line by line, and how it ended."""

    lines: tuple[bytes, ...]
    ended: Ended
    seconds: float
    quiet: float = 0.0
    """seconds since the last line, at the end"""


def command(workload: Workload, iface: str, load: Load, files: tuple[str, ...]) -> tuple[str, ...]:
    """The argument list of memcg-case for *workload*: what the guest runs, and what a person would."""
    return (
        "memcg-case", "--iface", iface, "--mount", "/cg", "--group", workload.name,
        "--limit", str(load.limit), "--seconds", f"{length(workload, load):g}",
        "--interval", str(load.sample_ms), "--workers", str(load.workers),
        "--settle", f"{load.settle:g}", "--seed", str(load.seed), "--dir", workload.dir,
        "--files", ",".join(files), *(["--keep"] if workload.leave else []),
        *(["--own"] if workload.own else []),
        "--", workload.program, "--bytes", str(int(load.limit * workload.share)),
        *(["--leave"] if workload.leave else []), *workload.args,
    )  # fmt: skip


def length(workload: Workload, load: Load) -> float:
    """Seconds that *workload* is run for under *load*."""
    return max(load.seconds, workload.least * load.slow)


def longest(workload: Workload, load: Load) -> float:
    """Seconds after which *workload* counts as hung: running, settling, and what an emulated guest adds."""
    return length(workload, load) + _SETTLES * load.settle + _GRACE


def deliver(
    guest: Guest,
    argv: tuple[str, ...],
    limit: float,
    *,
    deadline: Deadline,
    give_up: Callable[[float], str],
    tick: Callable[[float], None],
    room: float = math.inf,
) -> Delivered:
    """Run *argv* in *guest*, for *limit* seconds at most; *tick* is told the seconds that have passed.

    What is said beyond *room* bytes is not kept.
    *give_up* is told the seconds since the last line, and gives a reason not to wait on.
    Raises InfraError when SSH cannot be had at all.
    """
    began = heard = time.monotonic()
    lines: list[bytes] = []

    def take(line: bytes) -> None:
        nonlocal heard, room
        room -= len(line)
        if room >= 0:
            lines.append(line)
        heard = time.monotonic()
        tick(heard - began)

    def hopeless() -> str:
        return give_up(time.monotonic() - heard) or ("" if guest.alive() else "guest died")

    shell = guest.shell(deadline)
    ended = shell.follow(argv, take, deadline.within(limit), hopeless)
    now = time.monotonic()
    return Delivered(tuple(lines), ended, now - began, now - heard)
