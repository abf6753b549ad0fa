# SPDX-License-Identifier: GPL-2.0-only
"""Blanks inside a line: one, or the tabs and spaces that line things up, or two after a full stop.

Of a run of blanks an archive leaves one. Most were one; the others line up with a neighbour (a comment
behind code, ``#define`` values, members of a structure, the backslashes of a macro) or are a habit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from harness.series.repair_text import TAB, width

_RUN = re.compile(r"[ \t]+")
_STRING = re.compile(r'"(?:\\.|[^"\\])*"?')
_DECLARATOR = re.compile(r"\**\w+(?:\[[^\]]*\])*(?:\s?:\s?\d+)?;(?:\s*/[*/].*)?$")
_TYPE = re.compile(r"(?:[A-Za-z_]\w*\s+)*[A-Za-z_]\w*$")
_NOT_A_TYPE = re.compile(r"(?:return|goto|else|case|break|continue)\b")
_DEFINE = re.compile(r"#\s*define\s+\w+(?:\([^)]*\))?$")
_MARKER = re.compile(r"(?:/?\*+|[-*o]|\d+[.)]|\(\w\))$")
_PARAMETER = re.compile(r"(?:/?\*+ )?@\w+:$")
_DEFINED = re.compile(r"#define\s+\w+(?:\([^)]*\))?(\s+)\S")
_STOP = re.compile(r"[.!?]([ \t]+)[A-Z]")
_COLUMNS = ("define", "trailing", "equals", "declarator")
_HALF = 0.5
_DOUBLE = 0.75
_CERTAIN = 0.995


class Gap(msgspec.Struct, frozen=True):
    """A run of blanks in a line: what kind, where the text before it ends and the text behind it begins."""

    kind: str
    start: int
    stop: int


class Filled(msgspec.Struct, frozen=True):
    """A line's text with its blanks guessed."""

    text: str
    confidence: float
    reason: str


def gaps(text: str, in_comment: bool) -> list[Gap]:
    """The runs of blanks in *text*, a line without its indentation."""
    spans = [] if in_comment else [found.span() for found in _STRING.finditer(text)]
    found: list[Gap] = []
    comment = in_comment or text.startswith("/*")
    for run in _RUN.finditer(text):
        start, stop = run.span()
        inside = any(begin < start and stop < end for begin, end in spans)
        kind = "string" if inside else _kind(text[:start], text[stop:], comment)
        comment = comment or kind == "trailing"
        if run.end() < len(text):
            found.append(Gap(kind, start, stop))
    return found


def _kind(left: str, right: str, comment: bool) -> str:
    if right == "\\":
        return "backslash"
    if comment:
        return _comment_kind(left, right)
    kind = "word"
    if left.startswith("#") and _DEFINE.match(left):
        kind = "define"
    elif right.startswith(("/*", "//")):
        kind = "trailing" if left.endswith((";", ",")) or left.startswith("#define") else "word"
    elif right.startswith("= "):
        kind = "equals"
    elif _DECLARATOR.match(right) and _TYPE.match(left) and not _NOT_A_TYPE.match(left):
        kind = "declarator"
    return kind


def _comment_kind(left: str, right: str) -> str:
    if _MARKER.match(left):
        return "marker"
    if left[-1:] in (".", "?", "!") and right[:1].isupper():
        return "sentence"
    return "parameter" if _PARAMETER.match(left) else "word"


def lines_up(text: str, in_comment: bool) -> bool:
    """True where *text* has a gap that a neighbour's column decides."""
    return any(gap.kind in _COLUMNS for gap in gaps(text, in_comment))


class Habits(msgspec.Struct, frozen=True):
    """Shares of a file's gaps of one kind that are more than one blank."""

    trailing: float
    """comments behind code that have a tab before them"""
    sentence: float
    """sentences with two blanks after them"""
    define: float
    """values of ``#define`` with a tab before them"""


