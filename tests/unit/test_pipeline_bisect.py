# SPDX-License-Identifier: GPL-2.0-only
"""A bisection's next step, how sure it is, what counts as the failure that is hunted, and its reports."""

from __future__ import annotations

import io
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.console.model import Report
from harness.errors import InfraError, UserError
from harness.memcg.model import Check
from harness.pipeline.bisect_decide import End, confidence, decide, passes_needed, steps_of, tries_ahead
from harness.pipeline.bisect_model import Bisection, Hunted, Told, Try
from harness.pipeline.bisect_trial import hunted_in, tell
from harness.pipeline.confidence import false_good, passes_for, rate
from harness.pipeline.halving import middle, most_trials
from harness.pipeline.model import Case, Cell, Command
from harness.pipeline.plan import Plan
from harness.report.bisect import bisection_answer, read_bisection, render_bisection, write_bisection
from harness.tree.lineage import hunk_at
from harness.verdict import Verdict

Oracle = Callable[[int], Told]


def _known(total: int, wanted: float = 0.95) -> Bisection:
    hunted = Hunted(profile="plain", iface="v1", case="anon", signs=("usage-at-rest",), reason="9 above")
    known = Bisection(
        run="r", plan=Plan(name="p"), plan_path="/p.yaml", tree="t", tree_origin="o", tree_fingerprint="f",
        series="s", series_digest="d", subjects=tuple(f"patch {n + 1}" for n in range(total)),
        wanted=wanted, started="now", hunted=hunted,
    )  # fmt: skip
    return _tried(known, total, Told.BAD)


def _tried(known: Bisection, number: int, told: Told) -> Bisection:
    directory = "" if told is Told.SKIP else f"{number}"
    one = Try(number=number, told=told, reason=f"{told}", seconds=1.0, directory=directory)
    return replace(known, tries=(*known.tries, one))


def _go(known: Bisection, oracle: Oracle) -> tuple[End, Bisection]:
    while not isinstance(ahead := decide(known), End):
        assert len(known.tries) < 500, "it does not end"
        known = _tried(known, ahead.number, oracle(ahead.number))
    return ahead, known


