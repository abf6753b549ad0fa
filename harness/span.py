# SPDX-License-Identifier: GPL-2.0-only
"""From which version to which a row of a table holds: of kernels, and of the tools that build them."""

from __future__ import annotations

import re

_BOUND = re.compile(r"\d+(\.\d+){0,2}\Z")

Numbers = tuple[int, ...]
"""a version: (2, 6, 27), (12, 2, 0)"""


def check_bounds(*bounds: str) -> None:
    """ValueError with the mend for a bound that is neither empty nor a version."""
    for bound in bounds:
        if bound and not _BOUND.match(bound):
            raise ValueError(f'{bound!r} is not a version; write "2.6.27" or "6.1", quoted')


def covers(own: Numbers, first: str, until: str) -> bool:
    """True where *first* <= *own* <= *until*, each as exact as it is written: ``3.5`` holds 3.5.7.

    An empty bound is none.
    """
    low, high = (tuple(map(int, bound.split("."))) if bound else () for bound in (first, until))
    return own[: len(low)] >= low and own[: len(high)] <= high


def words(first: str, until: str) -> str:
    """``2.6.26 to 2.6.28``, ``up to 4.4``, ``from 5.4``, for an error."""
    if first and until:
        return first if first == until else f"{first} to {until}"
    if first:
        return f"from {first}"
    return f"up to {until}" if until else "any version"
