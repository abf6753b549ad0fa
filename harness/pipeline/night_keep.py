# SPDX-License-Identifier: GPL-2.0-only
"""Which of what past nights left is thrown away. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.pipeline.night_model import Keep

_DAY = 86400.0
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Leaf:
    """What one entry of one night left: the least that is kept or thrown away."""

    path: str
    """relative to the results directory"""
    age: float
    """seconds since the night began"""
    size: int
    """bytes"""
    held: bool
    """it is the first failure of something, or of the night that is running"""


def surplus(leaves: Sequence[Leaf], keep: Keep) -> tuple[Leaf, ...]:
    """Those of *leaves* to throw away, oldest first: what is too old, then as many as make the rest fit."""
    oldest = sorted((leaf for leaf in leaves if not leaf.held), key=lambda leaf: -leaf.age)
    total = sum(leaf.size for leaf in leaves)
    gone = []
    for leaf in oldest:
        old = bool(keep.days) and leaf.age > keep.days * _DAY
        much = bool(keep.gigabytes) and total > keep.gigabytes * _GIGABYTE
        if old or much:
            gone.append(leaf)
            total -= leaf.size
    return tuple(gone)
