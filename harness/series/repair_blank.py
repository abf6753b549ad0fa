# SPDX-License-Identifier: GPL-2.0-only
"""Where among added lines a blank context line goes that was dropped.

The file says between which of its lines it is; where lines are added in the same place, before or
after which of them is a guess: where kernel code has blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from math import prod

from harness.series.repair_align import Row

_DECLARATION = re.compile(
    r"(?:const |static |unsigned |signed |volatile |extern )*"
    r"(?:struct|union|enum|int|long|char|unsigned|bool|void|pgoff_t|size_t|u?int\d+_t|[us]\d+|gfp_t|\w+_t)\b[\s*]+\w+(?:\[[^\]]*\])*\s*(?:[;,=]|__)"
)
_DIRECTIVE = re.compile(r"#\s*(\w+)")
_TRAILING_COMMENT = re.compile(r"\s*/\*[^*]*\*/$")
_LABEL = re.compile(r"(?:case\b[^?]*|default|\w+)\s*:$")
_MACRO = re.compile(r"[A-Z_0-9]{4,}\s*\(.*\)$")
_ENDS = (";", "}", "{", "*/", "\\")

_CONTEXT = 3
"""context lines around a change, as diff has it unless told otherwise"""
_PASSES = 6
_WAYS = 1500
_NEVER = -8.0


def settle(rows: Sequence[Row], length: int) -> tuple[list[Row], dict[int, float]]:
    """*rows* with each filled-in blank at its likeliest place; by number, how sure that is.

    *length* is that of the file in lines: at its ends a hunk has less context.
    """
    out = _jointly(rows, length)
    for _ in range(_PASSES):  # where one blank goes can depend on where the others are
        before = list(out)
        for number, row in enumerate(before):
            if row.filled:
                place, _ = _best(out, number, length)
                out.insert(place, out.pop(number))
        if out == before:
            break
    sure = {number: _best(out, number, length)[1] for number, row in enumerate(out) if row.filled}
    return out, sure


def _jointly(rows: Sequence[Row], length: int) -> list[Row]:
    """*rows* with the blanks where all together are likeliest; as it is if the ways are too many."""
    rest = [row for row in rows if not row.filled]
    blanks: list[Row] = []
    windows: list[range] = []
    for row in rows:
        if row.filled:
            at = _index(rows, row)
            first, last = at, at
            while first and rest[first - 1].mark == "+":
                first -= 1
            while last < len(rest) and rest[last].mark == "+":
                last += 1
            blanks.append(row)
            windows.append(range(first, last + 1))
    if not blanks or prod(map(len, windows)) > _WAYS:
        return list(rows)
    ways = (way for way in product(*windows) if list(way) == sorted(way))
    return max(
        (_laid(rest, blanks, way) for way in ways),
        key=lambda laid: sum(_here(laid, number, length) for number, row in enumerate(laid) if row.filled),
    )


def _index(rows: Sequence[Row], blank: Row) -> int:
    """How many rows that are not filled in stand before *blank*."""
    at = next(number for number, row in enumerate(rows) if row is blank)
    return sum(not row.filled for row in rows[:at])


def _laid(rest: Sequence[Row], blanks: Sequence[Row], way: Sequence[int]) -> list[Row]:
    out = list(rest)
    for blank, at in reversed(list(zip(blanks, way, strict=True))):
        out.insert(at, blank)
    return out


def _here(rows: Sequence[Row], number: int, length: int) -> float:
    """How likely the blank of row *number* is where it is."""
    first, last = _window(rows, number)
    rest = [*rows[:number], *rows[number + 1 :]]
    return _placed(rest, number, first, last - 1, rows[number], length)


def _window(rows: Sequence[Row], number: int) -> tuple[int, int]:
    """The added lines around row *number*, itself among them: where the first is, and behind the last."""
    first, last = number, number + 1
    while first and rows[first - 1].mark == "+":
        first -= 1
    while last < len(rows) and rows[last].mark == "+":
        last += 1
    return first, last


def _best(rows: Sequence[Row], number: int, length: int) -> tuple[int, float]:
    """The index that the blank of row *number* should have, and how sure that is."""
    first, last = _window(rows, number)
    if last - first == 1:
        return number, 1.0
    rest = [*rows[:number], *rows[number + 1 :]]
    scores = [_placed(rest, at, first, last - 1, rows[number], length) for at in range(first, last)]
    best = max(range(len(scores)), key=lambda at: (scores[at], at))
    second = max(score for at, score in enumerate(scores) if at != best)
    ahead = scores[best] - second
    return first + best, min(0.75, 0.5 + 0.06 * ahead)


def _placed(rest: Sequence[Row], at: int, first: int, last: int, blank: Row, length: int) -> float:
    """How likely the blank is before ``rest[at]``, where ``rest[first:last]`` are the added lines around."""
    whole = [*rest[:at], blank, *rest[at:]]
    above = next((row.text for row in reversed(rest[:at]) if row.mark != "-"), "")
    below = next((row.text for row in rest[at:] if row.mark != "-"), "")
    score = _score(above, below)
    if first < at < last:
        score -= 2.5  # the change would be two, with just this line between them
        if not rest[first].text.strip() or not rest[last - 1].text.strip():
            score += _NEVER  # diff would have moved the change over the blank, and made one of two
    if at == first and at and rest[at - 1].mark == "-":
        score -= 2.0
    if at == last and last < len(rest) and rest[last].mark == "-":
        score -= 1.0
    lead, trail = _edge(whole), _edge(whole[::-1])
    if lead != _CONTEXT and not (lead < _CONTEXT and whole[0].at == 0):
        score += _NEVER
    if trail != _CONTEXT and not (trail < _CONTEXT and whole[-1].at == length - 1):
        score += _NEVER
    return score


def _edge(rows: Sequence[Row]) -> int:
    """Context lines before the first change."""
    return next((number for number, row in enumerate(rows) if row.mark != " "), len(rows))


def _score(above: str, below: str) -> float:
    """How likely a blank line is between two lines."""
    up, down = above.strip(), below.strip()
    if not up or not down:
        return -4.0
    score = 0.0
    for holds, worth in _features(above, below, up, down):
        score += worth if holds else 0.0
    return score


def _continues(up: str) -> bool:
    """True when the statement goes on behind the line: no blank line stands in one."""
    if up.startswith(("#", "/*", "*", "//")):
        return False
    code = _TRAILING_COMMENT.sub("", up)
    return not (code.endswith(_ENDS) or _LABEL.match(code) or _MACRO.match(code))


def _features(above: str, below: str, up: str, down: str) -> list[tuple[bool, float]]:
    directive = (_DIRECTIVE.match(up), _DIRECTIVE.match(down))
    declared = (bool(_DECLARATION.match(up)), bool(_DECLARATION.match(down)))
    top = not below[:1].isspace()
    return [
        (_continues(up), -6.0),
        (down.startswith(("&&", "||", "?", ":", "+ ", "- ", "== ")), -6.0),
        (up.endswith(("{", ",", "(", "&&", "||", "=", "\\", ")")) and up != "*/", -2.5),
        (up.startswith("*") and not up.endswith("*/"), -6.0),
        (down.startswith("*") and not down.startswith("*/"), -6.0),
        (down.startswith("}"), -2.5),
        (down.startswith("{"), -5.0),
        (up.endswith("*/"), -2.0),
        (up in ("}", "};") and not above[:1].isspace(), 4.0),
        (
            top
            and not down.startswith(("EXPORT", "#", "}", "{"))
            and not down.rstrip().endswith(":")
            and up in ("}", "};"),
            1.0,
        ),
        (top and up.startswith(("EXPORT", "module_", "__setup", "subsys_")), 3.0),
        (declared[0] and not declared[1] and down != "}", 2.5),
        (declared[0] and declared[1], -2.0),
        (down.startswith("/*"), 1.0),
        (directive[0] is not None and directive[1] is None, 0.5),
        (directive[0] is not None and directive[1] is not None and directive[0][1] == directive[1][1], -1.0),
        (directive[1] is not None and directive[1][1] == "endif", -0.5),
        (down.startswith("return"), 0.5),
        (down.startswith(("EXPORT_SYMBOL", "#endif")), -2.0),
        (up.startswith(("if (", "while (", "for (")) and not up.endswith((";", "{")), -3.0),
        (up in ("else", "do"), -6.0),
        (up == "}", 0.5),
        (down.startswith(("if ", "if(")), 0.3),
        (up.startswith(("if ", "else", "for ", "while ")), -2.0),
        (down.startswith("else"), -4.0),
    ]
