# SPDX-License-Identifier: GPL-2.0-only
"""The tables of analysis under configs/analysis/: rows of rules, the names that facts look for, reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from harness.analysis.model import Severity
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.tables import load
from harness.workloads.catalogue import choose

TABLES = CONFIGS / "analysis"
RULE_TABLES = (TABLES / "flow.yaml", TABLES / "local.yaml")

Topic = Literal["lock", "rcu", "charge", "uncharge"]


class RuleRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule's findings are called and how much they weigh."""

    id: str
    severity: Severity
    title: str
    why: str


class _Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a rule table that all have; the rest belongs to the rules."""

    rules: tuple[RuleRow, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """configs/analysis/facts.yaml."""

    assertions: Mapping[str, int]
    """by macro, which argument (from 0) is the condition; -1 when there is none"""
    calls: Mapping[Topic, tuple[str, ...]]
    """by topic, the functions whose calls matter by themselves"""

    def topics(self) -> dict[str, Topic]:
        """The topic of each function."""
        return {name: topic for topic, names in self.calls.items() for name in names}


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a user does."""

    action: str
    entries: tuple[str, ...]
    """functions through which it goes, old and new; callers above them are not followed"""
    workloads: tuple[str, ...]
    """those that do it; none when no workload does yet"""


class Routes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """configs/analysis/reach.yaml."""

    sources: tuple[str, ...]
    """globs of the files whose functions are in the call graph, relative to the tree"""
    depth: int
    """callers above callers that are followed"""
    routes: tuple[Route, ...]


def load_rules(paths: Iterable[Path] = RULE_TABLES) -> dict[str, RuleRow]:
    """The rows by id. UserError for an id that is there twice."""
    rows: dict[str, RuleRow] = {}
    for path in paths:
        for row in load(path, _Rules).rules:
            if row.id in rows:
                raise UserError(f"{path}: rule {row.id!r} is in the tables twice; keep one")
            rows[row.id] = row
    return rows


def load_facts(path: Path = TABLES / "facts.yaml") -> Facts:
    """The names that facts look for. UserError for a function under two topics."""
    facts = load(path, Facts)
    count = sum(len(names) for names in facts.calls.values())
    if len(facts.topics()) != count:
        names = [name for names in facts.calls.values() for name in names]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path}: {twice!r} is in calls twice; keep one")
    return facts


def load_routes(path: Path = TABLES / "reach.yaml", workloads: Path = CONFIGS / "workloads.yaml") -> Routes:
    """What reaches what. UserError for a workload that is not in the catalogue at *workloads*."""
    routes = load(path, Routes)
    for route in routes.routes:
        choose(workloads, route.workloads, f"{path}: {route.action!r}")
    return routes


@cache
def shipped_facts() -> Facts:
    """The table that comes with the project."""
    return load_facts()
