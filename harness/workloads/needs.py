# SPDX-License-Identifier: GPL-2.0-only
"""Why a workload cannot be run on a kernel and machine, found before a guest is booted for it."""

from __future__ import annotations

from collections.abc import Set

import msgspec

from harness.span import Numbers, covers, words
from harness.workloads.program import Runnable


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where workloads are to run."""

    iface: str
    kernel: Numbers
    symbols: Set[str]
    """Kconfig symbols of the kernel that are ``y``"""
    nodes: int
    cpus: int
    swap: bool


def why_not(workload: Runnable, place: Place) -> str:
    """The reason with its mend, or "" when *workload* can run at *place*."""
    needs = workload.needs
    missing = [symbol for symbol in needs.symbols if symbol not in place.symbols]
    if place.iface not in needs.ifaces:
        return f"for cgroup {' and '.join(needs.ifaces)} only"
    if not covers(place.kernel, needs.since, needs.until):
        return f"for Linux {words(needs.since, needs.until)}"
    if missing:
        return f"the kernel lacks {', '.join(f'CONFIG_{symbol}' for symbol in missing)}"
    if place.nodes < needs.nodes or place.cpus < needs.cpus:
        return f"needs {needs.nodes} nodes and {needs.cpus} CPUs; guest: in the plan"
    if needs.swap and not place.swap:
        return "needs swap; guest: {swap: true} in the plan"
    return ""


def set_symbols(config: str) -> frozenset[str]:
    """The symbols that are ``y`` in the text of a ``.config``, without ``CONFIG_``."""
    return frozenset(
        line.removeprefix("CONFIG_").removesuffix("=y")
        for line in config.splitlines()
        if line.startswith("CONFIG_") and line.endswith("=y")
    )
