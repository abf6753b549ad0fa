# SPDX-License-Identifier: GPL-2.0-only
"""A bisection's request that looks at one cell, one workload, or both."""

from __future__ import annotations

from msgspec.structs import replace

from harness.errors import UserError
from harness.pipeline.bench import Request


def narrowed(request: Request, cell: str, workload: str) -> Request:
    """*request* with nothing but *cell* (``PROFILE-IFACE``) and *workload*; empty for all there are.

    UserError for a cell that the plan does not have.
    """
    plan = request.plan
    if cell:
        there = ["-".join(pair) for pair in plan.matrix]
        if cell not in there:
            raise UserError(f"--cell {cell}: the plan has {', '.join(there)}")
        plan = replace(plan, cells=(cell,))
    if workload:
        plan = replace(plan, workloads=(workload,), external=())
    return replace(request, plan=plan)
