# SPDX-License-Identifier: GPL-2.0-only
"""How near a run came to its tolerances: what a green result is worth."""

from __future__ import annotations

import math

from harness.memcg.model import Check
from harness.pipeline.model import Drift, Run


def closest(run: Run) -> tuple[Drift, ...]:
    """For each check the case, over all cells, that used most of its tolerance; in order of appearance."""
    nearest: dict[str, Drift] = {}
    for cell in run.cells:
        for case in cell.cases:
            for check in case.checks:
                known = nearest.get(check.name)
                if known is None or used(check) > used(known.check):
                    nearest[check.name] = Drift(cell=cell.name, case=case.name, check=check)
    return tuple(nearest.values())


def used(check: Check) -> float:
    """The share of its tolerance that *check* used: 0 for none, above 1 for drift."""
    off = abs(check.measured - check.expected)
    if check.tolerance:
        return off / check.tolerance
    return math.inf if off else 0.0
