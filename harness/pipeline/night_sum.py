# SPDX-License-Identifier: GPL-2.0-only
"""What a night adds up to. Pure."""

from __future__ import annotations

from harness.errors import UserError
from harness.pipeline.night_model import Change, Night
from harness.pipeline.standing import Standing
from harness.verdict import Verdict, exit_code, gravest

TOLD = (Standing.NEW, Standing.STILL, Standing.FLAKY, Standing.FIXED)
"""what is said of a case, gravest first"""


def changes_of(night: Night, *standings: Standing) -> tuple[Change, ...]:
    """The changes of all entries, in the order of *standings*."""
    return tuple(
        change
        for standing in standings
        for outcome in night.outcomes
        for change in outcome.changes
        if change.stand.standing is standing
    )


def sum_up(night: Night) -> tuple[Verdict, str]:
    """The night's verdict, and why in one line."""
    verdict = gravest(outcome.verdict for outcome in night.outcomes)
    counts = [(len(changes_of(night, standing)), standing.value) for standing in TOLD]
    words = [f"{count} {_many(what, count)}" for count, what in counts if count]
    for told, what in ((Verdict.BROKEN, "broken"), (Verdict.INFRA, "spoilt by the machine")):
        count = sum(outcome.verdict is told for outcome in night.outcomes)
        words += [f"{count} of {len(night.entries)} entries {what}"] if count else []
    left = sum(outcome.verdict is Verdict.SKIP for outcome in night.outcomes)
    words += [f"{left} of {len(night.entries)} entries left out"] if left else []
    passed = sum(outcome.verdict is Verdict.PASS for outcome in night.outcomes)
    return verdict, ", ".join([*words, f"{passed} of {len(night.entries)} entries pass"])


def night_code(night: Night) -> int:
    """The command's exit code: 2 where nothing is worse than input that cannot be used."""
    broken = [outcome for outcome in night.outcomes if outcome.verdict is Verdict.BROKEN]
    if night.verdict is Verdict.BROKEN and broken and all(outcome.input_error for outcome in broken):
        return UserError.exit_code
    return exit_code(night.verdict)


def _many(what: str, count: int) -> str:
    return f"{what}s" if what == Standing.NEW and count > 1 else what
