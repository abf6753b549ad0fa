# SPDX-License-Identifier: GPL-2.0-only
"""Where in a file the hunks of a damaged patch belong.

The counts of a hunk's header say how many lines of the file it covers; so a place is right when those
lines, and no others, are the hunk's, but for blank ones that were dropped. Where more than one place is
right, the header's line numbers and the other hunks' offsets decide; where they do not, nobody does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from harness.series.model import DamagedHunk
from harness.series.repair_align import Costs, Row, Shape, exact, loose, shape

_PLACES = 64
"""places looked at for one hunk; a line of the hunk that is at more places in the file proves nothing"""
_DIAGONALS = 6
_BAND = 24
_LONGEST = 4000
"""lines of a hunk that does not fit exactly, beyond which the search for a near fit would take too long"""
_PLAIN = 4
"""characters of a line, blanks not counted, up to which it is at home anywhere: braces, ``*/``, ``out:``"""
_TELLING = 2
_SIGNATURE = ("--", "---", "-- ")


class Placement(msgspec.Struct, frozen=True):
    """A hunk's place, or why it has none."""

    rows: tuple[Row, ...]
    start: int
    """0-based line of the file at which the old side begins"""
    cost: float
    """0 when every line of the old side is the file's"""
    candidates: tuple[int, ...] = ()
    """1-based lines at which it could be, where that is why it has no place"""
    reason: str = ""
    """why it has no place; empty when it has one"""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a near fit costs and how much it may cost (configs/repair.yaml)."""

    context: float
    blank: float
    skip: float
    refuse: float
    margin: float


class Lined(msgspec.Struct, frozen=True):
    """A file as lines without LF, their keys, and where each key is."""

    texts: tuple[str, ...]
    keys: tuple[str, ...]
    places: dict[str, list[int]]


def place(hunks: Sequence[DamagedHunk], file: Lined, limits: Limits) -> list[Placement]:
    """A placement for each of *hunks*, in order."""
    last = len(hunks) - 1
    found = [_everywhere(hunk, file, at == last) for at, hunk in enumerate(hunks)]
    sure = [
        fits[0].start - _start(hunk) if len(fits) == 1 else None
        for hunk, fits in zip(hunks, found, strict=True)
    ]
    placed: list[Placement] = []
    floor = 0
    for at, hunk in enumerate(hunks):
        before = next((offset for offset in reversed(sure[:at]) if offset is not None), None)
        after = next((offset for offset in sure[at + 1 :] if offset is not None), None)
        likely = {offset for offset in (before, after) if offset is not None} or {0}
        fit = _decided(hunk, found[at], likely) if found[at] else _near(hunk, file, limits, likely)
        if not fit.reason and fit.start < floor:
            fit = _refused(f"fits only at line {fit.start + 1}, before the end of the hunk before it")
        placed.append(fit)
        floor = max([floor, *(row.at + 1 for row in fit.rows)])
    return placed


def _refused(reason: str, candidates: Sequence[int] = ()) -> Placement:
    return Placement((), 0, 0.0, tuple(candidates), reason)


def _start(hunk: DamagedHunk) -> int:
    """0-based line at which the header puts the old side; an empty old side is put after its line."""
    return hunk.old_start - 1 if hunk.old_count else hunk.old_start


def _everywhere(hunk: DamagedHunk, file: Lined, last: bool) -> list[Placement]:
    """Every place at which the hunk fits exactly, the header's first."""
    for lines in _readings(hunk, last):
        form = shape(lines)
        fits = (_fit(hunk, form, file, start) for start in _starts(hunk, form, file))
        found = [fit for fit in fits if fit is not None]
        if found:
            return found
    return []


def _readings(hunk: DamagedHunk, last: bool) -> list[tuple[str, ...]]:
    """The hunk's lines; without blank lines after its end; the last hunk also without a mail signature."""
    lines = tuple(line for line in hunk.lines if not line.startswith("\\"))
    readings = [lines]
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
        readings.append(lines[:end])
    if last and len(readings) < _PLACES:
        cuts = [at for at, line in enumerate(lines) if line in _SIGNATURE]
        for at in reversed(cuts[-3:]):
            readings += [lines[:at], lines[: at - 1]] if at and not lines[at - 1] else [lines[:at]]
    return readings[:_PLACES]


def _starts(hunk: DamagedHunk, form: Shape, file: Lined) -> list[int]:
    """Lines of the file at which the old side may begin: the header's, and those that a rare line gives."""
    starts = dict.fromkeys([_start(hunk)])
    old = [
        (number, form.bodies[number] if whole[:1] == "-" else whole)
        for number, whole in enumerate(form.keys)
        if whole[:1] != "+"
    ]
    spare = hunk.old_count - len(old)
    if spare < 0:
        return list(starts)
    rare = min(
        ((len(file.places.get(text, ())), before, text) for before, (_, text) in enumerate(old) if text),
        default=None,
    )
    if rare is not None and rare[0] <= _PLACES:
        for there in file.places.get(rare[2], ()):
            for dropped in range(min(spare, 16) + 1):
                starts.setdefault(there - rare[1] - dropped)
    return list(starts)


