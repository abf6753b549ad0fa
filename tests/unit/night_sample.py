# SPDX-License-Identifier: GPL-2.0-only
"""Nights without guests: a plan's entries, runs as the pipeline gives them, and a stand-in for execute()."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import HarnessError
from harness.events import silent
from harness.pipeline.bench import Request
from harness.pipeline.model import Case, Cell, Run
from harness.pipeline.night import NightAround
from harness.pipeline.night_model import Entry
from harness.pipeline.plan import Plan
from harness.pipeline.run import Surroundings
from harness.report.history import History
from harness.report.night import write_night
from harness.verdict import Verdict


class Publisher:
    def begin(self, directory: Path) -> None:
        """Nothing."""

    def update(self, run: Run) -> None:
        """Nothing."""


def entry(name: str, tree: str = "debian", series: str = "") -> Entry:
    plan = Plan(name="p", tree=tree, series=series, ifaces=("v1",), workloads=("anon",))
    return Entry(
        tree=name, series="s" if series else "none", plan_name="p", kconfig="plain", plan=plan, origin="p"
    )


def run_of(name: str, patched: Verdict | None = None, base: Verdict = Verdict.PASS, tree: str = "t1") -> Run:
    """A run with one case on each kernel; *patched* None: without a series."""
    verdicts = {"base": base} if patched is None else {"base": base, "patched": patched}
    cells = tuple(
        Cell(
            name=f"{kernel}-v1",
            kernel=kernel,
            iface="v1",
            profile="plain",
            verdict=verdict,
            cases=(Case(name="anon", verdict=verdict, reason=f"{verdict}"),),
        )
        for kernel, verdict in verdicts.items()
    )
    worst = Verdict.FAIL if Verdict.FAIL in verdicts.values() else base
    return Run(
        run=name, verdict=worst, reason=f"{worst}", plan="p", started="", finished="now", cells=cells,
        tree_fingerprint=tree, series_digest="d" if patched is not None else "",
    )  # fmt: skip


class Fake:
    """In place of execute(): what each entry, by its tree's name, comes to; and what was asked for."""

    def __init__(self, **comes_to: Run | BaseException) -> None:
        self.comes_to = comes_to
        self.asked: list[str] = []

    def __call__(self, request: Request, _around: Surroundings) -> Run:
        name = request.results.name.split(",")[0]
        self.asked.append(name)
        (request.results / f"run-{name}").mkdir()
        end = self.comes_to.get(name, run_of(f"run-{name}"))
        if isinstance(end, BaseException):
            raise end
        return msgspec.structs.replace(end, run=f"run-{name}")


def around(history: History, fake: Callable[[Request, Surroundings], Run], **more: object) -> NightAround:
    def surroundings(_entry: str) -> Surroundings:
        return Surroundings(
            listener=silent, deadline=Deadline.never(), cancelled=threading.Event(), publisher=Publisher()
        )

    def no_bisection(*_words: object) -> object:
        raise HarnessError("no bisection here")

    given: dict[str, object] = {
        "bisect": lambda _entry, _placed: no_bisection,
        "room": lambda _cpus, _memory: 1,
        "cancel": lambda: None,
        "sweep": lambda _night: (),
        **more,
    }
    return NightAround(
        surroundings=surroundings,
        publish=write_night,
        chronicle=history,
        execute=fake,
        **given,  # type: ignore[arg-type]
    )


def site(tmp_path: Path) -> Request:
    return Request(
        plan=Plan(name="night"), plan_path=tmp_path, results=tmp_path, cache=tmp_path / "cache", jobs=2
    )
