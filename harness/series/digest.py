# SPDX-License-Identifier: GPL-2.0-only
"""A series known again by what its patches are."""

from __future__ import annotations

import hashlib

import msgspec

from harness.series.model import Series


def digest(series: Series) -> str:
    """Sixteen hex digits, the same for the same patches."""
    return hashlib.sha256(msgspec.json.encode(series.patches)).hexdigest()[:16]
