# SPDX-License-Identifier: GPL-2.0-only
"""Cases of test programs: what each ending means, and what is excused."""

from __future__ import annotations

import pytest

from harness.console.endings import Machine
from harness.console.model import Report
from harness.guest.ssh import Ended
from harness.pipeline.judge_ending import Afterwards
from harness.pipeline.judge_program import Heard, judge_program
from harness.pipeline.model import Case
from harness.verdict import Verdict
from harness.workloads.catalogue import Needs
from harness.workloads.program import Program, tells_of
from harness.workloads.runner import Delivered
from harness.workloads.selftests import Known, Selftest

_KTAP = Program(
    name="selftests-cgroup.test_a",
    test=Selftest(
        name="test_a",
        sources=("test_a.c",),
        seconds=30,
        needs=Needs(since="4.18"),
        known=(Known(test="flaps", since="6.1", until="6.1", why="it waits too short"),),
    ),
)
_PLAIN = Program(
    name="selftests-mm.test_b",
    test=Selftest(name="test_b", sources=("test_b.c",), seconds=30, ktap=False),
)
_WARNING = Report(
    title="WARNING in uncharge_folio",
    kind="warning",
    severity="bad",
    offset=0,
    text="x",
)


def _judge(
    program: Program,
    *lines: str,
    ended: Ended = Ended(0),  # noqa: B008 -- a frozen value
    reports: tuple[Report, ...] = (),
    alive: bool = True,
    crashed: str = "",
    kernel: tuple[int, ...] = (6, 1, 192),
) -> tuple[Case, ...]:
    delivered = Delivered(tuple(line.encode() for line in lines), ended, 3.0)
    after = Afterwards(Machine(runs=alive, answers=alive), crashed=crashed)
    heard = Heard(delivered=delivered, started="", reports=reports, after=after, output="o")
    return judge_program(program, heard, kernel)


def test_each_test_is_a_case() -> None:
    own, first, second, third = _judge(
        _KTAP, "1..3", "ok 1 a", "not ok 2 b", "ok 3 c # SKIP no swap", ended=Ended(1)
    )
    assert (own.name, own.verdict) == ("selftests-cgroup.test_a", Verdict.PASS)
    assert own.reason == "ran to its end: 1 pass, 1 fail, 1 skip"
    assert own.facts == {"output": "o"}
    assert (first.name, first.verdict) == ("selftests-cgroup.test_a.a", Verdict.PASS)
    assert (second.name, second.verdict, second.reason) == (
        "selftests-cgroup.test_a.b",
        Verdict.FAIL,
        "not ok",
    )
    assert (third.verdict, third.reason) == (Verdict.SKIP, "skipped by the test itself: no swap")


@pytest.mark.parametrize(
    ("lines", "ended", "verdict", "reason"),
    [
        (("ok 1 a",), Ended(0), Verdict.PASS, "1 pass"),
        ((), Ended(0), Verdict.BROKEN, "told of no test"),
        (("1..2", "ok 1 a"), Ended(0), Verdict.BROKEN, "1 tests have no result"),
        (("ok 1 a",), Ended(1), Verdict.FAIL, "though none of its tests fails"),
        (("ok 1 a",), Ended(127), Verdict.BROKEN, "ended with 127"),
        (("ok 1 a",), Ended(139), Verdict.FAIL, "killed by SIGSEGV"),
        (("ok 1 a",), Ended(137), Verdict.BROKEN, "killed by SIGKILL"),
        (("1..0 # SKIP no cgroup v2",), Ended(4), Verdict.SKIP, "no cgroup v2"),
        (("needs root",), Ended(4), Verdict.SKIP, "needs root"),
        (("Bail out! no memory",), Ended(1), Verdict.BROKEN, "gave up: no memory"),
        (("ok 1 a",), Ended(None, "timed out"), Verdict.FAIL, "no end after 3 s"),
        (("ok 1 a",), Ended(None, "connection lost"), Verdict.INFRA, "cut off"),
    ],
)
def test_how_a_program_ended(lines: tuple[str, ...], ended: Ended, verdict: Verdict, reason: str) -> None:
    own = _judge(_KTAP, *lines, ended=ended)[0]
    assert own.verdict is verdict
    assert reason in own.reason


def test_a_guest_that_died_and_a_qemu_that_died() -> None:
    gone = Ended(None, "guest died")
    own = _judge(_KTAP, ended=gone, alive=False)[0]
    assert (own.verdict, own.ending, own.reason) == (
        Verdict.FAIL,
        "rebooted",
        "the guest rebooted without a word",
    )
    assert _judge(_KTAP, ended=gone, alive=False, crashed="QEMU ended with -9")[0].verdict is Verdict.INFRA


def test_a_program_that_hangs() -> None:
    own = _judge(_KTAP, ended=Ended(None, "timed out"))[0]
    assert (own.verdict, own.ending) == (Verdict.FAIL, "hung")
    assert own.reason == "no end after 3 s: hung; the guest still answers"


def test_the_console_speaks_first() -> None:
    own, test = _judge(_KTAP, "ok 1 a", reports=(_WARNING,))
    assert (own.verdict, own.reason) == (Verdict.FAIL, "WARNING in uncharge_folio")
    assert own.reports == (_WARNING,)
    assert test.verdict is Verdict.PASS


def test_what_is_known_to_say_nothing_is_skipped_where_it_is_known() -> None:
    assert _judge(_KTAP, "ok 1 flaps")[1].verdict is Verdict.PASS
    known = _judge(_KTAP, "not ok 1 flaps", ended=Ended(1))[1]
    assert (known.verdict, known.reason) == (
        Verdict.SKIP,
        "not ok, which says nothing here: it waits too short",
    )
    assert _judge(_KTAP, "not ok 1 flaps", ended=Ended(1), kernel=(6, 6, 0))[1].verdict is Verdict.FAIL
    assert _judge(_KTAP, "not ok 1 other", ended=Ended(1))[1].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("directive", "verdict"),
    [
        ("TODO", Verdict.SKIP),
        ("XFAIL", Verdict.SKIP),
        ("TIMEOUT", Verdict.FAIL),
        ("ERROR", Verdict.BROKEN),
    ],
)
def test_directives(directive: str, verdict: Verdict) -> None:
    assert _judge(_KTAP, f"not ok 1 a # {directive} why", ended=Ended(1))[1].verdict is verdict


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (0, Verdict.PASS),
        (1, Verdict.FAIL),
        (2, Verdict.SKIP),
        (3, Verdict.PASS),
        (4, Verdict.SKIP),
        (5, Verdict.FAIL),
        (127, Verdict.BROKEN),
        (255, Verdict.FAIL),
    ],
)
def test_the_exit_code_of_a_program_without_tests(code: int, verdict: Verdict) -> None:
    (own,) = _judge(_PLAIN, "ok 1 is not asked", "\x1b[31mbad", ended=Ended(code))
    assert own.verdict is verdict
    assert own.reason.isprintable()


def test_which_row_a_case_is_of() -> None:
    assert tells_of(_KTAP, "selftests-cgroup.test_a")
    assert tells_of(_KTAP, "selftests-cgroup.test_a.b")
    assert not tells_of(_KTAP, "selftests-cgroup.test_ab")


def test_what_a_program_told_is_kept_beside_its_console() -> None:
    (own,) = _judge(_PLAIN, ended=Ended(1), reports=(_WARNING,))
    assert own.verdict is Verdict.FAIL
    assert [one.reason for one in own.said] == ["ended with 1: "]
    assert _judge(_PLAIN)[0].said == ()
