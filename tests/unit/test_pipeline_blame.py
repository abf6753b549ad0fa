# SPDX-License-Identifier: GPL-2.0-only
"""Halving over prefixes finds the first bad patch with few trials."""

from __future__ import annotations

import math

import pytest

from harness.pipeline.blame import first_bad
from harness.pipeline.model import BlameStep
from harness.verdict import Verdict


def _step(number: int, verdict: Verdict) -> BlameStep:
    return BlameStep(number=number, subject=f"p{number}", verdict=verdict, reason="")


@pytest.mark.parametrize("total", [1, 2, 3, 8, 13])
def test_every_culprit_is_found(total: int) -> None:
    for culprit in range(1, total + 1):
        found, steps = first_bad(
            total,
            lambda n, c=culprit: _step(n, Verdict.FAIL if n >= c else Verdict.PASS),  # type: ignore[misc]
        )
        assert found == culprit
        assert len(steps) <= math.ceil(math.log2(total)) if total > 1 else not steps


@pytest.mark.parametrize("verdict", [Verdict.BROKEN, Verdict.INFRA, Verdict.SKIP])
def test_what_is_neither_good_nor_bad_gives_no_answer(verdict: Verdict) -> None:
    found, steps = first_bad(4, lambda n: _step(n, verdict))
    assert found is None
    assert len(steps) == 1
