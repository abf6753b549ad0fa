# SPDX-License-Identifier: GPL-2.0-only
"""``harness build``: one kernel, of the tree with the first patches of the series on."""

from __future__ import annotations

from harness.build.kernel import BuildFailed
from harness.build.model import Kernel
from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import Listener
from harness.pipeline.bench import Bench, Request


def build_one(request: Request, upto: int | None, listener: Listener, deadline: Deadline) -> Kernel:
    """The kernel with the first *upto* patches on (None: all), of the plan's first profile.

    UserError when it does not compile.
    """
    with Bench(request, listener, deadline) as bench:
        total = len(bench.series.patches)
        count = total if upto is None else upto
        if not 0 <= count <= total:
            raise UserError(f"--upto {count}: {bench.series.name} has {total} patches; give 0 to {total}")
        try:
            return bench.kernel(count, f"{count}-of-{total}", request.plan.profiles[0])
        except BuildFailed as error:
            raise UserError(f"{bench.tree.origin} with {count} patches: {error}") from error
