# SPDX-License-Identifier: GPL-2.0-only
"""The white space of a hunk's added lines, guessed from the lines around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from harness.series.repair_align import Row
from harness.series.repair_gap import Around, Filled, Habits, fill, lines_up
from harness.series.repair_habit import Asked, Choice, Rates, Seen, Study, choose
from harness.series.repair_layout import Candidates, Layout
from harness.series.repair_pair import Known, Original, models, replaced
from harness.series.repair_text import lead, single, width

_NEIGHBOURS = 3
_HALF = 0.5
_PAREN = {"(": 1, "[": 1, ")": -1, "]": -1}


class Line(msgspec.Struct, frozen=True):
    """A line of a hunk, whole again."""

    mark: str
    text: str
    confidence: float
    """1 when nothing about it was guessed"""
    reason: str


class Sources(msgspec.Struct, frozen=True):
    """What the guesses are made from; the same for all hunks of a file."""

    texts: tuple[str, ...]
    study: Study
    known: Known
    removed: frozenset[int]
    """0-based lines that the patch takes out of the file"""
    rates: Rates
    replaced: float
    """lines that the one which an added line replaces is worth"""
    habits: Habits


def restore(rows: Sequence[Row], start: int, sources: Sources) -> list[Line]:
    """The rows of a hunk whose old side begins at the 0-based line *start*, with white space."""
    walk = _Walk(rows, start, sources)
    return [walk.line(number) for number in range(len(rows))]


class _Walk:
    """Goes over the new side of a hunk; the layout and the lines before are those of the new side."""

    def __init__(self, rows: Sequence[Row], start: int, sources: Sources) -> None:
        self.rows = rows
        self.sources = sources
        self.layout: Layout = sources.study.layouts.get(start, Layout()).snapshot()
        self.models = models(rows)
        self.gone = replaced(rows)
        self.at = start
        self.before = [text for text in sources.texts[max(0, start - 8) : start] if text.strip()][
            -_NEIGHBOURS:
        ]
        self.origin: tuple[Original, str] | None = None
        """where the last added line was before, and its indentation now"""

    def line(self, number: int) -> Line:
        row = self.rows[number]
        if row.at >= 0:
            self.at = row.at
        if row.mark == "-":
            return Line("-", row.text, 1.0, "")
        if row.mark == " ":
            whole = row.at >= 0
            line = Line(" ", row.text, 1.0, "") if whole else self._foreign(number)
            self.origin = None
        else:
            line = self._added(number)
        self.layout.feed(line.text)
        if line.text.strip():
            self.before = [*self.before, line.text][-_NEIGHBOURS:]
        return line

    def _foreign(self, number: int) -> Line:
        """A context line that the file does not have: the patch was made for another file."""
        guessed = self._guessed(number, single(self.rows[number].text), indented=None)
        return Line(" ", guessed.text, min(guessed.confidence, 0.2), "context that the file does not have")

    def _added(self, number: int) -> Line:
        raw = self.rows[number].text
        text = single(raw)
        if not text:
            self.origin = None
            return Line("+", "", 1.0, "")
        return self._guessed(number, text, indented=raw[:1].isspace())

    def _guessed(self, number: int, text: str, indented: bool | None) -> Line:
        """The likeliest form of the line that is not one of those which it takes the place of."""
        twin = self._twin(text)
        choices = self._indent(number, text, twin, indented)
        forms = [form for choice in choices for form in self._forms(number, text, choice, twin)]
        gone = self.gone.get(number, ())
        choice, filled = next((form for form in forms if form[1].text not in gone), forms[0])
        self.origin = (twin, choice.indent) if twin is not None else None
        confidence, why = choice.confidence * filled.confidence, filled.reason
        if choice.confidence <= filled.confidence:
            why = f"indented as {choice.rule}"
        if "@xxx" in text:
            confidence, why = min(confidence, 0.1), "an address was crossed out"
        return Line("+", filled.text, confidence, why if confidence < 1 else "")

    def _forms(
        self, number: int, text: str, choice: Choice, twin: Original | None
    ) -> Iterator[tuple[Choice, Filled]]:
        """The line with *choice*: inside as its twin or what it replaces, as its neighbours, plain."""
        in_comment = self.layout.comment >= 0
        if twin is not None and (self._same(twin) or not lines_up(text, in_comment)):
            yield choice, Filled(choice.indent + twin.text.strip(), 0.995, "the same line is in the file")
        else:
            yield choice, fill(choice.indent, text, in_comment, self._around(number, replaces=True))
        yield choice, fill(choice.indent, text, in_comment, self._around(number, replaces=False))
        yield choice, Filled(choice.indent + text, _HALF, "single blanks")

    def _twin(self, text: str) -> Original | None:
        """The same line before the patch: next after the last one's, or removed, or the nearest."""
        lines = self.sources.known.get(text)
        if not lines:
            return None
        if self.origin is not None:
            for line in lines:
                if line.at >= 0 and line.at == self.origin[0].at + 1:
                    return line
        if len(text) <= 4:  # noqa: PLR2004  (a brace or two: everywhere)
            return None
        return min(lines[:64], key=lambda line: abs(line.at - self.at) if line.at >= 0 else 1 << 30)

    def _same(self, twin: Original) -> bool:
        """True where the line that was is this line, moved: removed by the patch, or next after the last."""
        follows = self.origin is not None and twin.at == self.origin[0].at + 1
        return follows or twin.at in self.sources.removed or twin.at < 0

    def _indent(self, number: int, text: str, twin: Original | None, indented: bool | None) -> list[Choice]:
        kind, found = self.layout.expect(text)
        if indented is False:
            return [Choice("", 1.0, "not indented")]
        found = dict(found) | self._elsewhere(number, twin)
        if indented:
            found = {rule: indent for rule, indent in found.items() if indent}
        model = self.models.get(number)
        votes: list[Seen] = []
        if model is not None:
            seen = self.sources.study.seen[model.at]
            if seen is not None and seen.kind.split(" ", 1)[0] == kind.split(" ", 1)[0]:
                found["replaced"] = self._carried(model.text, seen)
                if number not in self.gone:
                    votes.append(seen)
        if not found:
            return [Choice("\t", 0.3, "nothing else")]
        asked = Asked(kind, found, self.at, self.layout.span(), width(text), tuple(votes))
        return choose(asked, self.sources.study, self.sources.rates, self.sources.replaced)

    def _elsewhere(self, number: int, twin: Original | None) -> Candidates:
        """Indentations that other lines give: where this line was before, and what follows it now."""
        found: Candidates = {}
        if twin is not None:
            before = lead(twin.text)
            seen = self.sources.study.seen[twin.at] if twin.at >= 0 else None
            found["twin"] = self._carried(twin.text, seen) if seen is not None else before
            if self.origin is not None and twin.at == self.origin[0].at + 1 and twin.at > 0:
                moved = _shifted(before, lead(self.origin[0].text), self.origin[1])
                if moved is not None:
                    found["moved"] = moved
        follower = self._follower(number)
        if follower is not None:
            found["after"] = follower
        return found

    def _carried(self, text: str, seen: Seen) -> str:
        """The indentation of the whole line *text*, moved as far as the statement that it goes on with."""
        before = lead(text)
        moved = _shifted(before, seen.base, self.layout.base()) if self.layout.base() else before
        return before if moved is None else moved

    def _follower(self, number: int) -> str | None:
        """The indentation of the context line behind the added ones, if it is in the same bracket."""
        if self.layout.open[-1].bracket == "{" or self.layout.comment >= 0:
            return None
        depth = 0
        for row in self.rows[number:]:
            if row.mark == "-":
                continue
            if row.mark == " ":
                return lead(row.text) if depth == 0 and row.at >= 0 and row.text.strip() else None
            for letter in row.text:
                depth += _PAREN.get(letter, 0)
                if depth < 0:
                    return None
        return None

    def _around(self, number: int, *, replaces: bool) -> Around:
        after = [
            row.text
            for row in self.rows[number + 1 : number + 12]
            if row.mark == " " and row.at >= 0 and row.text.strip()
        ]
        model = self.models.get(number) if replaces else None
        return Around(
            tuple(reversed(self.before)),
            tuple(after[:_NEIGHBOURS]),
            (model.text,) if model is not None else (),
            self.sources.habits,
        )


def _shifted(indent: str, old: str, new: str) -> str | None:
    """*indent* moved as *old* was to *new*, by whole tabs; None where that is not how it moved."""
    if new.startswith(old):
        return new[len(old) :] + indent
    if old.startswith(new) and indent.startswith(old[len(new) :]):
        return indent[len(old) - len(new) :]
    return None
