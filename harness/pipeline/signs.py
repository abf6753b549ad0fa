# SPDX-License-Identifier: GPL-2.0-only
"""What a failed case shows, to be known again by."""

from __future__ import annotations

from harness.pipeline.cell import BOOT
from harness.pipeline.corpus import CONSOLE
from harness.pipeline.model import Case


def signs_of(case: Case) -> tuple[str, ...]:
    """What a failed *case* shows, in the words that the corpus states signs in."""
    reports = [CONSOLE + report.kind for report in case.reports if report.severity != "note"]
    checks = [check.name for check in case.checks if not check.kept]
    signs = list(dict.fromkeys([*reports, *checks]))
    if case.name == BOOT:
        signs.append("boot")
    elif case.ending:
        signs.append("hang" if case.ending == "hung" else case.ending)
    return tuple(signs) or ("workload",)
