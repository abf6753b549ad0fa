# SPDX-License-Identifier: GPL-2.0-only
"""Where the hunks of one file land, and why one does not, told in words.

First those that stand in the file byte for byte (harness.tree.exact), as git apply has it but for
copies of the same lines; then the others, between them, laid over a virtual base and merged
(harness.tree.virtual). A hunk of which the place is not proven goes nowhere.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import msgspec

from harness.series.hunks import HunkLines
from harness.tree.exact import Exact, expected, place_exactly
from harness.tree.image import Image
from harness.tree.mismatch import mismatch
from harness.tree.model import Conflict, HunkLanding
from harness.tree.virtual import Edit, Laid, Span, lay_over

_TRIES = 200
"""inexact hunks of one file that are looked for; a file with more of them is another file"""
_PLACES = 5
_SHOWN = 80


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """One file after its hunks."""

    data: bytes
    """as far as it goes where one was rejected; with the patch's side of conflicts"""
    hunks: tuple[HunkLanding, ...]
    base: bytes = b""
    """the virtual base: the file with the old side of each inexact hunk laid over it"""
    target: bytes = b""
    """the virtual base with the hunks on"""
    starts: tuple[tuple[int, int], ...] = ()
    """for each hunk its 1-based lines in ``base`` and in ``target``; meaningless for a rejected one"""
    refused: bool = False
    """the file as a whole cannot be patched; the other fields say nothing"""

    @property
    def whole(self) -> bool:
        """True when every hunk went on."""
        return all(hunk.status not in ("rejected", "conflict") for hunk in self.hunks)

    @property
    def inexact(self) -> bool:
        """True when the file is not its own virtual base."""
        return any(hunk.status in ("fuzz", "merged") for hunk in self.hunks)


class _Put(msgspec.Struct, frozen=True):
    """A hunk that has its place."""

    number: int
    region: Span
    edits: tuple[Edit, ...]


class _Placed:
    """The hunks of a file that have their places, no two with a line in common."""

    def __init__(self) -> None:
        self._by_number: dict[int, _Put] = {}
        self._numbers: list[int] = []
        self._regions: list[Span] = []

    def put(self, number: int, region: Span, edits: tuple[Edit, ...]) -> bool:
        """Give hunk *number* its place; False when another hunk has lines of *region*."""
        at = bisect_left(self._regions, region)
        if (at and self._regions[at - 1][1] > region[0]) or (
            at < len(self._regions) and region[1] > self._regions[at][0]
        ):
            return False
        self._regions.insert(at, region)
        insort(self._numbers, number)
        self._by_number[number] = _Put(number, region, edits)
        return True

    def window(self, number: int, count: int) -> Span:
        """Between the hunks before and after; the whole file when these are out of order."""
        at = bisect_left(self._numbers, number)
        first = self._by_number[self._numbers[at - 1]].region[1] if at else 0
        end = self._by_number[self._numbers[at]].region[0] if at < len(self._numbers) else count
        return (first, end) if first <= end else (0, count)

    def ordered(self) -> list[_Put]:
        """As they stand in the file."""
        return sorted(self._by_number.values(), key=lambda one: (one.region, one.number))


def land(data: bytes, hunks: tuple[HunkLines, ...], file: str, *, same_base: bool = False) -> Landed:
    """Put *hunks* on the contents *data* of *file*, each where it belongs.

    *same_base*: *data* is known to be what the patch was made from, so that headers are believed.
    """
    image = Image(data)
    exact = place_exactly(image, hunks, same_base)
    landings: dict[int, HunkLanding] = {}
    placed = _Placed()
    for number, (hunk, place) in enumerate(zip(hunks, exact, strict=True)):
        region = (place.at, place.at + len(hunk.old))
        if place.at >= 0 and placed.put(number, region, (Edit(*region, hunk.new),)):
            landings[number] = _at(file, number, hunk, place.at)
    tries = 0
    for number, (hunk, place) in enumerate(zip(hunks, exact, strict=True)):
        if number in landings:
            continue
        laid = None
        if not place.ambiguous and hunk.old and tries < _TRIES:
            tries += 1
            laid = lay_over(image, hunk, placed.window(number, len(image.lines)))
        if laid is not None and laid.found and placed.put(number, laid.region, laid.edits):
            landings[number] = _merged(file, number, laid)
        else:
            landings[number] = _rejected(file, number, image, hunk, place, laid)
    return _composed(image, hunks, placed.ordered(), tuple(landings[number] for number in range(len(hunks))))


