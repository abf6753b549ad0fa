# SPDX-License-Identifier: GPL-2.0-only
"""A damaged hunk laid along a file: which of its lines is which of the file's.

Lines are compared by :func:`harness.series.repair_text.key`. A line that begins with ``+`` or ``-`` may
also be context (``- an item`` in a comment); what the file has there decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.series.repair_text import key

_AS_CONTEXT = 0.3
"""a line with a marker read as context: possible, but the marker is more likely"""
_SKIP_BLANK = 0.1


class Row(msgspec.Struct, frozen=True):
    """One line of a repaired hunk."""

    mark: str
    """blank, ``-`` or ``+``"""
    text: str
    """the file's line; where there is none (``at`` is -1), what is left of the patch's, without marker"""
    at: int
    """0-based line of the file, or -1"""
    filled: bool = False
    """the file has this line, the damaged hunk has not"""


class Shape(msgspec.Struct, frozen=True):
    """A hunk's lines with their keys, worked out once."""

    lines: tuple[str, ...]
    keys: tuple[str, ...]
    """of the whole line, marker included"""
    bodies: tuple[str, ...]
    """of the line without its first character"""


class Costs(msgspec.Struct, frozen=True):
    """What it costs when a hunk and the file do not agree; an exact alignment allows neither."""

    context: float
    """a context line that the file does not have"""
    blank: float
    """the same, for a blank line"""
    skip: float
    """a line of the file, not blank, that the hunk does not have"""


_Step = tuple[float, int, str]
"""cost so far, file line before this step, and what the step was"""
_Steps = dict[int, _Step]


def shape(lines: Sequence[str]) -> Shape:
    """*lines* of a damaged hunk with their keys."""
    keys = tuple(key(line) for line in lines)
    return Shape(
        lines=tuple(lines), keys=keys, bodies=tuple(k[1:] if k[:1] in ("+", "-") else k for k in keys)
    )


def exact(hunk: Shape, keys: Sequence[str], texts: Sequence[str], start: int, stop: int) -> list[Row] | None:
    """The hunk over exactly the lines *start* to *stop* of the file, blank lines alone filled in; or None."""
    if start < 0 or stop > len(keys):
        return None
    found = _walk(hunk, keys, {start: (0.0, start, "")}, stop, None)
    if found is None or stop not in found[-1]:
        return None
    return _rows(hunk, texts, found, stop)[1]


def loose(
    hunk: Shape, keys: Sequence[str], texts: Sequence[str], start: int, stop: int, costs: Costs
) -> tuple[float, list[Row]] | None:
    """The cheapest way to lay the hunk somewhere into *start* to *stop*; cost and rows, or None."""
    begin: _Steps = {j: (0.0, j, "") for j in range(max(start, 0), min(stop, len(keys)) + 1)}
    found = _walk(hunk, keys, begin, min(stop, len(keys)), costs)
    if found is None or not found[-1]:
        return None
    end = min(found[-1], key=lambda j: (found[-1][j][0], j))
    return _rows(hunk, texts, found, end)


def _walk(
    hunk: Shape, keys: Sequence[str], begin: _Steps, stop: int, costs: Costs | None
) -> list[_Steps] | None:
    """Dynamic programming: after each of the hunk's lines, the cheapest way to each line of the file."""
    layers: list[_Steps] = [_skipped(dict(begin), keys, stop, costs) if costs is None else dict(begin)]
    for number in range(len(hunk.lines)):
        layer: _Steps = {}
        for j, (cost, _, _) in layers[-1].items():
            for extra, ahead, op in _options(hunk, number, keys[j] if j < stop else None, costs):
                target = j + ahead
                if target not in layer or cost + extra < layer[target][0]:
                    layer[target] = (cost + extra, j, op)
        if not layer:
            return None
        layers.append(
            _skipped(layer, keys, stop, costs) if number + 1 < len(hunk.lines) or not costs else layer
        )
    return layers


def _options(
    hunk: Shape, number: int, there: str | None, costs: Costs | None
) -> list[tuple[float, int, str]]:
    """How one line of the hunk can go on the file's line *there*: extra cost, file lines used, marker."""
    whole, body = hunk.keys[number], hunk.bodies[number]
    mark = whole[:1]
    options: list[tuple[float, int, str]] = []
    if mark == "+":
        options.append((0.0, 0, "+"))
    elif mark == "-" and body == there:
        options.append((0.0, 1, "-"))
    if whole == there:
        options.append((_AS_CONTEXT if mark in ("+", "-") else 0.0, 1, " "))
    elif costs is not None and mark not in ("+", "-"):
        options.append((costs.context if whole else costs.blank, 0, "?"))
    return options


def _skipped(layer: _Steps, keys: Sequence[str], stop: int, costs: Costs | None) -> _Steps:
    """*layer* with the ways added that pass over lines of the file."""
    for j in sorted(layer):
        at, cost = j, layer[j][0]
        while at < stop:
            if keys[at] and costs is None:
                break
            cost += _SKIP_BLANK if not keys[at] or costs is None else costs.skip
            at += 1
            if at in layer and layer[at][0] <= cost:
                break
            layer[at] = (cost, at - 1, "s")
    return layer


def _rows(hunk: Shape, texts: Sequence[str], layers: list[_Steps], end: int) -> tuple[float, list[Row]]:
    """Back along the cheapest way. Blank lines passed over between the hunk's lines become context."""
    rows: list[Row] = []
    j, total = end, layers[-1][end][0]
    number = len(hunk.lines)
    while number >= 0:
        _, before, op = layers[number][j]
        if op == "s":
            blank = not texts[before].strip()
            rows.append(Row(" " if blank else "s", texts[before], before, filled=True))
            j = before
            continue
        if op == "":
            break
        line = hunk.lines[number - 1]
        if op == "+":
            rows.append(Row("+", line[1:], -1))
        elif op == "?":
            rows.append(Row(" ", line, -1))
        else:
            rows.append(Row(op, texts[before], before))
        j, number = before, number - 1
    rows.reverse()
    return total, rows
