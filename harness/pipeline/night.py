# SPDX-License-Identifier: GPL-2.0-only
"""A night under way: entries run, longest first, held against the nights before; what is new is bisected."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from msgspec.structs import replace

from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import Listener, Task, Work, silent, task, within
from harness.files import locked, make_directory
from harness.pipeline.bench import Request
from harness.pipeline.bisect import BISECTION
from harness.pipeline.cells import room
from harness.pipeline.night_cases import judged, plan_digest, to_bisect, whole
from harness.pipeline.night_entry import Bisect, Execute, Told, bisect_entry, request_for, run_entry
from harness.pipeline.night_model import Bisected, CaseName, Change, Entry, Judged, Night, Outcome
from harness.pipeline.night_order import copy_of, following, in_order, lanes_for, why_no_time
from harness.pipeline.night_plan import NightPlan, budget_seconds
from harness.pipeline.night_sum import TOLD, sum_up
from harness.pipeline.run import Surroundings, execute
from harness.pipeline.stages import RUN
from harness.pipeline.standing import Seen, stand
from harness.verdict import Verdict

LOCK = ".night.lock"
NIGHT = "night"
"""the task that it is"""
_POLL = 0.5


class Chronicle(Protocol):
    """Whoever knows the nights before; asked and told from one thread only."""

    def begin(self, night: Night) -> None:
        """*night* begins, or goes on."""

    def end(self, night: Night) -> None:
        """*night* is over."""

    def record(
        self, night: str, entry: Entry, outcome: Outcome, plan_digest: str, cases: Sequence[Judged]
    ) -> None:
        """Keep what *entry* came to, in place of what is known of it in *night* already."""

    def seconds(self) -> Mapping[str, float]:
        """How long each entry took when it was last run, by its name."""

    def seen(self, case: CaseName) -> Sequence[Seen]:
        """*case* in each night that had it, oldest first, the one that is recorded now included."""


@dataclass(frozen=True)
class NightAround:
    """What a night is given by whoever started it."""

    surroundings: Callable[[str], Surroundings]
    """for each run anew, with the name of its entry"""
    publish: Callable[[Path, Night], object]
    """told of all that is known, after each entry, with the night's directory"""
    chronicle: Chronicle
    bisect: Callable[[str, Callable[[Path], None]], Bisect]
    """of an entry, by name; it tells of a bisection's directory as soon as there is one"""
    cancel: Callable[[], object]
    """ends the guests of all runs that were given surroundings"""
    sweep: Callable[[Night], tuple[str, ...]]
    """throws away what ``keep`` does not keep, and says what that was"""
    listener: Listener = silent
    """told how far the night is; of each entry those are told that ``surroundings`` bring"""
    execute: Execute = execute
    room: Callable[[int, int], int] = room
    clock: Callable[[], float] = time.monotonic


@contextmanager
def alone(results: Path) -> Iterator[None]:
    """Hold *results* for the only night on it. InfraError, at once, where another one is under way."""
    make_directory(results, "the results directory")
    with locked(results / LOCK, Deadline.after(0.0), f"a night is under way; {results}"):
        yield


def begin(
    plan: NightPlan, path: Path, entries: Sequence[Entry], site: Request, around: NightAround
) -> tuple[Night, Path]:
    """Run the *entries* of *plan*, which was read from *path*; what came of it, and its directory.

    *site* has the results directory, the cache and make's -j, which entries side by side share; each entry
    has its own plan. To be called by whoever holds the results directory (:func:`alone`).
    """
    now = datetime.now(UTC).astimezone()
    directory = _new_directory(site.results.resolve(), f"{now:%Y%m%d-%H%M%S}-night-{plan.name}")
    night = Night(
        run=directory.name,
        name=plan.name,
        plan_path=str(path.resolve()),
        started=now.isoformat(timespec="seconds"),
        budget=budget_seconds(plan, path),
        keep=plan.keep,
        bisect=plan.bisect == "on-new-failure",
        confidence=plan.confidence,
        window=plan.window,
        force=site.force,
        lanes=lanes_for(entries, around.room),
        entries=in_order(entries, around.chronicle.seconds()),
    )
    return _Night(night, directory, site, around).go(), directory


def resume(night: Night, directory: Path, site: Request, around: NightAround) -> Night:
    """Go on with *night*, which *directory* has; one that is finished is given back as it is."""
    return night if night.finished else _Night(night, directory, site, around).go()


Then = Callable[[], None]
"""what is to be done in the thread of the night with what a lane brought"""


