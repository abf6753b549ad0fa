# SPDX-License-Identifier: GPL-2.0-only
"""Why a workload is skipped before a guest is booted for it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.workloads.catalogue import Needs, Workload
from harness.workloads.needs import Place, set_symbols, why_not
from harness.workloads.runner import Load, command, length

_PLACE = Place(iface="v2", kernel=(6, 1, 192), symbols={"SWAP", "NUMA"}, nodes=2, cpus=2, swap=True)


def _workload(**needs: Any) -> Workload:
    return Workload(
        name="a", program="a", share=0.5, dir="/tmp", did=("x",), why="w", needs=Needs(**needs)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("needs", "why"),
    [
        ({}, ""),
        ({"ifaces": ("v1",)}, "for cgroup v1 only"),
        ({"since": "6.2"}, "for Linux from 6.2"),
        ({"since": "5.19"}, ""),
        ({"until": "2.6.29"}, "for Linux up to 2.6.29"),
        ({"symbols": ("SWAP", "HOTPLUG_CPU")}, "the kernel lacks CONFIG_HOTPLUG_CPU"),
        ({"nodes": 4}, "needs 4 nodes and 1 CPUs; guest: in the plan"),
        ({"swap": True}, ""),
    ],
)
def test_the_reason_names_what_is_lacking(needs: dict[str, Any], why: str) -> None:
    assert why_not(_workload(**needs), _PLACE) == why


def test_swap_is_asked_of_the_plan() -> None:
    place = msgspec.structs.replace(_PLACE, swap=False)
    assert why_not(_workload(swap=True), place) == "needs swap; guest: {swap: true} in the plan"


def test_symbols_of_a_config() -> None:
    config = "# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=18\nCONFIG_D=m\nCONFIG_E=y\n"
    assert set_symbols(config) == {"B", "E"}


def test_a_workload_is_never_shorter_than_it_needs_to_be() -> None:
    load = Load(seconds=2.0, limit=1 << 25, workers=2, sample_ms=200, settle=10.0, seed=1)
    workload = msgspec.structs.replace(_workload(), least=4.0, own=True, args=("--how", "twice"))
    assert length(workload, load) == 4.0
    argv = command(workload, "v2", load, ("memory.current",))
    assert argv[argv.index("--seconds") + 1] == "4"
    assert "--own" in argv[: argv.index("--")]
    assert argv[-2:] == ("--how", "twice")
