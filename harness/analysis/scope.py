# SPDX-License-Identifier: GPL-2.0-only
"""What a rule is, and what it is told besides the file that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.analysis.model import Raw
from harness.analysis.source import Source
from harness.tree.model import Version


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One file in one state of the series (``the state``): the tree with the first k patches on.

    The driver asks every rule about the base (k = 0) too, with the same ``functions``; what a rule finds
    there is not new. A rule therefore never has to ask itself whether the series brought a defect.
    """

    functions: frozenset[str]
    """names of the functions of this file to look at: those that the series adds, removes or changes"""
    changed_lines: frozenset[int]
    """1-based lines of the state that the base does not have, and where the series only took lines
    away, those on both sides; in the base, and in a file that the series adds, every line"""
    read: Callable[[str], bytes | None]
    """contents of any file of the tree in the state, by path; None when there is no such file"""
    source: Callable[[str], Source | None]
    """the same, parsed; None when there is no such file"""
    base: Source | None = None
    """this file before the series; None when the series adds it; in the base, the file itself"""
    version: Version | None = None
    """of the tree; None when not known"""


@dataclass(frozen=True)
class Rule:
    """A way to find defects, and the ids (rows of the rule tables) that its findings may carry."""

    ids: tuple[str, ...]
    find: Callable[[Source, Scope], Iterator[Raw]]