class _Night:
    """One night under way; ``known`` is all that it knows. Lanes only run: history is this thread's."""

    def __init__(self, night: Night, directory: Path, site: Request, around: NightAround) -> None:
        self._directory = directory
        self._site = replace(site, jobs=max(1, site.jobs // night.lanes))
        self._around = around
        self._before = night.seconds
        self._began = around.clock()
        self._took = around.chronicle.seconds()
        self._lock = threading.Lock()
        self.known = night
        done = {outcome.entry: outcome for outcome in night.outcomes}
        self._waiting = [entry for entry in night.entries if entry.name not in done]
        self._to_bisect = [entry for entry in night.entries if _pending(done.get(entry.name))]

    def go(self) -> Night:
        """Run what is not run yet."""
        self._around.chronicle.begin(self.known)
        self._know()
        lanes = self.known.lanes
        with task(self._around.listener, NIGHT, f"night {self.known.name}") as overall:
            with ThreadPoolExecutor(lanes, "night") if lanes > 1 else _Here() as pool:
                try:
                    self._run_all(pool, overall)
                except BaseException:
                    self._around.cancel()
                    raise
            self._end()
            overall.outcome = str(self.known.verdict)
        return self.known

    def _run_all(self, pool: Executor, overall: Task) -> None:
        lanes = self.known.lanes
        under_way: dict[Future[Then], Entry] = {}
        while True:
            while len(under_way) < lanes:
                job = self._next({copy_of(entry.plan) for entry in under_way.values()})
                if job is None:
                    break
                self._say_ahead(overall, [*under_way.values(), job[0]])
                under_way[pool.submit(job[1])] = job[0]
            if not under_way:
                return
            done, _rest = wait(under_way, timeout=_POLL, return_when=FIRST_COMPLETED)
            for future in done:
                del under_way[future]
                future.result()()

    def _say_ahead(self, overall: Task, begun: Sequence[Entry]) -> None:
        """Tell how far the night is. How long a bisection takes, nobody knows."""
        ended = {outcome.entry for outcome in self.known.outcomes}
        work = [
            Work(within(entry.name, BISECTION), None)
            if entry.name in ended
            else Work(within(entry.name, RUN), self._took.get(entry.name))
            for entry in (*begun, *self._to_bisect, *self._waiting)
        ]
        number = min(len(ended) + 1, len(self.known.entries))
        overall.ahead("entries", number, len(self.known.entries), beside=work, lanes=self.known.lanes)

    def _next(self, busy: set[str]) -> tuple[Entry, Callable[[], Then]] | None:
        """What to begin now. What there is no time for is left out here, and said to be."""
        while (entry := following(self._to_bisect, busy)) is not None:
            self._to_bisect.remove(entry)
            why = why_no_time(self.known.budget, self._spent(), None)
            if not why:
                return entry, partial(self._bisect, entry)
            self._bisected(entry, replace(self._known_bisected(entry), finished=True, reason=why))
        while (entry := following(self._waiting, busy)) is not None:
            self._waiting.remove(entry)
            why = why_no_time(self.known.budget, self._spent(), self._took.get(entry.name))
            if not why:
                return entry, partial(self._run, entry)
            self._add(Outcome(entry=entry.name, verdict=Verdict.SKIP, reason=why))
        return None

    def _run(self, entry: Entry) -> Then:
        """Run *entry*, in a lane."""
        around = self._around.surroundings(entry.name)
        where = self._directory / entry.directory
        told = run_entry(entry, where, self._site, around, self._around.execute)
        return partial(self._told, entry, told)

    def _told(self, entry: Entry, told: Told) -> None:
        """Put what *entry* came to into history, hold it against the nights before, and keep it."""
        outcome = told.outcome
        cases = judged(entry, told.run) if told.run else (whole(entry, outcome.verdict, outcome.reason),)
        self._around.chronicle.record(self.known.run, entry, outcome, plan_digest(entry.plan), cases)
        changes = [change for one in cases if (change := self._change(one)) is not None]
        outcome = replace(outcome, changes=tuple(changes))
        if self.known.bisect and told.run is not None:
            case = to_bisect(entry, told.run, changes)
            if case is not None:
                outcome = replace(outcome, bisected=Bisected(case=case))
                self._to_bisect.append(entry)
        self._add(outcome)

    def _change(self, one: Judged) -> Change | None:
        """*one* against the nights before; None where it passes as it did, or tells nothing."""
        known = stand(self._around.chronicle.seen(one.case), self.known.window)
        if known.standing not in TOLD:
            return None
        return Change(case=one.case, verdict=one.verdict, reason=one.reason, stand=known)

    def _bisect(self, entry: Entry) -> Then:
        """Bisect what is new in *entry*, in a lane."""
        known = self._known_bisected(entry)
        where = self._directory / entry.directory

        def placed(directory: Path) -> None:
            name = str(directory.relative_to(self._directory))
            self._bisected(entry, replace(known, directory=name))

        done = bisect_entry(
            request_for(entry, where, self._site),
            known,
            self.known.confidence,
            self._directory,
            self._around.bisect(entry.name, placed),
        )
        return partial(self._bisected, entry, done)

    def _known_bisected(self, entry: Entry) -> Bisected:
        found = next(one.bisected for one in self.known.outcomes if one.entry == entry.name)
        assert found is not None  # noqa: S101 -- only entries with one are queued
        return found

    def _bisected(self, entry: Entry, known: Bisected) -> None:
        """Keep what is known of the bisection in *entry*."""
        with self._lock:
            outcomes = [
                replace(one, bisected=known) if one.entry == entry.name else one
                for one in self.known.outcomes
            ]
            self._publish(outcomes=tuple(outcomes))

    def _end(self) -> None:
        verdict, reason = sum_up(self.known)
        removed = (*self.known.removed, *self._around.sweep(self.known))
        now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        ended = replace(self.known, verdict=verdict, reason=reason, finished=now)
        self._around.chronicle.end(ended)
        self._know(verdict=verdict, reason=reason, removed=removed, finished=now)

    def _spent(self) -> float:
        return self._before + self._around.clock() - self._began

    def _add(self, outcome: Outcome) -> None:
        with self._lock:
            self._publish(outcomes=(*self.known.outcomes, outcome))

    def _know(self, **news: object) -> None:
        with self._lock:
            self._publish(**news)

    def _publish(self, **news: object) -> None:
        self.known = replace(self.known, seconds=self._spent(), **news)
        self._around.publish(self._directory, self.known)


class _Here(Executor):
    """One lane, which is the thread of the night itself: an interrupt ends what runs at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call *fn* now."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _pending(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.bisected is not None and not outcome.bisected.finished


def _new_directory(results: Path, stem: str) -> Path:
    for name in (stem, *(f"{stem}-{n}" for n in range(2, 100))):
        try:
            (results / name).mkdir()
        except FileExistsError:
            continue
        return results / name
    raise UserError(f"{results}: too many nights named {stem}; remove some")
