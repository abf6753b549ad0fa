# SPDX-License-Identifier: GPL-2.0-only
"""What the accounting came to, as values."""

from __future__ import annotations

import msgspec


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant, measured: kept when ``abs(measured - expected) <= tolerance``."""

    name: str
    """the row of configs/memcg.yaml, e.g. ``usage-at-rest``"""
    kept: bool
    measured: float
    expected: float
    tolerance: float
    unit: str
    """``bytes``, ``pages``, ``ms``, ``groups`` or ``events``"""
    terms: str
    """how the tolerance was computed, with the numbers: ``2 CPUs x 64 pages of stock x 4096``"""
    says: str
    """one sentence with the numbers, for a report"""
