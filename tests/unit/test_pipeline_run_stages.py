# SPDX-License-Identifier: GPL-2.0-only
"""The stages that a run tells of, from analysis to blame, with a bench and guests of straw."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.analysis.model import Analysis
from harness.deadline import Deadline
from harness.events import Ahead, Event, Finished, Started, Work, task
from harness.pipeline import run as room
from harness.pipeline.bench import Bench, Request
from harness.pipeline.cells import Machines, ThisMachine
from harness.pipeline.life import CellJob
from harness.pipeline.model import Case, Cell, Run
from harness.pipeline.plan import Plan
from harness.pipeline.run import WORKLOADS, Surroundings, execute_on
from harness.pipeline.stages import RUN
from harness.report.timeleft import TimeLeft
from harness.tree.model import Version
from harness.verdict import Verdict
from harness.workloads.catalogue import choose
from tests.unit.night_sample import Publisher


def _bench(listener: Callable[[Event], None]) -> Bench:
    def kernel(_patches: int, name: str, _profile: str) -> SimpleNamespace:
        with task(listener, f"kernel-{name}", f"{name} kernel"):
            return SimpleNamespace(
                release="6.1", key="k", cached=True, seconds=9.0, image=Path("/k"), warnings=(), name=name
            )

    found = SimpleNamespace(
        tree=SimpleNamespace(
            name="linux", version=Version(6, 1, 0, text="6.1.0"), origin="o", fingerprint="f", revision=""
        ),
        series=SimpleNamespace(name="s", patches=()),
        applied=SimpleNamespace(landings=(), patches=()),
        mended=(),
        machine={},
        profiles={"plain": SimpleNamespace(name="plain", slow=1.0, sees=(), misses=())},
        expected_seconds=lambda _patches, _profile: 9.0,
        kernel=kernel,
        image=lambda: None,
        accel=lambda _kernel, _image, _directory: SimpleNamespace(name="tcg", why=""),
        analysis=Analysis,
    )
    return cast("Bench", found)


class _Jobs:
    """In place of Jobs: two workloads of 7 seconds each."""

    def __init__(self, **_more: object) -> None:
        """Nothing is needed."""

    def job(self, _built: object, iface: str, name: str) -> SimpleNamespace:
        return SimpleNamespace(
            name=name, iface=iface, workloads=("a", "b"), seconds=lambda _one: 7.0,
            load=SimpleNamespace(slow=1.0), spec=SimpleNamespace(cpus=1, memory_mb=1),
        )  # fmt: skip


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Event, float | None]]:
    """What a run of the base told, with the time left after each."""
    heard: list[tuple[Event, float | None]] = []
    left = TimeLeft(lambda: 0.0)

    def listen(event: Event) -> None:
        left(event)
        heard.append((event, left.left(RUN)))

    def cells(
        jobs: Sequence[CellJob], _machines: Machines, *, on_cell: Callable[[Cell], None], **_more: object
    ) -> tuple[Cell, ...]:
        made = []
        for job in jobs:
            with task(listen, job.name, job.name):
                case = Case(name="boot", verdict=Verdict.PASS, reason="well")
                made.append(
                    Cell(name=job.name, kernel="base", iface=job.iface, verdict=Verdict.PASS, cases=(case,))
                )
            on_cell(made[-1])
        return tuple(made)

    monkeypatch.setattr(room, "Jobs", _Jobs)
    monkeypatch.setattr(room, "run_cells", cells)
    monkeypatch.setattr(ThisMachine, "room", lambda _self, _cpus, _memory: 2)
    monkeypatch.setattr(room, "repeat", lambda *_words: ())
    plan = Plan(name="p", seconds=7.0, symbols=False)
    request = Request(plan=plan, plan_path=tmp_path, results=tmp_path, cache=tmp_path, jobs=1)
    around = Surroundings(
        listener=listen, deadline=Deadline.never(), cancelled=threading.Event(), publisher=Publisher()
    )
    with task(listen, RUN, "run p"):
        run: Run = execute_on(_bench(listen), request, around, choose(WORKLOADS, ("anon", "file"), "test"))
    assert run.verdict is Verdict.PASS
    return heard


def test_each_stage_is_told_with_what_is_ahead(told: list[tuple[Event, float | None]]) -> None:
    ahead = [event for event, _left in told if isinstance(event, Ahead)]
    assert [(one.stage, one.number) for one in ahead] == [("build", 4), ("cells", 5), ("judge", 6)]
    assert ahead[0].in_turn == (Work("kernel-base", 9.0),)
    assert {one.task for one in ahead[0].beside} == {"base-v1", "base-v2"}
    assert ahead[1].in_turn == ()
    assert ahead[1].beside == (Work("base-v1", 21.0), Work("base-v2", 21.0))
    assert ahead[1].lanes == 2


def test_the_time_left_falls_to_nothing(told: list[tuple[Event, float | None]]) -> None:
    seen = {
        "before": next(left for event, left in told if isinstance(event, Ahead)),
        "built": next(left for event, left in told if isinstance(event, Finished)),
        "cells": next(left for event, left in told if isinstance(event, Started) and event.task == "base-v1"),
        "ended": next(
            left for event, left in told if isinstance(event, Finished) and event.task == "base-v2"
        ),
    }
    assert seen == {"before": 9 + 21, "built": 21, "cells": 21, "ended": 0}
