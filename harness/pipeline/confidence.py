# SPDX-License-Identifier: GPL-2.0-only
"""How sure a verdict is when a failure does not come each time."""

from __future__ import annotations

import math


def rate(failed: int, tried: int) -> float:
    """The share of tries that fail on a bad kernel, of which *failed* of *tried* did: (f + 1) / (n + 2).

    The mean of what every share is equally likely to be before the first try (Laplace's rule of
    succession): never 1, so that no verdict counts as certain by so few tries.
    """
    return (failed + 1) / (tried + 2)


def false_good(p: float, passes: int) -> float:
    """The probability that a bad kernel, which fails with probability *p*, passes so often: (1 - p)^n."""
    return float((1.0 - p) ** passes)


def passes_for(p: float, risk: float) -> int:
    """The fewest passes in a row, one at least, after which that probability is at most *risk*."""
    return max(1, math.ceil(math.log(risk) / math.log(1.0 - p) - 1e-9))
