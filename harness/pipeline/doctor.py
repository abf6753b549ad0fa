# SPDX-License-Identifier: GPL-2.0-only
"""``harness doctor``: what this machine has and lacks, each with the command that mends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import UserError
from harness.guest.accel import qemu_version, remembered
from harness.paths import CONFIGS

_DISK_GIB = 8
_MEMORY_GIB = 3


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at."""

    name: str
    good: bool
    says: str
    mend: str = ""
    """the command that mends it; empty when nothing is wrong"""


def examine(cache: Path, deadline: Deadline) -> tuple[Finding, ...]:
    """Look at programs, machine, disk and accelerator. Changes nothing."""
    return (*_packages(), *_machine(cache), _accelerator(cache, deadline))


def _packages() -> Iterator[Finding]:
    for line in (CONFIGS / "packages.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        package, witness, reason = line.split(None, 2)
        there = str(Path(witness)) if witness.startswith("/") else shutil.which(witness)
        good = there is not None and Path(there).exists()
        if package == "linux-source":
            good = any(Path(witness).glob("linux-source-*.tar.*"))
        yield Finding(
            name=package,
            good=good,
            says=reason if good else f"missing: {reason}",
            mend="" if good else f"apt-get install {package}",
        )


def _machine(cache: Path) -> Iterator[Finding]:
    yield Finding(name="cores", good=True, says=str(os.cpu_count() or 1))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield Finding(
        name="memory",
        good=memory >= _MEMORY_GIB,
        says=f"{memory:.1f} GiB",
        mend="" if memory >= _MEMORY_GIB else f"a machine with at least {_MEMORY_GIB} GiB",
    )
    where = next(parent for parent in (cache, *cache.parents) if parent.exists())
    free = shutil.disk_usage(where).free / 2**30
    enough = free >= _DISK_GIB or cache.exists()
    yield Finding(
        name="cache",
        good=enough,
        says=f"{cache}, {free:.1f} GiB free",
        mend="" if enough else f"export XDG_CACHE_HOME=DIR on a disk with {_DISK_GIB} GiB free",
    )


def _accelerator(cache: Path, deadline: Deadline) -> Finding:
    try:
        version = qemu_version(deadline)
    except UserError as error:
        return Finding(name="accelerator", good=False, says="no QEMU", mend=str(error).partition("; ")[2])
    known = remembered(cache, version)
    says = f"{known.name}: {known.why}" if known else "not known yet: the first boot finds out"
    return Finding(name="accelerator", good=True, says=f"{says} (QEMU {version})")
