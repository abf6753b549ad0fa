# SPDX-License-Identifier: GPL-2.0-only
"""What a run has ahead of it: kernels by the cache and the last build, cells by the plan."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from harness.events import Ahead, Event, Finished, Note, Progress, Started, Task, Work
from harness.pipeline.ahead import cells_ahead, job_ahead, kernels_ahead, lanes_ahead
from harness.pipeline.bench import Bench, Request
from harness.pipeline.life import CellJob
from harness.pipeline.plan import Plan
from harness.pipeline.run import WORKLOADS
from harness.pipeline.stages import Stages
from harness.tree.model import Version
from harness.workloads.catalogue import choose


def _bench(patches: int = 2) -> Bench:
    """A bench of two profiles, one of them slow; base kernels are in the cache."""
    found = SimpleNamespace(
        series=SimpleNamespace(patches=("one",) * patches),
        tree=SimpleNamespace(version=Version(6, 1, 0)),
        profiles={"plain": SimpleNamespace(slow=1.0), "see": SimpleNamespace(slow=3.0)},
        expected_seconds=lambda count, profile: {("plain", 2): 8.5}.get(
            (profile, count), None if count else 0.0
        ),
    )
    return cast("Bench", found)


def _request(**more: object) -> Request:
    plan = Plan(name="p", kconfig=("plain", "see"), seconds=7.0, **more)  # type: ignore[arg-type]
    return Request(plan=plan, plan_path=Path(), results=Path(), cache=Path(), jobs=2)


def _called(kernel: str, profile: str) -> str:
    return f"{kernel}-{profile}"


def test_a_kernel_takes_nothing_what_it_took_or_nobody_knows() -> None:
    assert kernels_ahead(_bench(), _request(), ("plain", "see"), _called) == [
        Work("kernel-base-plain", 0.0),
        Work("kernel-patched-plain", 8.5),
        Work("kernel-base-see", 0.0),
        Work("kernel-patched-see", None),
    ]
    assert len(kernels_ahead(_bench(0), _request(), ("plain",), _called)) == 1


def test_a_cell_takes_what_its_plan_gives_it() -> None:
    workloads = choose(WORKLOADS, ("anon", "file", "high"), "test")
    cells = {
        one.task: one.seconds for one in cells_ahead(_bench(), _request(), ("plain",), _called, workloads)
    }
    assert set(cells) == {"base-plain-v1", "patched-plain-v1", "base-plain-v2", "patched-plain-v2"}
    assert cells["base-plain-v1"] == 3 + 2 * (7 + 2), "high is for v2 alone"
    assert cells["base-plain-v2"] == 3 + 3 * (7 + 2)
    bounded = cells_ahead(_bench(), _request(cell_seconds=20.0), ("plain",), _called, workloads)
    assert all((one.seconds or 99) <= 23 for one in bounded)


def test_nobody_knows_how_long_the_selftests_take() -> None:
    cells = cells_ahead(_bench(), _request(external=("cgroup",)), ("plain",), _called, ())
    assert {one.seconds for one in cells} == {None}


def test_lanes_are_as_many_as_there_is_room_for() -> None:
    assert lanes_ahead(_request(), 3, lambda _cpus, _memory: 2) == 2
    assert lanes_ahead(_request(), 0, lambda _cpus, _memory: 2) == 1


def test_a_job_is_what_its_workloads_run_and_some_around_each() -> None:
    job = SimpleNamespace(
        name="base-v1",
        workloads=("a", "b"),
        seconds=lambda one: {"a": 7.0, "b": 12.0}[one],
        load=SimpleNamespace(slow=1),
    )
    assert job_ahead(cast("CellJob", job)) == Work("base-v1", 3 + 7 + 2 + 12 + 2)


def test_stages_have_their_number_and_are_unknown_until_more_is() -> None:
    told: list[Event] = []
    Stages(told.append).at("tree")
    Stages(told.append).at("cells", (), (Work("c", 4.0),), 2)
    first, second = told
    assert isinstance(first, Ahead)
    assert isinstance(second, Ahead)
    assert (first.stage, first.number, first.total) == ("tree", 1, 7)
    assert [one.seconds for one in first.in_turn] == [None]
    assert (second.number, second.beside, second.lanes) == (5, (Work("c", 4.0),), 2)


def test_a_task_takes_over_the_progress_of_what_is_all_its_work() -> None:
    told: list[Event] = []
    outer = Task(told.append, "kernel-base", "base kernel", None)
    for event in (Started("build", "build 6.1", 10), Progress("build", 3, 10, "a.o"), Note("hm")):
        outer.absorb(event)
    outer.absorb(Finished("build", "build 6.1", "done", 1.0))
    assert told == [
        Progress("kernel-base", 0, 10, "build 6.1"),
        Progress("kernel-base", 3, 10, "a.o"),
        Note("hm"),
    ]
