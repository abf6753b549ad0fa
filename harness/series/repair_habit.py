# SPDX-License-Identifier: GPL-2.0-only
"""How a file is indented: which of the layout's rules its lines follow, and what that says of a new line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.series.repair_layout import Candidates, Layout
from harness.series.repair_text import lead, width

_NEAR = 40.0
"""lines over which a file's habits count more"""
_NEAR_WEIGHT = 4.0
_SPAN = 8.0
"""columns by which two brackets may differ and still say something of each other"""
_COLUMNS = 80
_TOO_LONG = 0.2
"""what is left of the likelihood of an indentation that makes the line longer than 80 columns"""
_PRIOR_WEIGHT = 6.0
"""lines of this file that the rates of other files are worth"""
_UNKNOWN = 0.002
"""share of a rule of which nothing is known"""
_UNEXPLAINED = 0.5
"""what a line of the file counts that no rule explains: it may follow one that does not hold here"""

_BEGUN, _CONTINUED = "beside begun", "beside continued"
"""keys of the rates of rules that look beyond the layout, for lines that begin something and lines that go
on: what such a rule is worth, all others together being 1"""

Rates = Mapping[str, Mapping[str, float]]
"""by class of line, the share of lines that follow each rule"""


class Seen(msgspec.Struct, frozen=True):
    """A line of the file as it was found: which rules were asked, and which of them were right."""

    line: int
    kind: str
    right: frozenset[str]
    span: int
    """columns from the statement's indentation to the open bracket; 0 where none is open"""
    base: str
    """the indentation of the statement that the line goes on with"""


class Study(msgspec.Struct, frozen=True):
    """What was learnt of a file."""

    seen: tuple[Seen | None, ...]
    """by 0-based line; None for blank lines"""
    kinds: dict[str, list[Seen]]
    layouts: dict[int, Layout]
    """the layout before the lines that were asked for"""


def study(lines: Sequence[str], stops: frozenset[int]) -> Study:
    """Read the file's *lines* once; keep the layout as it stands before each of *stops*."""
    layout = Layout()
    seen: list[Seen | None] = []
    kinds: dict[str, list[Seen]] = {}
    layouts: dict[int, Layout] = {}
    for number, line in enumerate(lines):
        if number in stops:
            layouts[number] = layout.snapshot()
        text = line.strip()
        if not text:
            seen.append(None)
        else:
            kind, found = layout.expect(text)
            indent = lead(line)
            right = frozenset(rule for rule, candidate in found.items() if candidate == indent)
            entry = Seen(number, kind, right, layout.span(), layout.base())
            seen.append(entry)
            kinds.setdefault(kind, []).append(entry)
        layout.feed(line)
    layouts[len(lines)] = layout
    return Study(tuple(seen), kinds, layouts)


class Choice(msgspec.Struct, frozen=True):
    indent: str
    confidence: float
    rule: str


class Asked(msgspec.Struct, frozen=True):
    """A line whose indentation is wanted."""

    kind: str
    found: Candidates
    near: int
    """0-based line of the file that it is near to"""
    span: int
    length: int
    """columns that its text takes"""
    votes: tuple[Seen, ...]
    """lines that it takes the place of"""


def choose(asked: Asked, file: Study, rates: Rates, weight: float) -> list[Choice]:
    """The indentations in *asked.found*, likeliest first; their confidences are shares of 1.

    Each line is taken to follow one rule, drawn from the rules' shares among lines of its class: those of
    other files, put right by this file's lines, more by those that are near or have a bracket as far to
    the right. An indentation that several rules give has the sum of their shares. What was right for one
    of the votes counts *weight* lines. The rules in the table's ``beside`` rows are not learnt from files.
    """
    kind, found = asked.kind, asked.found
    beside = rates.get(_CONTINUED if kind.startswith(("paren", "on ", "prose")) else _BEGUN, {})
    known = rates.get(kind) or rates.get(kind.split(" ", 1)[0], {})
    prior = {rule: known.get(rule, _UNKNOWN) for rule in found if rule not in beside}
    total = sum(prior.values()) or 1.0
    share = {rule: _PRIOR_WEIGHT * value / total for rule, value in prior.items()}
    unexplained = 0.0
    for entry, count in [
        *((entry, _relevance(entry, asked)) for entry in file.kinds.get(kind, ())),
        *((vote, weight) for vote in asked.votes),
    ]:
        right = [rule for rule in entry.right if rule in prior]
        mass = sum(prior[rule] for rule in right)
        if not right:
            unexplained += count * _UNEXPLAINED
        for rule in right:
            share[rule] += count * prior[rule] / mass
    total = sum(share.values()) + unexplained or 1.0
    share |= {rule: total * beside[rule] for rule in found if rule in beside}
    return _summed(asked, share, unexplained)


def _relevance(entry: Seen, asked: Asked) -> float:
    """How much a line of the file says of the one that is asked for."""
    near = 1.0 + _NEAR_WEIGHT / (1.0 + (abs(entry.line - asked.near) / _NEAR) ** 2)
    return near / (1.0 + (abs(entry.span - asked.span) / _SPAN) ** 2)


def _summed(asked: Asked, share: Mapping[str, float], unexplained: float) -> list[Choice]:
    """The shares of the rules as shares of the indentations; what leaves the line too long has less."""
    best: dict[str, tuple[float, str]] = {}
    for rule, indent in sorted(asked.found.items(), key=lambda item: -share[item[0]]):
        before, first = best.get(indent, (0.0, rule))
        best[indent] = (before + share[rule], first)
    for indent, (mass, rule) in best.items():
        if asked.span and width(indent) + asked.length > _COLUMNS:
            best[indent] = (mass * _TOO_LONG, rule)
    total = sum(mass for mass, _ in best.values()) + unexplained or 1.0
    choices = [Choice(indent, mass / total, rule) for indent, (mass, rule) in best.items()]
    return sorted(choices, key=lambda choice: -choice.confidence)
