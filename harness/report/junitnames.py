# SPDX-License-Identifier: GPL-2.0-only
"""Names by which Jenkins knows a suite and a case from one build to the next: no sha, no count."""

from __future__ import annotations

import re

from harness.pipeline.model import Cell, Run
from harness.report.plaintext import line

_VERSION = re.compile(r"\d+(?:\.\d+)+(?:-rc\d+)?")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def classname(run: Run, cell: str) -> str:
    """``memcg.v6_1_192.default.patched-v1``: Jenkins takes what is before the last dot for the package."""
    return f"memcg.{version(run)}.{_word(run.plan)}.{_word(cell)}"


def suite(run: Run, cell: Cell) -> str:
    """The class name with kernel and interface in words. Jenkins merges suites of one name across files."""
    return f"{classname(run, cell.name)} ({_word(cell.kernel)} kernel, cgroup {_word(cell.iface)})"


def version(run: Run) -> str:
    """``v6_1_192``; ``v2627rc3`` for the 2.6 kernels, as they were called; ``unknown`` if nobody said."""
    for text in (run.tree, *(kernel.release for kernel in run.kernels)):
        found: list[str] = _VERSION.findall(text)
        if found:
            dots = "" if found[-1].startswith("2.6.") else "_"
            return "v" + found[-1].replace("-", "").replace(".", dots)
    return "unknown"


def _word(text: str) -> str:
    return _NOT_IN_A_NAME.sub("_", line(text)).strip("_") or "unnamed"
