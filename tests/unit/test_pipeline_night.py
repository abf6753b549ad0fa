# SPDX-License-Identifier: GPL-2.0-only
"""A night: its order, bad entries, budget, cuts, two at once, retention, bisections."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.errors import InfraError, UserError
from harness.events import Ahead, Event, Finished
from harness.pipeline.bench import Request
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.model import Run
from harness.pipeline.night import alone, begin, resume
from harness.pipeline.night_keep import Leaf, surplus
from harness.pipeline.night_model import Entry, Keep, Night
from harness.pipeline.night_order import following, in_order, lanes_for, why_no_time
from harness.pipeline.night_plan import NightPlan
from harness.pipeline.night_sum import changes_of, night_code
from harness.pipeline.night_sweep import sweep
from harness.pipeline.plan import Plan, load_plan
from harness.pipeline.standing import Standing
from harness.report.history import History, open_history
from harness.report.night import read_night, write_night
from harness.verdict import Verdict
from tests.unit.night_sample import Fake, around, entry, run_of, site

_PLAN = NightPlan(name="n", trees=("debian",), plans=("p.yaml",))
_BISECTING = msgspec.structs.replace(_PLAN, bisect="on-new-failure")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path, new=True) as opened:
        yield opened


def _night(
    tmp_path: Path,
    history: History,
    fake: Callable[..., Run],
    entries: Sequence[Entry],
    plan: NightPlan = _PLAN,
    **more: object,
) -> tuple[Night, Path]:
    return begin(plan, tmp_path / "night.yaml", entries, site(tmp_path), around(history, fake, **more))


def test_a_night_tells_what_it_knows_to_be_ahead(tmp_path: Path, history: History) -> None:
    told: list[Event] = []
    _night(tmp_path, history, Fake(), [entry("a"), entry("b")])
    _night(tmp_path, history, Fake(), [entry("a"), entry("b"), entry("c")], listener=told.append)
    ahead = [event for event in told if isinstance(event, Ahead)]
    assert [(one.task, one.number, one.total) for one in ahead] == [("night", n, 3) for n in (1, 2, 3)]
    names = [[work.task for work in one.beside] for one in ahead]
    assert names[0][0] == "c/none/p/plain: run", "what is not known comes first"
    assert [len(some) for some in names] == [3, 2, 1]
    assert ahead[0].beside[0].seconds is None
    assert all(work.seconds is not None and work.seconds >= 0 for work in ahead[1].beside)
    assert isinstance(told[-1], Finished)
    assert told[-1].outcome == "pass"


def test_the_longest_comes_first_and_what_is_not_known_before_it() -> None:
    entries = [entry("quick"), entry("long"), entry("new")]
    ordered = in_order(entries, {"quick/none/p/plain": 3.0, "long/none/p/plain": 30.0})
    assert [one.tree for one in ordered] == ["new", "long", "quick"]


def test_entries_on_one_tree_never_run_side_by_side() -> None:
    entries = [entry("a", "/r@one"), entry("b", "/r@two"), entry("c", "/other")]
    assert following(entries, {"/r"}) is entries[2]
    assert following(entries[:2], {"/r"}) is None
    assert lanes_for(entries, lambda _cpus, _memory: 9) == 2
    asked: list[tuple[int, int]] = []

    def room(cpus: int, memory: int) -> int:
        asked.append((cpus, memory))
        return 1

    lanes_for([entry("a", series="s")], room)
    assert asked == [(4, 1536)], "base and patched, two CPUs and 768 MB each"


@pytest.mark.parametrize(
    ("end", "verdict", "code"),
    [
        (UserError("no such tree"), Verdict.BROKEN, 2),
        (InfraError("no disk"), Verdict.INFRA, 3),
        (OSError(28, "No space left on device"), Verdict.INFRA, 3),
        (ZeroDivisionError("ours"), Verdict.BROKEN, 1),
        (run_of("r", base=Verdict.FAIL), Verdict.FAIL, 1),
    ],
)
def test_one_bad_entry_never_stops_the_others(
    tmp_path: Path, history: History, end: Run | BaseException, verdict: Verdict, code: int
) -> None:
    fake = Fake(bad=end)
    night, directory = _night(tmp_path, history, fake, [entry("bad"), entry("good")])
    assert fake.asked == ["bad", "good"]
    assert [one.verdict for one in night.outcomes] == [verdict, Verdict.PASS]
    assert (night.verdict, night_code(night)) == (verdict, code)
    assert night.outcomes[0].run == "bad,none,p,plain/run-bad", "what it left is named all the same"
    assert read_night(directory) == night


def test_trees_side_by_side(tmp_path: Path, history: History) -> None:
    meet = threading.Barrier(2, timeout=30)

    def fake(request: Request, _around: object) -> Run:
        meet.wait()
        (request.results / "r").mkdir()
        return run_of("r")

    entries = [entry("a", "/a"), entry("b", "/b")]
    night, _directory = _night(tmp_path, history, fake, entries, room=lambda _cpus, _memory: 2)
    assert (night.lanes, night.verdict) == (2, Verdict.PASS)
    assert len(list(history.cases())) == 4


def test_what_the_budget_leaves_out_is_said(tmp_path: Path, history: History) -> None:
    now = [0.0]

    class Slow(Fake):
        def __call__(self, request: Request, surroundings: Any) -> Run:
            now[0] += 40 * 60
            return super().__call__(request, surroundings)

    plan = msgspec.structs.replace(_PLAN, budget="60 min")
    entries = [entry(name) for name in "abc"]
    night, _directory = _night(tmp_path, history, Slow(), entries, plan, clock=lambda: now[0])
    assert [one.verdict for one in night.outcomes] == [Verdict.PASS, Verdict.PASS, Verdict.SKIP]
    assert "the budget of 60 min was used up" in night.outcomes[2].reason
    assert "1 of 3 entries left out" in night.reason
    assert night.verdict is Verdict.PASS


def test_what_does_not_fit_any_more_is_left_out() -> None:
    assert "it took 20.0 min last, and 10.0 min" in why_no_time(3600, 3000, 1200)
    assert why_no_time(3600, 3000, 500) == ""
    assert why_no_time(0, 1e9, None) == ""


class _PowerLoss(BaseException):
    pass


class _Cut:
    """Lets so many things happen, be it a run, a word to history or night.json; then the power is gone."""

    def __init__(self, history: History, after: int) -> None:
        self._history = history
        self._left = after
        self.fake = Fake(b=UserError("bad"))

    def __getattr__(self, name: str) -> Any:
        if name in ("record", "end", "begin"):
            self._step()
        return getattr(self._history, name)

    def execute(self, request: Request, surroundings: Any) -> Run:
        self._step()
        return self.fake(request, surroundings)

    def publish(self, directory: Path, night: Night) -> None:
        self._step()
        write_night(directory, night)

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _PowerLoss


@pytest.mark.parametrize("cut", range(13))
def test_a_night_goes_on_after_a_cut_at_any_point(tmp_path: Path, history: History, cut: int) -> None:
    shaky = _Cut(history, cut)
    surroundings = around(history, shaky.execute)
    surroundings = dataclasses.replace(surroundings, chronicle=shaky, publish=shaky.publish)
    with pytest.raises(_PowerLoss):
        begin(_PLAN, tmp_path / "n.yaml", [entry(name) for name in "abc"], site(tmp_path), surroundings)
    directory = next(tmp_path.glob("*-night-n"))
    if not (directory / "night.json").is_file():  # nothing is known yet, and nothing was run
        assert shaky.fake.asked == []
        return
    known = read_night(directory)
    for one in directory.glob("*/run-*"):
        one.rename(one.with_name(f"old-{one.name}"))
    again = Fake(b=UserError("bad"))
    night = resume(known, directory, site(tmp_path), around(history, again))
    assert night.finished
    assert sorted(one.entry[0] for one in night.outcomes) == ["a", "b", "c"]
    assert len(again.asked) == 3 - len(known.outcomes), "what was kept is not run again"
    assert all(len(seen) == 1 for _case, seen in history.cases()), "nothing is in history twice"
    assert [one["verdict"] for one in history.nights()] == ["broken"]
    assert resume(night, directory, site(tmp_path), around(history, Fake())) is night


def test_two_nights_at_once_are_refused(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(InfraError, match="a night is under way"), alone(tmp_path):
        pytest.fail("both have it")
    with alone(tmp_path):
        pass


def test_new_still_and_fixed_over_three_nights(tmp_path: Path, history: History) -> None:
    said = []
    for tree, verdict in (("t1", "pass"), ("t2", "fail"), ("t2", "fail"), ("t3", "pass")):
        fake = Fake(a=run_of("r", base=Verdict(verdict), tree=tree))
        night, _directory = _night(tmp_path, history, fake, [entry("a")])
        said.append([change.stand.standing for change in night.outcomes[0].changes])
        if tree == "t2":
            (change,) = changes_of(night, Standing.NEW, Standing.STILL)
            assert change.stand.last_good is not None
            assert change.stand.last_good.tree_fingerprint == "t1"
            assert change.stand.first_bad is not None
            assert change.stand.first_bad.tree_fingerprint == "t2"
    assert said == [[], [Standing.NEW], [Standing.STILL], [Standing.FIXED]]


def _bisection(request: Request) -> Bisection:
    return Bisection(
        run="b", plan=request.plan, plan_path="p", tree="t", tree_origin="o", tree_fingerprint="f",
        series="s", series_digest="d", subjects=("one", "two"), wanted=0.95, started="now", first_bad=2,
        verdict=Verdict.FAIL, reason="patch 2/2 is the first bad one", confidence=0.97, finished="now",
    )  # fmt: skip


def test_a_new_failure_of_a_series_is_bisected_at_once(tmp_path: Path, history: History) -> None:
    asked: list[Request] = []

    def bisecting(_entry: str, placed: Callable[[Path], None]) -> Callable[..., Any]:
        def bisect(request: Request, wanted: float, directory: str) -> tuple[Bisection, Path]:
            asked.append(request)
            assert (wanted, directory) == (0.95, "")
            where = request.results / "1-bisect-p"
            where.mkdir()
            placed(where)
            return _bisection(request), where

        return bisect

    fake = Fake(a=run_of("r", Verdict.FAIL), b=run_of("r", Verdict.FAIL, base=Verdict.FAIL))
    entries = [entry("a", series="/s"), entry("b", series="/s")]
    night, directory = _night(tmp_path, history, fake, entries, _BISECTING, bisect=bisecting)
    (request,) = asked
    assert (request.plan.cells, request.plan.workloads) == (("plain-v1",), ("anon",))
    found = night.outcomes[0].bisected
    assert found is not None
    assert (found.number, found.subject, found.confidence) == (2, "two", 0.97)
    assert (directory / found.directory).is_dir()
    assert str(found.case) == "a/s/p/plain/patched/v1/anon"
    assert night.outcomes[1].bisected is None, "the base fails too"
    again, _directory = _night(tmp_path, history, fake, entries, _BISECTING, bisect=bisecting)
    assert len(asked) == 1, "it is new no more"
    assert again.outcomes[0].bisected is None


def test_a_bisection_that_was_cut_off_goes_on(tmp_path: Path, history: History) -> None:
    def cut(_entry: str, placed: Callable[[Path], None]) -> Callable[..., Any]:
        def bisect(request: Request, _wanted: float, _directory: str) -> tuple[Bisection, Path]:
            placed(request.results / "1-bisect-p")
            raise _PowerLoss

        return bisect

    fake = Fake(a=run_of("r", Verdict.FAIL))
    with pytest.raises(_PowerLoss):
        _night(tmp_path, history, fake, [entry("a", series="/s")], _BISECTING, bisect=cut)
    directory = next(tmp_path.glob("*-night-n"))
    asked: list[str] = []

    def goes_on(_entry: str, _placed: object) -> Callable[..., Any]:
        def bisect(request: Request, _wanted: float, where: str) -> tuple[Bisection, Path]:
            asked.append(where)
            return _bisection(request), Path(where)

        return bisect

    night = resume(read_night(directory), directory, site(tmp_path), around(history, fake, bisect=goes_on))
    assert asked == [str(directory / "a,s,p,plain" / "1-bisect-p")]
    assert fake.asked == ["a"], "the entry itself is not run again"
    assert night.outcomes[0].bisected is not None
    assert night.outcomes[0].bisected.number == 2


def test_a_bisection_that_fails_is_a_reason(tmp_path: Path, history: History) -> None:
    fake = Fake(a=run_of("r", Verdict.FAIL))
    night, _directory = _night(tmp_path, history, fake, [entry("a", series="/s")], _BISECTING)
    assert night.outcomes[0].bisected is not None
    assert night.outcomes[0].bisected.reason == "no bisection here"


def _leaf(path: str, days: float, size: int = 10**9, held: bool = False) -> Leaf:
    return Leaf(path=path, age=days * 86400, size=size, held=held)


def test_what_is_old_or_too_much_goes_oldest_first_but_never_what_is_held() -> None:
    leaves = [
        _leaf("first", 90, held=True),
        _leaf("old", 40),
        _leaf("b", 20),
        _leaf("a", 21),
        _leaf("new", 1),
    ]
    assert [one.path for one in surplus(leaves, Keep(days=30))] == ["old"]
    assert [one.path for one in surplus(leaves, Keep(gigabytes=3))] == ["old", "a"]
    assert [one.path for one in surplus(leaves, Keep())] == []


def test_the_first_failure_and_the_night_itself_stay(tmp_path: Path, history: History) -> None:
    nights = []
    for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.FAIL, Verdict.PASS):
        fake = Fake(a=run_of("r", base=verdict), b=run_of("r"))
        nights.append(_night(tmp_path, history, fake, [entry("a"), entry("b")])[0])
    (tmp_path / "mine").mkdir()
    begun = {night.run: "2020-01-01T00:00:00+00:00" for night in nights}
    last = msgspec.structs.replace(nights[-1], keep=Keep(days=1))
    gone = sweep(tmp_path, last, begun, history.held(10))
    assert f"{nights[1].run}/b,none,p,plain" in gone
    assert (tmp_path / nights[1].run / "a,none,p,plain" / "run-a").is_dir(), "the first failure"
    assert (tmp_path / nights[1].run / "night.json").is_file()
    assert not (tmp_path / nights[0].run).exists(), "nothing was left in it"
    assert not (tmp_path / nights[2].run).exists()
    assert (tmp_path / last.run / "b,none,p,plain").is_dir(), "it is the night that is running"
    assert (tmp_path / "mine").is_dir()
    assert sweep(tmp_path, last, begun, history.held(10)) == ()


def test_the_plan_of_each_entry_is_written_as_it_is_run(tmp_path: Path, history: History) -> None:
    _known, directory = _night(tmp_path, history, Fake(), [entry("a")])
    plan = load_plan(directory / "a,none,p,plain" / "plan.yaml")
    assert plan == msgspec.structs.replace(Plan(name="p"), tree="debian", ifaces=("v1",), workloads=("anon",))
