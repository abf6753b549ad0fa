# SPDX-License-Identifier: GPL-2.0-only
"""Halving over the prefixes of a series, some of which cannot be judged."""

from __future__ import annotations

from collections.abc import Set


def middle(good: int, bad: int, skipped: Set[int] = frozenset()) -> int | None:
    """The prefix to try next: of those between *good* and *bad* the one nearest to their middle.

    A prefix is its number of patches. Those of *skipped* are none to try, as with ``git bisect skip``; None
    when no other is left.
    """
    left = [number for number in range(good + 1, bad) if number not in skipped]
    return min(left, key=lambda number: abs(2 * number - good - bad), default=None)


def most_trials(total: int) -> int:
    """How many prefixes are tried at most between no patch and *total*, when none has to be skipped."""
    return max(0, total - 1).bit_length()
