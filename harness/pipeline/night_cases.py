# SPDX-License-Identifier: GPL-2.0-only
"""A run's cases as history knows them, and which new failure is worth a bisection. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from harness.pipeline.judge import base_cases, blamed_cases, like
from harness.pipeline.model import Cell, Run
from harness.pipeline.night_model import CaseName, Change, Entry, Judged
from harness.pipeline.plan import Plan
from harness.pipeline.standing import Standing
from harness.verdict import Verdict

WHOLE = "run"
"""the case that stands for what the run came to beside its cases: a build that failed, findings, an error"""


def judged(entry: Entry, run: Run) -> tuple[Judged, ...]:
    """Every case of *run*, and :data:`WHOLE`."""
    cases = [
        Judged(case=case_name(entry, cell, case.name), verdict=case.verdict, reason=case.reason)
        for cell in run.cells
        for case in cell.cases
    ]
    explained = any(one.verdict is run.verdict for one in cases) or run.verdict is Verdict.PASS
    verdict, reason = (Verdict.PASS, "") if explained else (run.verdict, run.reason)
    return (*cases, whole(entry, verdict, reason))


def whole(entry: Entry, verdict: Verdict, reason: str) -> Judged:
    """What *entry* came to beside its cases."""
    case = CaseName(
        tree=entry.tree,
        series=entry.series,
        plan=entry.plan_name,
        kconfig=entry.kconfig,
        kernel="",
        iface="",
        workload=WHOLE,
    )
    return Judged(case=case, verdict=verdict, reason=reason)


def case_name(entry: Entry, cell: Cell, workload: str) -> CaseName:
    """What history knows the case *workload* of *cell* by."""
    return CaseName(
        tree=entry.tree,
        series=entry.series,
        plan=entry.plan_name,
        kconfig=cell.profile or entry.kconfig,
        kernel=cell.kernel,
        iface=cell.iface,
        workload=workload,
    )


def plan_digest(plan: Plan) -> str:
    """The same for plans that ask for the same, whatever they are called and wherever tree and series lie."""
    bare = msgspec.structs.replace(plan, name="plan", about="", tree="", series="")
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()[:16]


def to_bisect(entry: Entry, run: Run, changes: Sequence[Change]) -> CaseName | None:
    """The first new failure that the series is to blame for; None where there is none."""
    new = {change.case for change in changes if change.stand.standing is Standing.NEW}
    base = base_cases(run.cells)
    for cell, case in blamed_cases(run.cells, base):
        good = base.get(like(cell, case))
        name = case_name(entry, cell, case.name)
        if name in new and (good is None or good.verdict is Verdict.PASS):
            return name
    return None
