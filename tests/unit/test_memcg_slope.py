# SPDX-License-Identifier: GPL-2.0-only
"""Leaks and steps laid over the noise of real samples (kernel 6.1.192, 2 CPUs, 2 workers)."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from harness.memcg.model import Check
from harness.memcg.slope import BLOCKS, LEAST, trend
from tests.unit.memcg_sample import PAGE, V2627, begin, case, judged, sample, v1, v2

NOISE = json.loads((Path(__file__).parent.parent / "data" / "memcg" / "noise-6.1.json").read_text())
"""usage less its parts, in pages, sample by sample: by interface and workload"""
NAMES = sorted(NOISE)
STEP_MS = 200
SAMPLES = 150
"""30 s"""
LEAK = 20 * STEP_MS / 1000
"""pages a sample: one in 1,000 charges, at 20,000 charges a second"""


def noise(name: str, seed: int, count: int = SAMPLES) -> list[int]:
    """As long as is asked for: stretches of the real trace, so that neighbours stay neighbours."""
    values: list[int] = []
    dice, real = random.Random(seed), NOISE[name]  # noqa: S311 - chance that repeats
    while len(values) < count:
        start = dice.randrange(len(real) - 5)
        values += real[start : start + dice.randint(3, 12)]
    return values[:count]


def drifted(apart: list[float]) -> Check:
    """What drift-of-parts says of a group with 6,000 pages on its lists and usage *apart* pages above."""
    lists = 6000 * PAGE
    samples = [
        sample("run", v2(lists + round(pages) * PAGE, inactive_anon=lists, anon=lists), ms=at * STEP_MS)
        for at, pages in enumerate(apart)
    ]
    check = judged(case(begin(), samples), "drift-of-parts")
    assert check is not None
    assert check.kept == (abs(check.measured) <= check.tolerance)
    return check


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(2))
def test_one_page_in_a_thousand_charges_is_found_in_thirty_seconds(name: str, seed: int) -> None:
    for sign, words in ((1, "grows away from"), (-1, "falls behind")):
        check = drifted([value + sign * LEAK * at for at, value in enumerate(noise(name, seed))])
        assert not check.kept
        assert words in check.says
        assert check.says.endswith("bytes that are allowed")
        assert "over 30 s: a slope, not a step" in check.says


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_healthy_noise_is_no_drift(name: str, seed: int) -> None:
    assert drifted([float(value) for value in noise(name, seed)]).kept
    assert drifted([float(value) for value in noise(name, seed, LEAST)]).kept


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [30, 75, 120])
def test_a_step_is_told_from_a_slope(name: str, at: int) -> None:
    check = drifted([value + (600 if place >= at else 0) for place, value in enumerate(noise(name, at))])
    assert not check.kept
    assert "steps up from the sum of its parts" in check.says
    assert "a step, not a slope" in check.says
    found = float(check.says.partition(" pages) at ")[2].partition(" s")[0])
    assert abs(found - at * STEP_MS / 1000) <= SAMPLES / BLOCKS * STEP_MS / 1000


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_covers_the_true_slope(name: str) -> None:
    covered = 0
    for seed in range(40):
        values = [value + LEAK * at for at, value in enumerate(noise(name, seed))]
        found = trend(range(SAMPLES), values)
        assert found is not None
        covered += found.low <= LEAK <= found.high
    assert covered >= 35


def test_too_little_is_no_trend() -> None:
    assert trend(range(LEAST - 1), [0] * (LEAST - 1)) is None
    assert trend([1.0] * LEAST, [0] * LEAST) is None
    short = [sample("run", v2(), ms=at) for at in range(LEAST - 1)]
    assert judged(case(begin(), short), "drift-of-parts") is None


def test_a_constant_difference_is_neither() -> None:
    found = trend(range(LEAST), [7] * LEAST)
    assert found is not None
    assert (found.slope, found.low, found.high, found.certain) == (0, 0, 0, 0)


def test_what_moves_within_the_terms_is_not_called_a_step() -> None:
    check = drifted([0.0] * 75 + [200.0] * 75)
    assert check.kept
    assert check.says.startswith("usage keeps its distance from the sum of its parts over 30 s (95%: ")


def test_where_tears_are_larger_than_the_terms_they_are_what_is_allowed() -> None:
    """Growth that stays within what neighbours differ by cannot be told from the way it was read."""
    torn = [(at % 2) * 4000 + at * 4 for at in range(SAMPLES)]
    check = drifted([float(value) for value in torn])
    assert check.kept
    assert check.terms.endswith("so far are neighbouring samples apart")


def test_a_group_that_grows_first_and_then_stands_still_does_not_drift() -> None:
    """2.6.27 allows two pages, and statistics that are read after usage have grown in between."""
    torn = [-(at % 7) * 9 for at in range(SAMPLES // 4)] + [0] * (SAMPLES - SAMPLES // 4)
    samples = [
        sample("run", v1(lists := 6000 * PAGE, rss=lists - pages * PAGE, active=lists), ms=at * STEP_MS)
        for at, pages in enumerate(torn)
    ]
    check = judged(case(begin("v1"), samples), "drift-of-statistics", V2627)
    assert check is not None
    assert check.kept