def _at(file: str, number: int, hunk: HunkLines, at: int) -> HunkLanding:
    offset = at - expected(hunk)
    status = "offset" if offset else "clean"
    return HunkLanding(file=file, hunk=number + 1, status=status, offset=offset, line=at + 1)


def _merged(file: str, number: int, laid: Laid) -> HunkLanding:
    if laid.conflicts:
        status = "conflict"
        reason = _conflicting(laid.conflicts)
    elif not laid.fuzz:
        status, reason = (
            "offset",
            "not at the file's beginning, as its header has it, but nowhere else either",
        )
    elif laid.fuzz > 0:
        status, reason = "fuzz", "the lines at its ends are others here; those beside the changes are there"
    else:
        status, reason = "merged", "lines around the changes are others here; those beside them are there"
    return HunkLanding(
        file=file,
        hunk=number + 1,
        status=status,
        offset=laid.offset,
        fuzz=max(0, laid.fuzz) if status == "fuzz" else 0,
        reason=reason,
        line=laid.region[0] + 1,
        conflicts=laid.conflicts,
    )


def _conflicting(conflicts: tuple[Conflict, ...]) -> str:
    """Which lines, and the first that differs."""
    one = conflicts[0]
    lines = f"lines {one.line} to {one.line + one.count - 1}" if one.count > 1 else f"line {one.line}"
    more = f", and in {len(conflicts) - 1} more places" if len(conflicts) > 1 else ""
    same = next(
        (at for at, pair in enumerate(zip(one.base, one.ours, strict=False)) if len(set(pair)) > 1), -1
    )
    if same < 0:
        same = min(len(one.base), len(one.ours))
    if one.base == one.ours:
        return f"conflict at {lines}{more}: the lines beside it are others, and do not prove its place"
    expected_, found = (
        "'{}'".format(side[same][:_SHOWN].replace("\t", "\\t")) if same < len(side) else "nothing"
        for side in (one.base, one.ours)
    )
    return (
        f"conflict at {lines}{more}: the patch expected {expected_}, "
        f"the file has {found} at line {one.line + same}"
    )


def _rejected(
    file: str, number: int, image: Image, hunk: HunkLines, place: Exact, laid: Laid | None
) -> HunkLanding:
    options = place.options if place.ambiguous else laid.options if laid else ()
    if place.reason:
        reason = place.reason
    elif laid is not None and laid.there and not image.find(hunk.new):
        reason = "is in the tree already, as far as its lines tell"
    elif options:
        lines = ", ".join(str(at + 1) for at in options[:_PLACES])
        reason = f"nearly fits at several places, and nothing decides: lines {lines}"
    else:
        reason = mismatch(image, hunk, expected(hunk))
    candidates = tuple(at + 1 for at in options)
    return HunkLanding(file=file, hunk=number + 1, status="rejected", reason=reason, candidates=candidates)


def _composed(
    image: Image, hunks: tuple[HunkLines, ...], placed: list[_Put], landings: tuple[HunkLanding, ...]
) -> Landed:
    """The file, its virtual base and that base's target, all out of what was put where."""
    base = [Edit(*one.region, hunks[one.number].old) for one in placed]
    target = [Edit(*one.region, hunks[one.number].new) for one in placed]
    starts = [(0, 0)] * len(hunks)
    in_base = in_target = 0
    for one in placed:
        hunk, (first, end) = hunks[one.number], one.region
        starts[one.number] = (first + in_base + 1, first + in_target + 1)
        in_base += len(hunk.old) - (end - first)
        in_target += len(hunk.new) - (end - first)
    return Landed(
        data=_edited(image, [edit for one in placed for edit in one.edits]),
        hunks=landings,
        base=_edited(image, base),
        target=_edited(image, target),
        starts=tuple(starts),
    )


def _edited(image: Image, edits: list[Edit]) -> bytes:
    """The file with *edits*, in order and apart from each other, made in it."""
    parts: list[bytes] = []
    at = 0
    for edit in edits:
        parts += image.lines[at : edit.first]
        parts += edit.lines
        at = edit.end
    parts += image.lines[at:]
    return b"".join(parts)
