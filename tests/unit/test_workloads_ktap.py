# SPDX-License-Identifier: GPL-2.0-only
"""KTAP and TAP: recorded outputs, what each directive means, and that nothing makes the reader fall over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.paths import PROJECT
from harness.workloads.ktap import Output, read_ktap

_DATA = PROJECT / "tests" / "data" / "ktap"


def _read(name: str) -> Output:
    return read_ktap((_DATA / name).read_bytes().splitlines())


def _say(*lines: str) -> Output:
    return read_ktap([line.encode() for line in lines])


def _statuses(output: Output) -> dict[str, str]:
    return {result.name: result.status for result in output.results}


def test_a_program_without_a_plan() -> None:
    output = _read("6.1-test_memcontrol.txt")
    assert len(output.results) == 14
    assert (output.planned, output.missing, output.bail, output.skipped) == (None, 0, None, None)
    statuses = _statuses(output)
    assert statuses["test_memcg_max"] == "pass"
    assert statuses["test_memcg_reclaim"] == "fail"
    assert statuses["test_memcg_sock"] == "skip", "its name stands behind the directive"


def test_names_of_many_words_and_expected_failures() -> None:
    output = _read("6.1-mremap_test.txt")
    assert (output.planned, output.missing) == (14, 0)
    statuses = _statuses(output)
    assert statuses["8KB-mremap-Source-PTE-aligned-Destination-PTE-aligned"] == "pass"
    assert statuses["mremap-Source-and-Destination-Regions-Overlapping"] == "xfail"


def test_what_a_forked_child_prints_again_is_told_once() -> None:
    output = _read("6.1-test_kmem-buffered.txt")
    assert [result.status for result in output.results] == ["fail", *["pass"] * 5]


def test_nested_by_white_space() -> None:
    output = _read("nested-ktap.txt")
    assert _statuses(output) == {
        "charge.anon.one-page": "pass",
        "charge.anon": "pass",
        "charge.file": "fail",
        "charge.swap": "skip",
        "charge": "fail",
        "uncharge.anon": "pass",
        "uncharge": "pass",
    }
    assert output.planned == 2
    assert output.missing == 1, "uncharge has two tests and told of one"


def test_nested_by_hashes() -> None:
    output = _read("nested-runner.txt")
    assert _statuses(output) == {
        "selftests-cgroup-test_a.first": "pass",
        "selftests-cgroup-test_a.second": "error",
        "selftests-cgroup-test_a": "fail",
        "selftests-cgroup-test_b": "timeout",
    }
    assert [result.reason for result in output.results] == ["", "no memory", "exit=1", "45 seconds"]
    assert output.missing == 0


def test_tap_14() -> None:
    output = _read("tap14.txt")
    assert _statuses(output) == {
        "outer.inner": "pass",
        "outer.other": "todo",
        "outer": "pass",
        "with-and-2-in-its-name": "pass",
    }
    assert output.bail == "the disk is full"
    assert output.missing == 1


@pytest.mark.parametrize(
    ("line", "name", "status", "reason"),
    [
        ("ok 3 one", "one", "pass", ""),
        ("ok 3 - one", "one", "pass", ""),
        ("ok", "1", "pass", ""),
        ("ok 3", "3", "pass", ""),
        ("not ok 3 one", "one", "fail", ""),
        ("ok 3 one # SKIP no swap", "one", "skip", "no swap"),
        ("ok 3 one # skipped: no swap", "one", "skip", "no swap"),
        ("not ok 3 one # SKIP", "one", "skip", ""),
        ("not ok 3 one # TODO later", "one", "todo", "later"),
        ("ok 3 one # TODO later", "one", "pass", "later"),
        ("not ok 3 one # XFAIL known", "one", "xfail", "known"),
        ("not ok 3 one # TIMEOUT 9 s", "one", "timeout", "9 s"),
        ("not ok 3 # ERROR one", "one", "error", ""),
        ("ok 3 skip_is_a_name", "skip_is_a_name", "pass", ""),
        ("ok 3 issue #12", "issue-12", "pass", ""),
        ("not ok 3 \x1b[31mred\x1b[0m", "31mred-0m", "fail", ""),
    ],
)
def test_one_line(line: str, name: str, status: str, reason: str) -> None:
    (result,) = _say(line).results
    assert (result.name, result.status, result.reason) == (name, status, reason)


@pytest.mark.parametrize(
    "line", ["okay 1", "okey", "not okay 1 x", "# ok, so far", "[ok] x", "look: ok 1", "notok 1", ""]
)
def test_what_is_no_result(line: str) -> None:
    assert _say(line) == Output()


def test_missing_results_are_counted() -> None:
    assert _say("1..3", "ok 1 a", "ok 2 b").missing == 1
    assert _say("ok 1 a", "ok 3 c").missing == 1
    assert _say("1..2").missing == 2
    assert _say("1..2", "ok 1 a", "ok 2 b").missing == 0
    assert _say("ok 1 a", "ok 2 b", "1..2").missing == 0


def test_nothing_to_run_is_said() -> None:
    assert _say("1..0 # SKIP cgroup v2 isn't mounted").skipped == "cgroup v2 isn't mounted"
    assert _say("1..0").skipped == "it has no tests"
    assert _say("1..1 # SKIP", "ok 1 a").skipped is None


def test_of_two_results_the_graver_holds() -> None:
    assert _statuses(_say("ok 1 a", "not ok 1 a", "ok 1 a")) == {"a": "fail"}


def test_tests_of_one_name_are_told_apart() -> None:
    assert set(_statuses(_say("ok 1 a", "not ok 2 a", "ok 3 a"))) == {"a", "a-2", "a-3"}


def test_no_more_than_can_be_shown() -> None:
    output = _say(*(f"ok {number} t" for number in range(1, 2600)))
    assert len(output.results) == 2000
    assert output.cut


_INDENT = st.sampled_from([b"", b"# ", b"  ", b"    ", b"# # ", b"\t", b"  " * 40])
_WORDS = st.sampled_from(
    [
        b"ok", b"not ok", b"ok 1", b"ok 2 a", b"not ok 2 a", b"ok 3 - b # SKIP x", b"not ok 1 # todo",
        b"1..2", b"1..0 # SKIP", b"1..999999999", b"KTAP version 1", b"Bail out!", b"# Subtest: a",
        b"\xff\x00 ok 1",
    ]
)  # fmt: skip
_LINES = st.lists(st.one_of(st.binary(max_size=30), st.builds(bytes.__add__, _INDENT, _WORDS)), max_size=30)


@settings(max_examples=150)
@given(_LINES)
def test_whatever_is_printed_is_read(lines: list[bytes]) -> None:
    output = read_ktap(lines)
    assert len({result.name for result in output.results}) <= len(output.results) <= len(lines)
    assert output.missing >= 0
    for result in output.results:
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,3000}", result.name)
        assert len(result.reason) <= 200
        assert (result.reason + (output.bail or "")).isprintable()
    claimed = sum(re.search(rb"(?<!not )ok", line) is not None for line in lines)
    assert sum(result.status == "pass" for result in output.results) <= claimed, "a pass is never made up"


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.text("abc_", min_size=1, max_size=8)), max_size=20))
def test_what_was_written_is_read(tests: list[tuple[bool, str]]) -> None:
    told = [f"{'ok' if ok else 'not ok'} {n} {name}" for n, (ok, name) in enumerate(tests, 1)]
    output = _say(f"1..{len(tests)}", *told)
    assert [result.status for result in output.results] == ["pass" if ok else "fail" for ok, _name in tests]
    assert output.missing == 0


def test_the_recordings_are_those_that_are_read() -> None:
    assert {path.name for path in Path(_DATA).iterdir()} == {
        "6.1-mremap_test.txt",
        "6.1-test_kmem-buffered.txt",
        "6.1-test_memcontrol.txt",
        "nested-ktap.txt",
        "nested-runner.txt",
        "tap14.txt",
    }
