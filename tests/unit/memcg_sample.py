# SPDX-License-Identifier: GPL-2.0-only
"""Cases of memcg-case made by hand, for the tests of harness/memcg."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.memcg.invariants import Accounting, judge
from harness.memcg.model import Check
from harness.memcg.record import Begin, Host, Sample, Work
from harness.memcg.stream import CaseStream
from harness.tree.model import Version

V61 = Version(6, 1, 192)
V2627 = Version(2, 6, 27)
PAGE = 4096
SETTLE = 15_000.0


def begin(iface: str = "v2", **more: int) -> Begin:
    """Two CPUs, two nodes, two workers, 32 MiB."""
    fields = {"cpus": 2, "nodes": 2, "page_size": PAGE, "limit": 32 << 20, "workers": 2, "seed": 1, **more}
    return Begin(iface=iface, group="g", seconds=30.0, **fields)


def text(numbers: Mapping[str, int]) -> str:
    """A file of keys and numbers."""
    return "".join(f"{key} {number}\n" for key, number in numbers.items())


def v2(usage: int = 0, events: Mapping[str, int] | None = None, **stat: int) -> dict[str, str]:
    """The files of a v2 group; *stat* in bytes, *usage* too."""
    known = {
        "anon": 0, "file": 0, "kernel": 0, "kernel_stack": 0, "pagetables": 0, "sock": 0, "shmem": 0,
        "file_mapped": 0, "file_dirty": 0, "file_writeback": 0, "swapcached": 0, "inactive_anon": 0,
        "active_anon": 0, "inactive_file": 0, "active_file": 0, "unevictable": 0, "slab": 0, "pglazyfree": 0,
    }  # fmt: skip
    counts = {"low": 0, "high": 0, "max": 0, "oom": 0, "oom_kill": 0}
    return {
        "memory.current": f"{usage}\n",
        "memory.stat": text(known | stat),
        "memory.swap.current": "0\n",
        "memory.peak": f"{32 << 20}\n",
        "memory.events": text(counts | dict(events or {})),
    }


def v1(usage: int = 0, failcnt: int = 0, oom_kill: int = 0, **stat: int) -> dict[str, str]:
    """The files of a v1 group; *stat* and *usage* in bytes, pgpgin and pgpgout in pages."""
    known = {
        "cache": 0, "rss": 0, "rss_huge": 0, "shmem": 0, "mapped_file": 0, "dirty": 0, "writeback": 0,
        "pgpgin": usage // PAGE, "pgpgout": 0, "inactive_anon": 0, "active_anon": 0, "inactive_file": 0,
        "active_file": 0, "unevictable": 0,
    }  # fmt: skip
    return {
        "memory.usage_in_bytes": f"{usage}\n",
        "memory.stat": text(known | stat),
        "memory.kmem.usage_in_bytes": "0\n",
        "memory.memsw.usage_in_bytes": f"{usage}\n",
        "memory.max_usage_in_bytes": f"{32 << 20}\n",
        "memory.failcnt": f"{failcnt}\n",
        "memory.oom_control": text({"oom_kill_disable": 0, "under_oom": 0, "oom_kill": oom_kill}),
    }


def sample(stage: str, files: dict[str, str], ms: float = 0.0, **below: dict[str, str]) -> Sample:
    """One sample; a group below ``a__b`` is ``a/b``."""
    groups = {path.replace("__", "/"): each for path, each in below.items()}
    return Sample(stage=stage, ms=ms, files=files, below=groups)


def case(first: Begin, samples: Iterable[Sample], work: Iterable[Work] = (), **hosts: Host) -> CaseStream:
    """A stream of these; hosts by stage."""
    return CaseStream(
        begin=first,
        samples=tuple(samples),
        work=tuple(work),
        before=hosts.get("before"),
        emptied=hosts.get("rest"),
        after=hosts.get("after"),
        complete=True,
    )


def judged(stream: CaseStream, name: str, kernel: Version = V61, moves: tuple[str, ...] = ()) -> Check | None:
    """The check *name*, or None when it was not made."""
    checks = accounting(stream, kernel, moves).checks
    return next((check for check in checks if check.name == name), None)


def kept(stream: CaseStream, name: str, kernel: Version = V61, moves: tuple[str, ...] = ()) -> bool:
    """Whether the check *name*, which has to have been made, was kept."""
    check = judged(stream, name, kernel, moves)
    assert check is not None
    assert check.kept == (abs(check.measured) <= check.tolerance)
    return check.kept


def accounting(stream: CaseStream, kernel: Version = V61, moves: tuple[str, ...] = ()) -> Accounting:
    """Everything that is judged of *stream*."""
    return judge(stream, kernel, SETTLE, moves=moves)
