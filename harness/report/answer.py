# SPDX-License-Identifier: GPL-2.0-only
"""The one JSON object that a command prints with ``--json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.build.model import Kernel
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
        "findings": msgspec.to_builtins(run.analysis.findings),
        "blame": msgspec.to_builtins(run.blames[0]) if run.blames else None,
        "blames": msgspec.to_builtins(run.blames),
        "edits": msgspec.to_builtins(run.edits),
        "profiles": msgspec.to_builtins(run.profiles),
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def kernel_answer(kernel: Kernel) -> dict[str, Any]:
    """The object that ``harness build --json`` prints."""
    answer = {
        "image": str(kernel.image),
        "bzimage": str(kernel.bzimage),
        "config": str(kernel.config),
        "log": str(kernel.log),
        "release": kernel.release,
        "key": kernel.key,
        "cached": kernel.cached,
        "seconds": kernel.seconds,
        "warnings": msgspec.to_builtins(kernel.warnings),
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "name": cell.name,
        "kernel": cell.kernel,
        "iface": cell.iface,
        "kconfig": cell.profile,
        "verdict": cell.verdict.value,
        "cases": [_case(case) for case in cell.cases],
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "verdict": case.verdict.value,
        "reason": case.reason,
        "ending": case.ending,
        "seconds": case.seconds,
    }
