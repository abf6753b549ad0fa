# SPDX-License-Identifier: GPL-2.0-only
"""What came closest to its tolerance."""

from __future__ import annotations

import math

from harness.memcg.model import Check
from harness.pipeline.model import Case, Cell, Run
from harness.report.closest import closest, used
from harness.verdict import Verdict


def _check(name: str, measured: float, tolerance: float) -> Check:
    return Check(
        name=name,
        kept=True,
        measured=measured,
        expected=1,
        tolerance=tolerance,
        unit="bytes",
        terms="",
        says="",
    )


def test_used() -> None:
    assert used(_check("a", 6, 10)) == 0.5
    assert used(_check("a", -9, 5)) == 2.0
    assert used(_check("a", 1, 0)) == 0.0
    assert used(_check("a", 2, 0)) == math.inf


def test_one_row_a_check_and_the_nearest_of_all_cells() -> None:
    cells = tuple(
        Cell(
            name=name,
            kernel="base",
            iface="v1",
            verdict=Verdict.PASS,
            cases=(Case(name="anon", verdict=Verdict.PASS, reason="", checks=checks),),
        )
        for name, checks in (
            ("base-v1", (_check("a", 3, 10), _check("b", 2, 10))),
            ("base-v2", (_check("a", 5, 10), _check("b", 1, 10))),
        )
    )
    run = Run(run="r", verdict=Verdict.PASS, reason="", plan="p", started="", cells=cells)
    assert [(row.check.name, row.cell) for row in closest(run)] == [("a", "base-v2"), ("b", "base-v1")]
