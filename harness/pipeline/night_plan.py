# SPDX-License-Identifier: GPL-2.0-only
"""A night's plan: a YAML table of trees, series, plans and Kconfig profiles as a value, and its matrix."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from harness.address import without_checksum
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.pipeline.night_model import Entry, Keep
from harness.pipeline.plan import Ask, Plan, check_plan, load_plan, series_from, tree_from
from harness.tables import load

if TYPE_CHECKING:
    from typing import Any as Overrides
else:  # every key of a plan but those that the night's own axes have, none of them required
    _AXES = {"name", "about", "tree", "series", "ask", "kconfig"}
    Overrides = msgspec.defstruct(
        "Overrides",
        [
            (field.name, field.type | msgspec.UnsetType, msgspec.UNSET)
            for field in msgspec.structs.fields(Plan)
            if field.name not in _AXES
        ],
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )

_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")
_BUDGET = re.compile(r"(\d+(?:\.\d+)?) ?(h|min)")
_SECONDS = {"h": 3600.0, "min": 60.0}
Row = TypeVar("Row")
Value = TypeVar("Value")
Name = Annotated[str, msgspec.Meta(pattern="^([A-Za-z0-9][A-Za-z0-9._+-]{0,60})?$")]


class TreeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tree, and what history knows it by."""

    tree: str
    name: Name = ""


class SeriesRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A series, and what history knows it by; an empty one is the base alone."""

    series: str
    name: Name = ""


class PlanRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ordinary plan with some of its keys set anew."""

    plan: str = str(CONFIGS / "default.yaml")
    name: Name = ""
    set: Overrides | None = None


class Without(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries that the matrix is not to have: those with all the names given here."""

    tree: str = ""
    series: str = ""
    plan: str = ""
    kconfig: str = ""


class NightPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to run in a night."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,40}$")]
    about: str = ""
    """one line for whoever reads the plan"""
    trees: Annotated[tuple[str | TreeRow, ...], msgspec.Meta(min_length=1)]
    series: Annotated[tuple[str | SeriesRow, ...], msgspec.Meta(min_length=1)] = ("",)
    plans: Annotated[tuple[str | PlanRow, ...], msgspec.Meta(min_length=1)]
    """each a path to an ordinary plan, or one with some keys ``set`` anew"""
    kconfig: tuple[str, ...] = ()
    """profiles of configs/kconfig/profiles.yaml, an entry each; none: those of each plan, together"""
    without: tuple[Without, ...] = ()
    budget: str = ""
    """``8 h`` or ``90 min``, after which no entry is begun; empty: no bound"""
    keep: Keep = Keep()
    bisect: Literal["never", "on-new-failure"] = "never"
    confidence: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.95
    """how sure a bisection's answer is to be"""
    window: Annotated[int, msgspec.Meta(ge=2, le=365)] = 10
    """nights over which a flaky case's rate is taken"""


def load_night(path: Path) -> tuple[NightPlan, tuple[Entry, ...]]:
    """A night's plan and the entries of its matrix, in the order of the table. Paths are relative to it.

    UserError: see harness.tables.load; also for a plan of it that cannot be used.
    """
    plan = load(path, NightPlan)
    budget_seconds(plan, path)
    here = path.parent
    trees = _named(plan.trees, path, "trees", lambda row: _tree(here, row))
    series = _named(plan.series, path, "series", lambda row: _series(here, row))
    plans = _named(plan.plans, path, "plans", lambda row: _plan(here, row))
    entries = tuple(
        _entry(path, tree, one, base, profile)
        for tree, one, base, profile in itertools.product(trees, series, plans, plan.kconfig or ("",))
    )
    left = tuple(entry for entry in entries if not any(_matches(rule, entry) for rule in plan.without))
    for rule in plan.without:
        if not any(_matches(rule, entry) for entry in entries):
            raise UserError(f"{path}: without: {_words(rule)} matches no entry; mend or drop it")
    if not left:
        raise UserError(f"{path}: without leaves no entry of the matrix; drop some of its rows")
    if len({entry.name for entry in left}) != len(left):
        raise UserError(f"{path}: kconfig names a profile twice; name each once")
    return plan, left


def budget_seconds(plan: NightPlan, path: Path) -> float:
    """The night's budget in seconds; 0 without one. UserError for what is no time."""
    if not plan.budget:
        return 0.0
    found = _BUDGET.fullmatch(plan.budget.strip())
    if found is None or not float(found[1]):
        raise UserError(f"{path}: budget: {plan.budget!r} is no time; write '8 h' or '90 min'")
    return float(found[1]) * _SECONDS[found[2]]


def _named(
    rows: Sequence[Row], path: Path, axis: str, read: Callable[[Row], tuple[str, Value]]
) -> list[tuple[str, Value]]:
    """Each row's name and value; UserError where two have one name: history could not tell them apart."""
    found = [read(row) for row in rows]
    names = [name for name, _value in found]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise UserError(f"{path}: {axis}: two are named {twice!r}; give each a name of its own")
    return found


def _tree(here: Path, row: str | TreeRow) -> tuple[str, str]:
    spec, name = (row, "") if isinstance(row, str) else (row.tree, row.name)
    return name or _called(spec), tree_from(here, spec)


def _series(here: Path, row: str | SeriesRow) -> tuple[str, str]:
    spec, name = (row, "") if isinstance(row, str) else (row.series, row.name)
    return name or (_called(spec) if spec else "none"), spec and series_from(here, spec)


def _plan(here: Path, row: str | PlanRow) -> tuple[str, tuple[Plan, Path]]:
    spec, name = (row, "") if isinstance(row, str) else (row.plan, row.name)
    path = (here / Path(spec).expanduser()).resolve()
    plan = load_plan(path)
    if isinstance(row, PlanRow) and row.set is not None:
        given = {field.name: getattr(row.set, field.name) for field in msgspec.structs.fields(row.set)}
        plan = replace(plan, **{key: value for key, value in given.items() if value is not msgspec.UNSET})
    return name or plan.name, (plan, path)


def _called(spec: str) -> str:
    """A name for a path, a repository's branch or an address: its last part."""
    last = without_checksum(spec).rstrip("/").rpartition("/")[2].removesuffix(".git")
    return _UNFIT.sub("-", last).strip("-.")[:60] or "unnamed"


def _entry(
    path: Path,
    tree: tuple[str, str],
    series: tuple[str, str],
    base: tuple[str, tuple[Plan, Path]],
    profile: str,
) -> Entry:
    """One entry of the matrix: the plan as it is run. UserError where its parts do not go together."""
    name, (plan, origin) = base
    plan = replace(plan, tree=tree[1], series=series[1], ask=Ask())
    if profile:
        plan = replace(
            plan, kconfig=profile, cells=tuple(c for c in plan.cells if c.startswith(f"{profile}-"))
        )
    check_plan(plan, path)
    return Entry(
        tree=tree[0],
        series=series[0],
        plan_name=name,
        kconfig=profile or "+".join(plan.profiles),
        plan=plan,
        origin=str(origin),
    )


def _matches(rule: Without, entry: Entry) -> bool:
    pairs = (
        (rule.tree, entry.tree),
        (rule.series, entry.series),
        (rule.plan, entry.plan_name),
        (rule.kconfig, entry.kconfig),
    )
    return any(wanted for wanted, _has in pairs) and all(not wanted or wanted == has for wanted, has in pairs)


def _words(rule: Without) -> str:
    given = msgspec.structs.asdict(rule)
    return ", ".join(f"{key}: {value}" for key, value in given.items() if value) or "an empty row"
