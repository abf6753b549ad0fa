# SPDX-License-Identifier: GPL-2.0-only
"""A cell's time, shared among its workloads."""

from __future__ import annotations

import msgspec
import pytest

from harness.workloads.budget import shared
from harness.workloads.catalogue import Workload


def _some(count: int, least: float = 0.0) -> list[Workload]:
    return [
        Workload(name=f"w{n}", program="a", share=0.5, dir="/tmp", did=("x",), why="w", least=least)
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "budget", "kept", "each"),
    [
        (20, 0.0, 20, 7.0),  # no bound
        (4, 60.0, 4, 7.0),
        (10, 60.0, 10, 4.0),
        (20, 60.0, 12, 3.0),
        (3, 1.0, 1, 3.0),  # one is always run
        (0, 60.0, 0, 7.0),
    ],
)
def test_less_each_and_then_fewer(count: int, budget: float, kept: int, each: float) -> None:
    workloads = _some(count)
    share = shared(workloads, 7.0, budget)
    assert len(share.workloads) == kept
    assert (*share.workloads, *share.left_out) == tuple(workloads)
    assert share.seconds == each


def test_what_needs_longer_takes_it_from_the_others() -> None:
    share = shared([*_some(1, least=6.0), *_some(4)], 7.0, 32.0)
    assert len(share.workloads) == 5
    assert share.seconds == 4.0


def test_a_plan_that_is_shorter_than_that_is_kept_to() -> None:
    assert shared(_some(20), 1.0, 60.0).seconds == 1.0


def test_a_slow_kernel_has_more_for_each_and_so_fewer() -> None:
    share = shared(_some(20), 7.0, 60.0, slow=2.0)
    assert share.seconds == 6.5
    assert len(share.workloads) == 7
    assert len(shared([*_some(1, least=6.0), *_some(4)], 7.0, 30.0, slow=1.5).workloads) == 3


def test_what_another_does_too_comes_last_where_time_is_short() -> None:
    some = _some(3)
    both = msgspec.structs.replace(some[1], includes=("w0", "w2"))
    workloads = [some[0], both, some[2]]
    assert [one.name for one in shared(workloads, 7.0, 60.0).workloads] == ["w1", "w0", "w2"]
    assert [one.name for one in shared(workloads, 7.0, 0.0).workloads] == ["w0", "w1", "w2"]
