# SPDX-License-Identifier: GPL-2.0-only
"""New failure, still failing, fixed, flaky: from the verdicts of the nights and from what was tested."""

from __future__ import annotations

import pytest

from harness.pipeline.standing import Seen, Standing, first_failures, stand
from harness.verdict import Verdict

_VERDICTS = {"P": Verdict.PASS, "F": Verdict.FAIL, "i": Verdict.INFRA, "b": Verdict.BROKEN}


def _seen(words: str) -> list[Seen]:
    """``P1 F2``: passed with inputs 1, failed with inputs 2; nights are numbered from 0."""
    return [
        Seen(night=str(number), verdict=_VERDICTS[word[0]], tree_fingerprint=word[1:])
        for number, word in enumerate(words.split())
    ]


@pytest.mark.parametrize(
    ("words", "standing", "good", "bad"),
    [
        ("P1", Standing.PASSES, "0", None),
        ("F1", Standing.NEW, None, "0"),
        ("P1 P1 F2", Standing.NEW, "1", "2"),
        ("P1 P1 F1", Standing.NEW, "1", "2"),
        ("P1 F2 F3", Standing.STILL, "0", "1"),
        ("P1 F2 i3 F3", Standing.STILL, "0", "1"),
        ("P1 i2 F2", Standing.NEW, "0", "2"),
        ("P1 F2 P3", Standing.FIXED, "0", "1"),
        ("P1 F2 P3 P3", Standing.PASSES, "3", None),
        ("P1 F1 P1", Standing.FLAKY, "0", "1"),
        ("F1 P1 F2", Standing.FLAKY, "1", "2"),
        ("P1 F2 P3 F4", Standing.FLAKY, "2", "3"),
        ("P1 F2 b2", Standing.UNTOLD, "0", "1"),
        ("i1", Standing.UNTOLD, None, None),
    ],
)
def test_where_a_case_stands(words: str, standing: Standing, good: str | None, bad: str | None) -> None:
    known = stand(_seen(words), 10)
    assert known.standing is standing
    assert (known.last_good and known.last_good.night) == good
    assert (known.first_bad and known.first_bad.night) == bad


def test_the_rate_is_of_the_window() -> None:
    known = stand(_seen("F1 F1 P1 P1 F1 P1"), 4)
    assert (known.standing, known.failed, known.told) == (Standing.FLAKY, 1, 4)
    assert stand(_seen("F1 P1 P1 P1 P1 P1"), 4).standing is Standing.PASSES, "it is long ago"


def test_the_first_failure_ever_and_the_last_ones_beginning_are_held() -> None:
    seen = _seen("P1 F2 F2 P3 P3 P3 F4 F4")
    assert [one.night for one in first_failures(seen, 10)] == ["1", "6"]
    assert first_failures(_seen("P1 P1"), 10) == ()