class Around(msgspec.Struct, frozen=True):
    """The lines by which a line's gaps are judged, whole, nearest first."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    models: tuple[str, ...]
    """lines that this one takes the place of"""
    habits: Habits


def fill(indent: str, text: str, in_comment: bool, around: Around) -> Filled:
    """*text*, which has single blanks only, with the runs that its neighbours suggest."""
    built, confidence, reason = indent, 1.0, ""
    at = 0
    for gap in gaps(text, in_comment):
        built += text[at : gap.start]
        blanks, sure, why = _blanks(gap, text, built, in_comment, around)
        if sure < confidence:
            confidence, reason = sure, why
        built += blanks
        at = gap.stop
    return Filled(built + text[at:], confidence, reason)


def _blanks(gap: Gap, text: str, built: str, in_comment: bool, around: Around) -> tuple[str, float, str]:
    """The blanks for one gap, how sure that is, and why."""
    for model in around.models:
        same = _same_gap(text, gap, model, in_comment)
        if same is not None:
            return _lined_up(same[0], same[1], built), 0.95, "as in the line that it replaces"
    if gap.kind == "word":
        return " ", _CERTAIN, "single blanks"
    if gap.kind == "string":
        return " ", 0.5, "blanks inside a string literal: a run of them cannot be told from one"
    if gap.kind == "sentence":
        return _after_sentence(in_comment, around)
    if gap.kind == "marker":
        return _after_marker(gap, text, around)
    return _column(gap, built, in_comment, around)


def _column(gap: Gap, built: str, in_comment: bool, around: Around) -> tuple[str, float, str]:
    for neighbour in (*around.before[:2], *around.after[:2], *around.before[2:], *around.after[2:]):
        found = _of_kind(neighbour, gap.kind, in_comment)
        if found is not None:
            blanks, column = found
            return _lined_up(blanks, column, built), 0.85, f"{gap.kind} as in a line near it"
    if gap.kind in ("trailing", "define"):
        share = around.habits.trailing if gap.kind == "trailing" else around.habits.define
        return (
            ("\t", share, "tab as in the file")
            if share > _HALF
            else (" ", 1 - share, "one blank as in the file")
        )
    return " ", 0.97, f"nothing near to line {gap.kind} up with"


def _after_sentence(in_comment: bool, around: Around) -> tuple[str, float, str]:
    """Two blanks where the comment has two, or nearly all of the file; the field writes one."""
    for neighbour in around.before:
        found = _of_kind(neighbour, "sentence", in_comment)
        if found is not None:
            return found[0], 0.85, "after a sentence as in a line near it"
    share = around.habits.sentence
    return (
        ("  ", share, "two blanks after a sentence")
        if share > _DOUBLE
        else (" ", 1 - share, "one blank after a sentence")
    )


def _of_kind(line: str, kind: str, in_comment: bool) -> tuple[str, int] | None:
    """The blanks of a neighbour's gap of *kind*, and the column at which they end."""
    text = line.strip()
    offset = len(line) - len(line.lstrip())
    for gap in gaps(text, in_comment):
        if gap.kind == kind:
            return text[gap.start : gap.stop], width(line[: offset + gap.stop])
    return None


def _lined_up(blanks: str, column: int, built: str) -> str:
    """Blanks of the same make as *blanks* from the end of *built* to *column*."""
    here = width(built)
    if blanks == " " or column <= here:
        return " " if blanks == " " else blanks[:1]
    if blanks.startswith("\t"):
        tabs = (column - here // TAB * TAB) // TAB
        return "\t" * max(tabs, 1) + " " * (column % TAB)
    return " " * (column - here)


def _same_gap(text: str, gap: Gap, model: str, in_comment: bool) -> tuple[str, int] | None:
    """The gap of *model* between the same words as this one, and the column where it ends."""
    stripped = model.strip()
    offset = len(model) - len(model.lstrip())
    before = text[: gap.start].rsplit(" ", 1)[-1]
    behind = text[gap.stop :].split(" ", 1)[0]
    for there in gaps(stripped, in_comment):
        left = _RUN.split(stripped[: there.start])[-1]
        right = _RUN.split(stripped[there.stop :], maxsplit=1)[0]
        if there.kind == gap.kind and (left, right) == (before, behind):
            return stripped[there.start : there.stop], width(model[: offset + there.stop])
    return None


def _after_marker(gap: Gap, text: str, around: Around) -> tuple[str, float, str]:
    """Between ``*`` and the comment's words: as in the line before, which it may go on from."""
    mark = text[: gap.start]
    for neighbour in around.before[:1]:
        stripped = neighbour.strip()
        found = gaps(stripped, True)
        if found and found[0].kind == "marker" and stripped[: found[0].start] == mark:
            blanks = stripped[found[0].start : found[0].stop]
            return blanks, 0.97 if blanks == " " else 0.8, "as in the comment's line before"
    return " ", 0.95, "one blank after a comment's star"


def habits(lines: Sequence[str]) -> Habits:
    """What a file's lines have where nothing near tells; a few lines of the usual kind are added to them."""
    tabs, trailing = 1, 2
    double, sentences = 0, 4
    wide, defines = 1, 2
    for line in lines:
        text = line.lstrip()
        if text.startswith("#define"):
            value = _DEFINED.match(text)
            defines += value is not None
            wide += value is not None and "\t" in value.group(1)
        elif text.startswith(("*", "/*")):
            stop = _STOP.search(text)
            sentences += stop is not None
            double += stop is not None and len(stop.group(1)) > 1
        elif "/*" in text:
            trailing += 1
            tabs += line[: line.index("/*")].endswith("\t")
    return Habits(tabs / trailing, double / sentences, wide / defines)