def _fit(hunk: DamagedHunk, form: Shape, file: Lined, start: int) -> Placement | None:
    rows = exact(form, file.keys, file.texts, start, start + hunk.old_count)
    if rows is None or sum(row.mark != "-" for row in rows) != hunk.new_count:
        return None
    return Placement(tuple(rows), start, 0.0)


def _decided(hunk: DamagedHunk, fits: list[Placement], likely: set[int]) -> Placement:
    """The one of the hunk's exact places that has an offset which its neighbours have too."""
    agreeing = [fit for fit in fits if fit.start - _start(hunk) in likely]
    if len(agreeing) == 1:
        return agreeing[0]
    if len(fits) == 1 and _telling(fits[0].rows) >= _TELLING:
        return fits[0]
    at = sorted(fit.start + 1 for fit in fits)
    shown = ", ".join(str(line) for line in at[:8])
    if len(fits) == 1:
        return _refused(f"fits at line {shown}, but too little of it is telling to prove that", at)
    return _refused(f"fits equally well at lines {shown}", at)


def _telling(rows: Sequence[Row]) -> int:
    """Different lines of the old side, found in the file, that are more than braces and the like."""
    return len({text for row in rows if row.at >= 0 and len(text := "".join(row.text.split())) > _PLAIN})


def _near(hunk: DamagedHunk, file: Lined, limits: Limits, likely: set[int]) -> Placement:
    """The cheapest near fit, if it is cheap enough and no other place is nearly as cheap."""
    if len(hunk.lines) > _LONGEST:
        return _refused("does not fit, and is too long to be searched for")
    form = shape(hunk.lines)
    tries = [
        fit
        for diagonal in _diagonals(hunk, form, file, likely)
        if (fit := _tried(hunk, form, file, diagonal, limits))
    ]
    if not tries:
        return _refused(_nowhere(hunk, form, file))
    tries.sort(key=lambda fit: (fit.cost, abs(fit.start - _start(hunk))))
    best = tries[0]
    if best.cost > limits.refuse or _telling(best.rows) < _TELLING:
        return _refused(f"fits nowhere; nearest at line {best.start + 1}, at a cost of {best.cost:.1f}")
    rivals = [fit for fit in tries if fit.start != best.start and fit.cost < best.cost + limits.margin]
    if rivals and best.start - _start(hunk) not in likely:
        at = sorted({best.start + 1, *(fit.start + 1 for fit in rivals)})
        return _refused(f"fits about equally well at lines {', '.join(map(str, at[:8]))}", at)
    return best


def _diagonals(hunk: DamagedHunk, form: Shape, file: Lined, likely: set[int]) -> list[int]:
    """Lines at which the old side may begin, roughly: those that most of its rarer lines agree on."""
    votes: Counter[int] = Counter()
    before = 0
    for whole, body in zip(form.keys, form.bodies, strict=True):
        if whole[:1] == "+":
            continue
        places = file.places.get(body if whole[:1] == "-" else whole, ())
        if len(body) > _PLAIN and len(places) <= _PLACES:
            votes.update(there - before for there in places)
        before += 1
    first = [_start(hunk) + offset for offset in sorted(likely)]
    return list(dict.fromkeys([*first, *(start for start, _ in votes.most_common(_DIAGONALS))]))


def _tried(hunk: DamagedHunk, form: Shape, file: Lined, diagonal: int, limits: Limits) -> Placement | None:
    costs = Costs(context=limits.context, blank=limits.blank, skip=limits.skip)
    length = sum(whole[:1] != "+" for whole in form.keys)
    found = loose(form, file.keys, file.texts, diagonal - _BAND, diagonal + length + _BAND, costs)
    if found is None:
        return None
    cost, rows = found
    kept = _counted(rows, hunk)
    first = next((number for number, row in enumerate(kept) if row.at >= 0), None)
    if first is None:
        return None
    start = kept[first].at - sum(row.mark != "+" for row in kept[:first])
    return Placement(tuple(kept), max(start, 0), cost)


def _counted(rows: Sequence[Row], hunk: DamagedHunk) -> list[Row]:
    """*rows* with as many of the file's blank lines put in as the header's counts say are missing."""
    missing = hunk.old_count - sum(row.mark != "+" and bool(row.filled is False) for row in rows)
    kept: list[Row] = []
    for row in rows:
        if row.filled:
            if missing <= 0 or row.mark == "s":
                continue
            missing -= 1
        kept.append(row)
    return kept


def _nowhere(hunk: DamagedHunk, form: Shape, file: Lined) -> str:
    """Which removed line is not in the file, if that is why."""
    for line, whole, body in zip(hunk.lines, form.keys, form.bodies, strict=True):
        if whole[:1] == "-" and body and body not in file.places:
            return f"removes a line that the file does not have: {ascii(line[1:].strip())[:80]}"
    return f"fits nowhere near line {hunk.old_start}"
