# SPDX-License-Identifier: GPL-2.0-only
"""The one JSON object that ``harness run --json`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.pipeline.model import Case, Cell, Run
from harness.report.plaintext import encodable


def run_answer(run: Run, directory: Path | None = None) -> dict[str, Any]:
    """*run* in the shape of the command contract; scalars, lists and dicts, UTF-8 throughout.

    ``run``, ``verdict``, ``cells`` (``kernel``, ``verdict``, ``cases`` of ``name``, ``verdict``,
    ``reason``), ``reports`` and ``drift`` stay as they are; the other keys are additions.
    Reports and drift have the keys that they have in ``run.json``.
    """
    answer = {
        "run": run.run,
        "verdict": run.verdict.value,
        "reason": run.reason,
        "finished": bool(run.finished),
        "directory": str(directory) if directory is not None else "",
        "plan": run.plan,
        "tree": run.tree,
        "series": run.series,
        "seconds": run.seconds,
        "cells": [_cell(cell) for cell in run.cells],
        "reports": msgspec.to_builtins(run.reports),
        "drift": msgspec.to_builtins(run.drift),
        "blame": msgspec.to_builtins(run.blame),
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "name": cell.name,
        "kernel": cell.kernel,
        "iface": cell.iface,
        "verdict": cell.verdict.value,
        "cases": [_case(case) for case in cell.cases],
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "verdict": case.verdict.value,
        "reason": case.reason,
        "seconds": case.seconds,
    }
