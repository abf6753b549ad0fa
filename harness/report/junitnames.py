# SPDX-License-Identifier: GPL-2.0-only
"""Names by which Jenkins knows a suite and a case from one build to the next: no sha, no count.

Jenkins knows a test by its class and name alone, and merges suites of one name across files. So the class
says tree, interface and workload, and the name all else that tells two cases of one build apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.pipeline.model import Case, Cell, Run
from harness.pipeline.night_model import Entry
from harness.report.plaintext import line

_VERSION = re.compile(r"\d+(?:\.\d+)+(?:-rc\d+)?")
_NOT_IN_A_CLASS = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_./+ -]+")
_OF_A_CLASS = 2
"""dots of ``SUITE.PROGRAM.TEST`` are the class's up to the program"""


@dataclass(frozen=True)
class Scope:
    """What the names of one run have in common."""

    tree: str
    words: tuple[str, ...]
    """the plan; in a night also the series"""
    kconfig: str = ""
    """in a night the entry's profile, for what is no cell's"""

    def suite(self, *parts: str) -> str:
        """``memcg.v6_1 patched plain v1 charge-checks`` for the *parts* of a cell."""
        return " ".join([_class(self.tree), *self._words(parts)])

    def classname(self, *parts: str) -> str:
        """``memcg.v6_1.v1.anon``: Jenkins takes what is before the last dot for the package."""
        return ".".join([_class(self.tree), *(_NOT_IN_A_CLASS.sub("_", line(part)) or "_" for part in parts)])

    def name(self, *parts: str) -> str:
        """*parts*, and what the run's names have in common, for what is no cell's."""
        return " ".join(self._words(parts) + ([_word(self.kconfig)] if self.kconfig else []))

    def kernel(self, kernel: str, profile: str) -> str:
        """``patched plain charge-checks``."""
        return " ".join(self._words((kernel, profile or self.kconfig)))

    def of_case(self, cell: Cell, case: Case, aspect: str = "") -> tuple[str, str]:
        """Class and name of one *aspect* of *case*, which may be a test that a program told of."""
        parts = (case.name or "unnamed").split(".")
        own, test = parts[:_OF_A_CLASS], ".".join(parts[_OF_A_CLASS:])
        name = [self.kernel(cell.kernel, cell.profile), *([_word(test)] if test else [])]
        return self.classname(cell.iface, *own), " ".join([*name, *([aspect] if aspect else [])])

    def _words(self, parts: tuple[str, ...]) -> list[str]:
        return [_word(part) for part in (*parts, *self.words) if part]


def scope_of_run(run: Run) -> Scope:
    """For a run on its own: its kernel's version stands for the tree."""
    return Scope(version(run), (run.plan,))


def scope_of_entry(entry: Entry) -> Scope:
    """For an entry of a night: the names by which history knows it."""
    return Scope(entry.tree, (entry.series, entry.plan_name), entry.kconfig)


def version(run: Run) -> str:
    """``v6_1``, ``v2627`` for the 2.6 kernels as they were called, ``unknown`` if nobody said.

    Without -rc and stable release: with them each would be a new test to Jenkins.
    """
    for text in (run.tree, *(kernel.release for kernel in run.kernels)):
        found: list[str] = _VERSION.findall(text)
        if found:
            numbers = found[-1].partition("-")[0].split(".")
            return "v" + ("".join(numbers[:3]) if numbers[:2] == ["2", "6"] else "_".join(numbers[:2]))
    return "unknown"


def _class(tree: str) -> str:
    return f"memcg.{_NOT_IN_A_CLASS.sub('_', line(tree)).strip('_') or 'unknown'}"


def _word(text: str) -> str:
    return _NOT_IN_A_NAME.sub("_", line(text)).strip("_") or "unnamed"
