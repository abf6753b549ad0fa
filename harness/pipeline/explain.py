# SPDX-License-Identifier: GPL-2.0-only
"""A kernel report held against the sources that the kernel was built from: what failed, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from harness.analysis.model import Analysis
from harness.analysis.source import Source
from harness.analysis.statement import assertion_at
from harness.console.model import Report
from harness.console.naming import plain
from harness.tree.lineage import patch_of_line
from harness.tree.model import Overlay

_WAITING = ("stall", "hung")


@dataclass(frozen=True)
class Explainer:
    """Knows one kernel's sources. Calling it gives a report with what can be said of it filled in."""

    root: Path
    """where the sources lay when they were compiled: reports of builds out of tree name it"""
    read: Callable[[str], bytes | None]
    prefixes: Sequence[Overlay]
    """the tree after each patch, the last being what was built"""
    analysis: Analysis

    def __call__(self, report: Report) -> Report:
        """*report* with its file relative to the tree, what failed there, and the patches behind it."""
        file = report.file.removeprefix(f"{self.root}/").removeprefix("./")
        found = replace(report, file=file)
        data = self._data(file) if file and report.line else None
        if data is None:
            return self._by_function(found)
        found = replace(found, condition=assertion_at(Source(file, data), report.line))
        number = patch_of_line(self.prefixes, self.read, file, report.line)
        if number:
            return replace(found, patches=(number,), because=f"patch {number} wrote this line")
        return self._by_function(found)

    def _data(self, path: str) -> bytes | None:
        last = self.prefixes[-1]
        return last[path] if path in last else self.read(path)

    def _by_function(self, report: Report) -> Report:
        """No line to go by, or one that was there before: who changed the function."""
        on = len(self.prefixes) - 1
        for function in _functions(report):
            changed = sorted(
                {one.patch for one in self.analysis.functions if one.name == function and one.patch <= on}
            )
            if changed:
                return self._changed(report, function, changed)
        return report

    def _changed(self, report: Report, function: str, changed: Sequence[int]) -> Report:
        on = len(self.prefixes) - 1
        at = "" if function == report.function else ", which is on its stack"
        for finding in self.analysis.findings:
            if finding.severity == "error" and finding.function == function and finding.patch <= on:
                where = f"{finding.file}:{finding.line}"
                said = f"patch {finding.patch} changed {function}{at}: {finding.rule} at {where}"
                return replace(report, patches=(finding.patch,), because=said)
        patches = ", ".join(map(str, changed))
        plural = "patches" if len(changed) > 1 else "patch"
        return replace(report, patches=tuple(changed), because=f"{plural} {patches} changed {function}{at}")


def _functions(report: Report) -> Iterator[str]:
    """The function that *report* is named after; of a task that waits or a CPU that is stuck all that called.

    Those are named after what is the same every time, a handler or a system call, and stand within.
    """
    if report.function:
        yield report.function
    if report.kind in _WAITING:
        yield from (plain(frame.function) for frame in report.stack)
