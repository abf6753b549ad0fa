# SPDX-License-Identifier: GPL-2.0-only
"""The patches of a series as a run keeps them: readable, and not more than a report can use."""

from __future__ import annotations

from collections.abc import Iterable

from harness.pipeline.model import PatchText
from harness.series.model import Patch

_MOST = 1 << 20
"""bytes of all diffs together; ``run.json`` is rewritten after every step"""


def texts(patches: Iterable[Patch]) -> tuple[PatchText, ...]:
    """Each of *patches*; those behind the first MiB of diff are cut, with what is missing counted."""
    left = _MOST
    kept = []
    for patch in patches:
        data = patch.diff
        if len(data) > left:
            data = data[: data.rfind(b"\n", 0, left) + 1]
        left -= len(data)
        text = data.decode("utf-8", "backslashreplace")
        cut = len(patch.diff) - len(data)
        kept.append(PatchText(number=patch.number, author=patch.author, diff=text, left_out=cut))
    return tuple(kept)
