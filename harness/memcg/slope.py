# SPDX-License-Identifier: GPL-2.0-only
"""Does a series grow, how fast, how sure is that, and is it a slope or one step? docs/drift.md explains.

The values come with noise that is neither normal nor independent: stocks fill and drain, a reader is
preempted between two files. So ranks and medians are used throughout, of blocks of neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import NormalDist, median
from typing import Literal

import msgspec

BLOCKS = 12
"""parts of the run whose medians are the points that are fitted"""
LEAST = 2 * BLOCKS
"""values below which nothing is said"""
CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_SIDE = 2
"""points on each side of a step, at least"""
_SE_OF_MEDIAN = 1.4826 * math.sqrt(math.pi / 2)
"""median absolute deviation to standard error of a median, times the root of how many (normal noise)"""


class Point(msgspec.Struct, frozen=True):
    """The middle of one block."""

    at: float
    value: float


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """What a series does; values in its unit, times in that of its moments."""

    shape: Literal["slope", "step"]
    """which of the two describes the points better, whether or not it is significant"""
    slope: float
    """Theil and Sen's, per unit of time"""
    low: float
    high: float
    """the slope's confidence interval"""
    span: float
    """from the first moment to the last"""
    step: float = 0.0
    """how far the level after is above that before"""
    at: float = 0.0
    """where the step is"""
    certain: float = 0.0
    """by how much it has grown over the span at least, with :data:`CONFIDENCE`; 0: it may be noise"""
    scatter: float = 0.0
    """how far neighbours are from each other: the blocks' second largest range (a step makes one)"""


def trend(moments: Sequence[float], values: Sequence[float]) -> Trend | None:
    """What *values* do over *moments* (rising); None for fewer than :data:`LEAST` or all at once."""
    if len(values) < LEAST or moments[-1] <= moments[0]:
        return None
    edges = [slice(*edge) for edge in pairwise(len(values) * part // BLOCKS for part in range(BLOCKS + 1))]
    points = [Point(median(moments[block]), median(values[block])) for block in edges]
    ranges = [max(values[block]) - min(values[block]) for block in edges]
    slope, low, high = _theil_sen(points)
    step, at, sure, step_off = _step(points)
    line_off = _off_line(points, slope)
    stepped = _bic(step_off, 3) < _bic(line_off, 2)
    span = moments[-1] - moments[0]
    return Trend(
        shape="step" if stepped else "slope",
        slope=slope,
        low=low,
        high=high,
        span=span,
        step=step,
        at=at,
        certain=sure if stepped else _nearer(low, high) * span,
        scatter=sorted(ranges)[-2],
    )


def _theil_sen(points: Sequence[Point]) -> tuple[float, float, float]:
    """The median of the slopes of all pairs, and Sen's interval from the variance of Kendall's score.

    P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968): with
    n points and N = n(n-1)/2 slopes the ranks (N - C)/2 and (N + C)/2, C = z sqrt(n(n-1)(2n+5)/18).
    """
    slopes = sorted((b.value - a.value) / (b.at - a.at) for a, b in combinations(points, 2) if b.at > a.at)
    if not slopes:
        return 0.0, 0.0, 0.0
    count = len(points)
    wide = _Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    first = max(0, math.floor((len(slopes) - wide) / 2) - 1)
    last = min(len(slopes) - 1, math.ceil((len(slopes) + wide) / 2))
    return median(slopes), slopes[first], slopes[last]


def _off_line(points: Sequence[Point], slope: float) -> float:
    """The mean distance of the points from the line, laid through the median of what it leaves."""
    left = [point.value - slope * point.at for point in points]
    return _spread(left) / len(left)


def _step(points: Sequence[Point]) -> tuple[float, float, float, float]:
    """The best step: its height, its place, the height that is certain, and the points' mean distance."""
    values = [point.value for point in points]
    cut = min(
        range(_SIDE, len(values) - _SIDE + 1), key=lambda at: _spread(values[:at]) + _spread(values[at:])
    )
    before, after = values[:cut], values[cut:]
    height = median(after) - median(before)
    unsure = _Z * math.hypot(_error(before), _error(after))
    sure = math.copysign(max(0.0, abs(height) - unsure), height)
    place = (points[cut - 1].at + points[cut].at) / 2
    return height, place, sure, (_spread(before) + _spread(after)) / len(values)


def _spread(values: Sequence[float]) -> float:
    """The sum of distances from the median."""
    middle = median(values)
    return sum(abs(value - middle) for value in values)


def _error(values: Sequence[float]) -> float:
    middle = median(values)
    return _SE_OF_MEDIAN * median(abs(value - middle) for value in values) / math.sqrt(len(values))


def _bic(off: float, parameters: int) -> float:
    """Schwarz' criterion for noise with two-sided exponential tails: less is better."""
    return 2 * BLOCKS * math.log(off + 1e-9) + parameters * math.log(BLOCKS)


def _nearer(low: float, high: float) -> float:
    """The end of the interval that is nearer to zero; 0 when zero is within."""
    return low if low > 0 else min(0.0, high)
