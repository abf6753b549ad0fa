# SPDX-License-Identifier: GPL-2.0-only
"""What is passed over unread must not matter: the quick way hands out what the slow way would find."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.console.detector import Detector, find_reports
from harness.console.lines import Lines, said_by, seeker
from harness.console.model import Report

WORDS = ("BUG: ", "[ cut here ]")
PIECES = st.sampled_from(
    ["BUG: ", "BU", "G: ", "\n", "\r\n", "\r", "\x1b[1m", "\0", "ä", "[    1.000000] ", "quiet", "x" * 700]
)


def cut(lines: Lines, data: bytes, sizes: list[int]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            break
        found += lines.feed(data[at : at + size])
        at += size
    return [*found, *lines.rest()]


@given(st.lists(PIECES, max_size=60), st.lists(st.integers(1, 900), min_size=1, max_size=6))
def test_no_line_with_a_word_is_passed_over(pieces: list[str], sizes: list[int]) -> None:
    data = "".join(pieces).encode()
    every = cut(Lines(), data, [len(data) or 1])
    some = cut(Lines(seeker(WORDS)), data, sizes)
    wanted = [line for line in every if any(word in line[1] for word in WORDS)]
    assert [line for line in some if any(word in line[1] for word in WORDS)] == wanted
    assert set(some) <= set(every)


def test_a_quiet_line_is_passed_over() -> None:
    lines = Lines(seeker(WORDS))
    assert list(lines.feed(b"quiet\nBUG: x\nquiet\r\n")) == [(6, "BUG: x")]


REPORTS = [
    "[    1.000000] BUG: Bad rss-counter state mm:0 type:0 val:1\n",
    "[    2.000000] kernel BUG at mm/memcontrol.c:264!\n",
    "[    2.000001] RIP: 0010:f+0x1/0x2\n",
    "[    2.000002] Call Trace:\n[    2.000003]  g+0x1/0x2\n",
    "[    2.000004] ---[ end trace 0 ]---\n",
    "[    0.000000] Linux version 6.1\n",
    "[    3.000000][   T71] WARNING: CPU: 0 PID: 1 at a.c:1 h+0x1/0x2\n",
    "[    3.000000][    C1] INFO: task rmdir:88 blocked for more than 120 seconds.\n",
    "all is well\n",
]


@given(st.lists(st.sampled_from(REPORTS), max_size=30), st.integers(1, 200))
def test_any_cutting_gives_the_same_reports(lines: list[str], size: int) -> None:
    data = "".join(lines).encode()
    detector = Detector()
    pieces: list[Report] = []
    for at in range(0, len(data), size):
        pieces += detector.feed(data[at : at + size])
        assert detector.pending is None or detector.pending.offset < len(data)
    pieces += detector.finish()
    assert tuple(sorted(pieces, key=lambda report: report.offset)) == find_reports(data)


@pytest.mark.parametrize(
    ("line", "who", "said"),
    [
        ("[    1.000000] x", "kernel", "x"),
        ("<4>[    1.000000] x", "kernel", "x"),
        ("[    1.000000][   T71] x", "T71", "x"),
        ("[    1.000000] [    C1] x", "C1", "x"),
        ("<1>x", "", "x"),
        ("debian login: x", "", "x"),
        ("debian login: [    1.000000] x", "kernel", "x"),
        ("2018/01/09 14:28:48 x", "", "x"),
    ],
)
def test_who_said_what(line: str, who: str, said: str) -> None:
    assert said_by(line) == (who, said)
