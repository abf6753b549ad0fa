# SPDX-License-Identifier: GPL-2.0-only
"""Cases over the nights: a mark for each of the last nights, of every case that did not pass in them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.pipeline.standing import Seen, Standing
from harness.report.history import open_history
from harness.report.history_view import Record, records
from harness.report.html import page_below
from harness.report.night import standing_words
from harness.verdict import Verdict

_NIGHTS = 14
_CASES = 200
_ORDER = (Standing.NEW, Standing.STILL, Standing.FLAKY, Standing.FIXED, Standing.UNTOLD, Standing.PASSES)


class Stripe(msgspec.Struct, frozen=True, kw_only=True):
    """A case in one night."""

    night: str
    verdict: str = ""
    """empty where the night did not have it"""
    page: str = ""
    """the run's report, relative to the results directory; empty where it is gone"""

    @property
    def letter(self) -> str:
        """The verdict's first, in capitals but for a pass and what was skipped."""
        small = self.verdict in (Verdict.PASS, Verdict.SKIP)
        return self.verdict[:1] if small else self.verdict[:1].upper()


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """A case, and what it came to in each of the nights."""

    case: str
    standing: str
    stripes: tuple[Stripe, ...]


class Strips(msgspec.Struct, frozen=True, kw_only=True):
    """The last nights, oldest first, and the cases that did not pass in all of them, gravest first."""

    nights: tuple[str, ...] = ()
    total: int = 0
    """cases that history knows"""
    cases: tuple[Strip, ...] = ()
    left_out: int = 0
    trouble: str = ""
    """why history could not be read"""


def strips(results: Path) -> Strips:
    """Out of the history in *results*; UserError or InfraError when it cannot be read."""
    with open_history(results, new=False) as history:
        nights = [one["night"] for one in history.nights()][-_NIGHTS:]
        known = records(history, _NIGHTS, "")
    told = [one for one in known if _tells(one, nights)]
    told.sort(key=lambda one: (_ORDER.index(one.stand.standing), str(one.case)))
    return Strips(
        nights=tuple(nights),
        total=len(known),
        cases=tuple(
            Strip(
                case=str(one.case),
                standing=standing_words(one.stand),
                stripes=_stripes(results, one.seen, nights),
            )
            for one in told[:_CASES]
        ),
        left_out=max(0, len(told) - _CASES),
    )


def _tells(record: Record, nights: Sequence[str]) -> bool:
    """Whether something other than a pass or a skip came of it in one of *nights*."""
    calm = (Verdict.PASS, Verdict.SKIP)
    return any(one.verdict not in calm and one.night in nights for one in record.seen)


def _stripes(results: Path, seen: Sequence[Seen], nights: Sequence[str]) -> tuple[Stripe, ...]:
    known = {one.night: one for one in seen}
    return tuple(
        Stripe(night=night, verdict=known[night].verdict.value, page=page_below(results, _run(known[night])))
        if night in known
        else Stripe(night=night)
        for night in nights
    )


def _run(seen: Seen) -> str:
    return f"{seen.night}/{seen.run}" if seen.run else ""
