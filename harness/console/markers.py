# SPDX-License-Identifier: GPL-2.0-only
"""Which case a report belongs to. The guest writes ``memcg-harness: case NAME begin|end`` to /dev/kmsg."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Sequence

from harness.console.lines import Lines, message, seeker
from harness.console.model import Report

_OURS = seeker(["memcg-harness: case "])
_BEGIN = re.compile(r"memcg-harness: case (?P<name>[A-Za-z0-9._-]{1,64}) begin")


def by_case(console: str, reports: Sequence[Report]) -> dict[str, tuple[Report, ...]]:
    """*reports* by the case that began last before they did; under ``""`` those before any case.

    What comes between a case's end and the next one's beginning stays with the case: nothing
    else ran that it could come from. Cases without reports are absent.
    """
    lines = Lines(_OURS)
    begins = [(0, "")]
    for offset, line in itertools.chain(lines.feed(console.encode("utf-8", "replace")), lines.rest()):
        match = _BEGIN.match(message(line))
        if match:
            begins.append((offset, match["name"]))
    offsets = [offset for offset, _name in begins]
    cases: dict[str, tuple[Report, ...]] = {}
    for report in reports:
        name = begins[bisect_right(offsets, report.offset) - 1][1]
        cases[name] = (*cases.get(name, ()), report)
    return cases
