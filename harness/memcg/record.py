# SPDX-License-Identifier: GPL-2.0-only
"""What the guest's ``memcg-case`` says, one JSON object a line (qemu/src/memcg-case.c writes it).

Times are milliseconds since the case began. Text comes from a kernel under test: it is bounded
and printable, nothing more is believed of it.
"""

from __future__ import annotations

import msgspec


class Begin(msgspec.Struct, frozen=True, tag="begin", tag_field="type"):
    """First line: what will be done, on what."""

    iface: str
    """``v1`` or ``v2``; the 2008 controller is spoken to as ``v1``"""
    group: str
    cpus: int
    nodes: int
    page_size: int
    limit: int
    """bytes"""
    seconds: float
    workers: int
    seed: int
    kept: int = 0
    """1: the group was removed with what the workload had left in it, never emptied"""
    own: int = 0
    """1: the workers ran outside of the group, and made groups of their own below it"""


class Sample(msgspec.Struct, frozen=True, tag="sample", tag_field="type"):
    """The group's files at one moment."""

    stage: str
    """``born`` (just made), ``run`` (workload on), ``exit`` (it ended), ``rest`` (emptied, settling)"""
    ms: float
    files: dict[str, str]
    """contents by name; a file that the interface lacks is absent"""
    below: dict[str, dict[str, str]] = {}
    """the same for each group below, by its path from the group (``a``, ``a/b``); at ``run`` and ``exit``"""


class Step(msgspec.Struct, frozen=True, tag="step", tag_field="type"):
    """Something the case did to the group, how long it took, and the errno it met (0: none)."""

    action: str
    """``mkdir``, ``limit``, ``drop_caches``, ``swapoff``, ``swapon``, ``force_empty``, ``reclaim``,
    ``drain``, ``rmdir``; with groups below ``below`` (the group may have some) and ``rmdir-below``"""
    ms: float
    took_ms: float
    errno: int


class Work(msgspec.Struct, frozen=True, tag="work", tag_field="type"):
    """How one worker ended and what it says it did (its ``key=value`` lines)."""

    worker: int
    exit: int
    signal: int
    facts: dict[str, str]


class Stuck(msgspec.Struct, frozen=True, tag="stuck", tag_field="type"):
    """A task of a worker that did not end in time: it slept for so long, deaf to signals, and never ran."""

    pid: int
    name: str
    where: str
    """/proc/PID/wchan: the function that it sleeps in; ``0`` or empty where the kernel does not say"""
    ms: float


class Host(msgspec.Struct, frozen=True, tag="host", tag_field="type"):
    """The guest as a whole, while the group is empty or not there."""

    stage: str
    """``before`` (the group was made), ``rest`` (it was emptied), ``after`` (it was removed)"""
    ms: float
    cgroups: int
    """num_cgroups of ``memory`` in /proc/cgroups, which counts the dying ones; -1 where it is not said"""
    dying: int
    """nr_dying_descendants of the root; -1 on interfaces that do not say"""
    files: dict[str, str] = {}
    """``meminfo``: /proc/meminfo; ``pcp``: pages on the CPUs' own free lists; ``memory.stat``: the root
    group's; ``page_cgroup``: active objects of that slab cache. What the kernel lacks is absent"""


class Fault(msgspec.Struct, frozen=True, tag="error", tag_field="type"):
    """The case could not do its own work: the test is broken, the kernel is not blamed."""

    action: str
    errno: int
    text: str


class End(msgspec.Struct, frozen=True, tag="end", tag_field="type"):
    """Last line. A stream without it was cut off."""

    ms: float


Record = Begin | Sample | Step | Work | Stuck | Host | Fault | End