def test_about_how_many_tries_are_ahead() -> None:
    for total in (1, 2, 8, 40):
        known, ahead = _known(total), []
        while not isinstance(decide(known), End):
            tries, builds = tries_ahead(known)
            ahead.append(tries)
            assert 0 <= builds <= most_trials(total) + 1
            number = decide(known).number  # type: ignore[union-attr]
            known = _tried(known, number, Told.BAD if number >= (total + 1) // 2 else Told.GOOD)
        assert min(ahead) >= 1
        assert ahead[0] > ahead[-1] or len(ahead) == 1
        off = [said - left for said, left in zip(ahead, range(len(ahead), 0, -1), strict=True)]
        assert max(map(abs, off)) <= passes_needed(known) * max(1, most_trials(total)), (total, off)


@pytest.mark.parametrize("total", [1, 2, 3, 8, 13])
def test_every_culprit_is_found_after_both_ends_were_tried(total: int) -> None:
    for culprit in range(1, total + 1):

        def oracle(number: int, bad: int = culprit) -> Told:
            return Told.BAD if number >= bad else Told.GOOD

        end, known = _go(_known(total), oracle)
        assert end.first_bad == culprit
        assert {one.number for one in known.tries} >= {0, total}
        between = {one.number for one in known.tries} - {0, total}
        assert len(between) <= most_trials(total)
        assert confidence(known) >= known.wanted


def test_a_base_that_fails_too_is_said_and_nothing_else_tried() -> None:
    end, known = _go(_known(8), lambda _number: Told.BAD)
    assert end.first_bad is None
    assert "the base fails too" in end.reason
    assert {one.number for one in known.tries} == {0, 8}


def test_a_base_that_cannot_be_judged_is_the_end() -> None:
    end, _known_all = _go(_known(8), lambda number: Told.SKIP if number == 0 else Told.BAD)
    assert (end.verdict, end.first_bad) == (Verdict.BROKEN, None)


def test_what_does_not_build_is_gone_around() -> None:
    broken = {4, 5}

    def oracle(number: int) -> Told:
        if number in broken:
            return Told.SKIP
        return Told.BAD if number >= 7 else Told.GOOD

    end, known = _go(_known(8), oracle)
    assert end.first_bad == 7
    assert {one.tries for one in steps_of(known) if one.number in broken} == {1}


def test_a_culprit_hidden_by_what_cannot_be_judged_is_one_of_some() -> None:
    def oracle(number: int) -> Told:
        if number in (3, 4, 5):
            return Told.OTHER
        return Told.BAD if number >= 4 else Told.GOOD

    end, _known_all = _go(_known(8), oracle)
    assert end.first_bad is None
    assert end.candidates == (3, 4, 5, 6)


def test_another_crash_is_tried_again_before_the_prefix_is_skipped() -> None:
    seen: dict[int, int] = {}

    def oracle(number: int) -> Told:
        seen[number] = seen.get(number, 0) + 1
        if number == 4 and seen[number] == 1:
            return Told.OTHER
        return Told.BAD if number >= 4 else Told.GOOD

    end, _known_all = _go(_known(8), oracle)
    assert end.first_bad == 4


def test_a_whole_series_that_cannot_be_judged_any_more_does_not_go_on_for_ever() -> None:
    end, _known_all = _go(_known(2), lambda number: Told.GOOD if number < 2 else Told.SKIP)
    assert isinstance(end, End)


@pytest.mark.parametrize("p", [1.0, 0.6])
def test_a_flaky_failure_is_found_as_surely_as_was_asked(p: float) -> None:
    """With the rate known only from a few tries some are wrong; not more than one in ten here."""
    wrong = 0
    for seed in range(200):
        rng = random.Random(seed)  # noqa: S311 -- repeatable, nothing secret
        culprit = rng.randrange(1, 9)

        def oracle(number: int, bad: int = culprit, rng: random.Random = rng) -> Told:
            return Told.BAD if number >= bad and rng.random() < p else Told.GOOD

        end, known = _go(_known(8), oracle)
        assert confidence(known) >= 0.95
        wrong += end.first_bad != culprit
    assert wrong <= (0 if p == 1.0 else 20)


def test_the_rate_is_never_taken_for_certain() -> None:
    assert rate(3, 3) == 0.8
    assert false_good(0.8, 2) == pytest.approx(0.04)
    assert passes_for(0.8, 0.04) == 2
    assert passes_for(0.8, 0.9) == 1


def test_the_middle_keeps_off_what_is_skipped() -> None:
    assert middle(0, 8) == 4
    assert middle(0, 8, {4}) in (3, 5)
    assert middle(0, 2, {1}) is None
    assert middle(3, 4) is None


_CHECK = Check(
    name="usage-at-rest", kept=False, measured=9, expected=0, tolerance=1, unit="bytes", terms="1", says="9"
)


def _report(title: str, kind: str = "bug", function: str = "", fingerprint: str = "") -> Report:
    return Report(title=title, kind=kind, severity="fatal", function=function, fingerprint=fingerprint)


def _cell(*cases: Case) -> Cell:
    return Cell(name="04-1", kernel="04-1", iface="v1", profile="plain", verdict=Verdict.PASS, cases=cases)


def _failed(*reports: Report, checks: tuple[Check, ...] = (), name: str = "anon") -> Case:
    return Case(name=name, verdict=Verdict.FAIL, reason="why", reports=reports, checks=checks)


_BOOT = Case(name="boot", verdict=Verdict.PASS, reason="ready")
_CRASH = hunted_in(
    _cell(), _failed(_report("kernel BUG in f", function="f", fingerprint="1"), checks=(_CHECK,))
)
_DRIFT = hunted_in(_cell(), _failed(checks=(_CHECK,)))


@pytest.mark.parametrize(
    ("hunted", "cell", "told"),
    [
        (_CRASH, _cell(_BOOT, _failed(_report("kernel BUG in f", fingerprint="1"))), Told.BAD),
        (_CRASH, _cell(_failed(_report("kernel BUG at mm/x.c:9!", function="f"), name="boot")), Told.BAD),
        (
            _CRASH,
            _cell(_BOOT, _failed(_report("kernel BUG in g", function="g"), checks=(_CHECK,))),
            Told.OTHER,
        ),
        (_CRASH, _cell(_BOOT, _failed(checks=(_CHECK,))), Told.BAD),
        (_DRIFT, _cell(_BOOT, _failed(checks=(_CHECK,))), Told.BAD),
        (_DRIFT, _cell(_BOOT, _failed(_report("kernel BUG in f"), checks=(_CHECK,))), Told.OTHER),
        (_DRIFT, _cell(_BOOT, Case(name="anon", verdict=Verdict.PASS, reason="kept")), Told.GOOD),
        (_DRIFT, _cell(_BOOT, Case(name="anon", verdict=Verdict.BROKEN, reason="short")), Told.SKIP),
        (_DRIFT, _cell(_BOOT), Told.SKIP),
    ],
)
def test_only_the_hunted_failure_is_bad(hunted: Hunted, cell: Cell, told: Told) -> None:
    assert tell(cell, hunted)[0] is told


def test_what_the_machine_spoils_tells_nothing() -> None:
    with pytest.raises(InfraError):
        tell(_cell(Case(name="boot", verdict=Verdict.INFRA, reason="no QEMU")), _DRIFT)


def test_the_hunk_that_has_the_line() -> None:
    before = "".join(f"line {n}\n" for n in range(1, 41)).encode()
    after = before.replace(b"line 5\n", b"line 5\nnew\n").replace(b"line 30\n", b"other\n")
    assert "+other" in hunk_at(before, after, "mm/x.c", 31)
    assert "+new" in hunk_at(before, after, "mm/x.c", 6)
    assert hunk_at(before, after, "mm/x.c", 18) == ""
    assert hunk_at(None, b"a\n", "mm/x.c", 1).startswith("@@ -0,0 +1")


def _ended() -> Bisection:
    end, known = _go(_known(4), lambda number: Told.BAD if number >= 3 else Told.GOOD)
    return replace(
        known, first_bad=end.first_bad, reason=end.reason, verdict=end.verdict, confidence=confidence(known),
        hunk="@@ -1 +1 @@\n-a\n+\x1b[2Jb\n", finished="then",
        commands=(Command(step="the first 2 patches: good", command="false"),
                  Command(step="the first 3 patches: bad", command="echo second")),
    )  # fmt: skip


def test_the_answer_keeps_the_command_contract(tmp_path: Path) -> None:
    answer = bisection_answer(_ended(), tmp_path)
    assert answer["first_bad"] == {"number": 3, "subject": "patch 3"}
    assert [one["number"] for one in answer["steps"]][:2] == [4, 0]
    assert 0.95 <= answer["confidence"] <= 1.0
    msgspec.json.encode(answer)


def test_what_is_kept_is_read_again_and_can_be_gone_on_with(tmp_path: Path) -> None:
    known = _tried(_known(4), 4, Told.BAD)
    write_bisection(tmp_path, known)
    assert read_bisection(tmp_path) == known
    assert decide(read_bisection(tmp_path)) == decide(known)


@pytest.mark.parametrize("data", [None, b"{", b"{}", b"\xff"])
def test_what_is_damaged_is_refused_in_one_line(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "bisect.json").write_bytes(data)
    with pytest.raises(UserError, match=r"bisect\.json"):
        read_bisection(tmp_path)


def test_the_script_runs_both_steps(tmp_path: Path) -> None:
    write_bisection(tmp_path, _ended())
    done = subprocess.run([tmp_path / "repeat.sh"], capture_output=True, text=True, check=False)
    assert "second" in done.stdout


def test_the_terminal_has_the_answer_and_is_not_moved_by_the_patch(tmp_path: Path) -> None:
    out = io.StringIO()
    render_bisection(_ended(), Console(file=out, width=120))
    text = out.getvalue()
    assert "patch 3/4 is the first bad one" in text
    assert "\x1b[2J" not in text
    assert "confidence" in text
