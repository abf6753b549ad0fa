# SPDX-License-Identifier: GPL-2.0-only
"""How far C is indented, read line by line: what is open, and which indentations the next line may have.

Not a parser: it follows brackets, statements without braces, labels, comments, ``#if`` branches and the
bodies of ``#define``, and it never fails; a line that it misunderstands spoils a guess, not the repair.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

from harness.series.repair_text import TAB, lead, to_column, width

_TOKEN = re.compile(r"""\"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|//.*|/\*|[A-Za-z_]\w*|[{}()\[\];,:=?]|\S""")
_CONTROL = re.compile(r"(?:if|for|while|switch|\w*for_each\w*|IS_ENABLED_BLOCK)$")
_LABEL = re.compile(r"(?!default\b)[A-Za-z_]\w*\s?:(?!:)")
_CASE = re.compile(r"(?:case\b|default\s?:)")
_LONGEST = 2000
"""characters of a line of which the layout is followed; longer lines are data"""
_DEEPEST = 200
_COLUMNS = 80

Candidates = dict[str, str]
"""indentations by the rule that gives them"""


class Open:
    """An open bracket, and for ``{`` the statements in it."""

    def __init__(self, bracket: str, owner: str, line: str, column: int) -> None:
        self.bracket = bracket
        self.owner = owner
        """indentation of the statement that it belongs to"""
        self.line = line
        """indentation of the line that it is on"""
        self.column = column
        """first column behind it"""
        self.last = True
        """nothing follows it on its line"""
        self.listing = False
        """holds items with commas, not statements"""
        self.resumes = False
        """the statement goes on after it, as after an initialiser or a struct"""
        self.kept: Statement | None = None
        """that statement"""
        self.level: str | None = None
        """indentation of the last line that went on inside it"""
        self.sibling: str | None = None
        self.case: str | None = None
        self.pending: list[tuple[str, str]] = []
        """``if``, ``for`` … that wait for their statement: word and indentation"""
        self.ifs: list[str] = []


class Statement:
    """A statement that has begun and not ended."""

    def __init__(self, indent: str) -> None:
        self.indent = indent
        self.word = ""
        """its first word"""
        self.align = -1
        """column behind ``=`` or ``return``, or -1"""
        self.level: str | None = None
        self.block = False
        """struct, union or enum: braces hold members"""
        self.enum = False
        self.assigned = False
        self.end = ""
        """its last piece so far"""


class Layout:
    """What is open before the next line; :meth:`expect` asks, :meth:`feed` goes on."""

    def __init__(self) -> None:
        self.open: list[Open] = [Open("{", "", "", 0)]
        self.statement: Statement | None = None
        self.comment = -1
        """column of the ``/*`` of an open comment, or -1"""
        self.comment_line = ""
        self.previous = ""
        """indentation of the last line that is not blank"""
        self.before = ""
        """that line, without its indentation"""
        self.macro: tuple[list[Open], Statement | None] | None = None
        self.branches: list[tuple[list[Open], Statement | None]] = []

    def snapshot(self) -> Layout:
        """A copy that goes its own way."""
        twin = copy.copy(self)
        twin.open, twin.statement = self._state()
        twin.branches = list(self.branches)
        return twin

    def _state(self) -> tuple[list[Open], Statement | None]:
        frames = []
        for frame in self.open:
            twin = copy.copy(frame)
            twin.pending, twin.ifs = list(frame.pending), list(frame.ifs)
            frames.append(twin)
        return frames, copy.copy(self.statement)

    def expect(self, text: str) -> tuple[str, Candidates]:
        """The next line's class, and indentations that it may have, if its text is *text*."""
        if self.comment >= 0:
            return self._in_comment(text)
        if text.startswith("#"):
            return "cpp", {"none": "", "prev": self.previous}
        top = self.open[-1]
        if self.statement is None and top.bracket == "{":
            return self._at_statement(text, top)
        if self.statement is not None and top.bracket == "{" and self._begins_anew(text):
            return "sibling", self._around(self.statement.indent)
        if top.bracket == "{":
            return self._going_on(text, self.statement or Statement(self.previous))
        return self._in_bracket(text, top)

    def span(self) -> int:
        """Columns from the statement's indentation to behind the bracket that is open; 0 where none is."""
        top = self.open[-1]
        return 0 if top.bracket == "{" else top.column - width(top.owner)

    def base(self) -> str:
        """The indentation of the statement that the next line goes on with; empty at a statement's start."""
        top = self.open[-1]
        if self.statement is not None:
            return self.statement.indent
        return "" if top.bracket == "{" else top.owner

    def _in_comment(self, text: str) -> tuple[str, Candidates]:
        to_star = to_column(self.comment)
        start = self.comment_line if width(self.comment_line) == self.comment else to_star
        kind = "star" if text.startswith("*") else "prose"
        follows = "first" if self.before.startswith("/*") else "next"
        found = {
            "c1": start + " ",
            "prev": self.previous,
            "c0": start,
            "c3": start + "   ",
            "ct": start + "\t",
        }
        return f"{kind} {follows}", found

    def _around(self, expected: str) -> Candidates:
        return {
            "e": expected,
            "prev": self.previous,
            "e+1": expected + "\t",
            "e-1": expected.removesuffix("\t"),
        }

    def _at_statement(self, text: str, top: Open) -> tuple[str, Candidates]:
        kind, expected = self._statement_indent(text, top)
        if kind == "label":
            return kind, {"none": "", "space": " ", "e": expected, "e-1": expected.removesuffix("\t")}
        if text.startswith(("/*", "//")):
            kind = f"comment {kind}"
        return kind, self._around(expected)

    def _statement_indent(self, text: str, top: Open) -> tuple[str, str]:
        """A statement's class and indentation, by what it begins with, else by what it follows."""
        inner = top.sibling
        if inner is None:
            inner = top.owner + "\t" if len(self.open) > 1 else ""
        waiting = top.pending[-1][1] if top.pending else None
        if text.startswith("}"):
            found = "close", top.owner
        elif text.startswith("else") and (top.ifs or waiting is not None):
            found = "else", top.ifs[-1] if top.ifs else waiting or ""
        elif _CASE.match(text):
            found = "case", top.case if top.case is not None else top.owner
        elif text.startswith("{"):
            found = "open", inner if waiting is None else waiting
        elif _LABEL.match(text) and not top.listing:
            found = "label", inner
        elif waiting is not None:
            found = "body", waiting + "\t"
        else:
            return self._plain_indent(top, inner)
        return found

    @staticmethod
    def _plain_indent(top: Open, inner: str) -> tuple[str, str]:
        if top.case is not None and top.sibling is None:
            return "aftercase", top.case + "\t"
        return ("first" if top.sibling is None else "sibling"), inner

    def _begins_anew(self, text: str) -> bool:
        """True where a macro without a semicolon ended the line before, outside of functions."""
        statement = self.statement
        return (
            statement is not None
            and len(self.open) == 1
            and statement.end == ")"
            and not text.startswith(("{", "__"))
            and (text[:1].isalpha() or text.startswith("/"))
        )

    def _going_on(self, text: str, statement: Statement) -> tuple[str, Candidates]:
        """Inside a statement, outside of brackets: ``x =`` …, ``return a &&`` …, ``static int`` …"""
        if text.startswith("{"):
            return "open", {"e": statement.indent, "prev": self.previous}
        found = {f"s{n}": statement.indent + "\t" * n for n in range(5)}
        found |= {"prev": self.previous, "half": statement.indent + "    "}
        if statement.align >= 0:
            found |= self._aligned("align", statement.align)
        if statement.level is not None:
            found["level"] = statement.level
        outside = "outside" if len(self.open) == 1 else "inside"
        word = statement.word if statement.word in ("return", "struct", "static") else "other"
        later = (
            "later"
            if statement.level is not None
            else f"{statement.end if statement.end in ('=', '?') else ''}"
        )
        quote = "string" if text.startswith('"') else ""
        return f"on {outside} {word} {later} {quote}", found

    @staticmethod
    def _aligned(name: str, column: int) -> Candidates:
        floor = "\t" * (column // TAB)
        return {
            name: to_column(column),
            f"{name} floor": floor,
            f"{name} ceil": "\t" * ((column + TAB - 1) // TAB),
            f"{name} floor-1": floor.removesuffix("\t"),
        }

    def _in_bracket(self, text: str, top: Open) -> tuple[str, Candidates]:
        statement = self.statement or Statement(top.owner)
        found = {f"s{n}": statement.indent + "\t" * n for n in range(8)}
        found |= {"prev": self.previous, "half": statement.indent + "    ", "line+1": top.line + "\t"}
        found["line+2"] = top.line + "\t\t"
        found |= self._aligned("paren", top.column)
        found["right"] = "\t" * max((_COLUMNS - width(text)) // TAB, 0)
        if top.level is not None:
            found["level"] = top.level
        if len(self.open) > 1 and self.open[-2].bracket == "(":
            found["outer"] = to_column(self.open[-2].column)
            if self.open[-2].level is not None:
                found["outer level"] = self.open[-2].level
        return self._bracket_class(text, top, statement), found

    def _bracket_class(self, text: str, top: Open, statement: Statement) -> str:
        if top.level is not None:
            return "paren later"
        if len(self.open) == 2:  # noqa: PLR2004  (the file, and this bracket: a prototype)
            kind = "prototype"
        elif _CONTROL.match(statement.word):
            kind = "control"
        else:
            kind = "call"
        nested = "nested" if len(self.open) > 1 and self.open[-2].bracket != "{" else ""
        fits = "fits" if top.column + len(text) <= 10 * TAB else "long"
        last = "last" if top.last else ""
        quote = "string" if text.startswith('"') else ""
        return f"paren {kind} {nested} {fits} {last} {quote}"

    def feed(self, line: str) -> None:
        """Go on over *line*, without LF."""
        text = line.strip()
        if not text or len(line) > _LONGEST:
            self._macro_ends(text)
            return
        indent = lead(line)
        if self.comment < 0 and self.macro is None and text.startswith("#"):
            self._preprocess(text)
        else:
            body = line.rstrip()
            goes_on = self.macro is not None and body.endswith("\\")
            self._line(indent, body[:-1] if goes_on else body)
            if not goes_on:
                self._macro_ends("")
        self.previous, self.before = indent, text

    def _macro_ends(self, text: str) -> None:
        if self.macro is not None and not text.endswith("\\"):
            self.open, self.statement = self.macro
            self.macro = None

    def _preprocess(self, text: str) -> None:
        word = text[1:].lstrip()
        if word.startswith("if"):
            self.branches = [*self.branches[-_DEEPEST:], self._state()]
        elif word.startswith(("else", "elif")) and self.branches:
            after = self._state()
            self.open, self.statement = self.branches[-1]
            self.branches = [*self.branches[:-1], after]
        elif word.startswith("endif") and self.branches:
            self.branches = self.branches[:-1]
        elif word.startswith("define") and text.endswith("\\"):
            self.macro = (self.open, self.statement)
            self.open, self.statement = [Open("{", "", "", 0), Open("{", "", "", 0)], None
        at = text.find("/*")
        if at >= 0 and "*/" not in text[at:]:
            self.comment, self.comment_line = width(text[:at]), ""

    def _line(self, indent: str, line: str) -> None:
        at = len(indent)
        if self.comment >= 0:
            end = line.find("*/")
            if end < 0:
                return
            self.comment, at = -1, end + 2
        top = self.open[-1]
        if line[at:].strip():
            self._note_level(indent, top, line[at:].lstrip())
        for start, piece in self._tokens(line, at):
            self._token(piece, indent, line, start)
        if self.open[-1] is not top and len(self.open) > 1:
            self.open[-1].last = line.rstrip().endswith(self.open[-1].bracket)

    def _note_level(self, indent: str, top: Open, text: str) -> None:
        if top.bracket != "{":
            if not text.startswith(")"):
                top.level = indent
        elif self.statement is not None:
            if self._begins_anew(text):
                self.statement = None
            elif not text.startswith("{"):
                self.statement.level = indent

    def _tokens(self, line: str, at: int) -> Iterator[tuple[int, str]]:
        """Tokens outside comments; an open comment at the line's end is noted."""
        while True:
            comment = -1
            for found in _TOKEN.finditer(line, at):
                piece = found.group()
                if piece == "/*":
                    comment = found.start()
                    break
                if piece.startswith("//"):
                    return
                yield found.start(), piece
            if comment < 0:
                return
            end = line.find("*/", comment + 2)
            if end < 0:
                self.comment, self.comment_line = width(line[:comment]), lead(line)
                return
            at = end + 2

    def _token(self, piece: str, indent: str, line: str, start: int) -> None:
        top = self.open[-1]
        if piece in ("(", "["):
            self._begin(indent)
            if len(self.open) < _DEEPEST:
                owner = self.statement.indent if self.statement else indent
                self.open.append(Open(piece, owner, indent, width(line[: start + 1])))
        elif piece in (")", "]"):
            self._closed(piece)
        elif piece == "{":
            self._block(indent, line, start)
        elif piece == "}":
            self._block_ends()
        elif top.bracket != "{":
            return
        elif piece == ";" or (piece == "," and top.listing):
            self._ended()
        else:
            self._word(piece, indent, line, start)
            return
        if self.statement is not None:
            self.statement.end = piece

    def _begin(self, indent: str) -> None:
        """A piece that starts a statement, or goes on with one."""
        if self.statement is None and self.open[-1].bracket == "{":
            self.statement = Statement(indent)

    def _word(self, piece: str, indent: str, line: str, start: int) -> None:
        top = self.open[-1]
        if self.statement is None:
            if piece == ":" or (not top.listing and not line[:start].strip() and self._label(line)):
                return
            if piece in ("else", "do"):
                top.pending = [] if piece == "else" else top.pending
                top.pending.append((piece, indent))
                return
            self.statement = Statement(indent)
            self.statement.word = piece
            if top.pending and top.pending[-1][0] == "else" and piece == "if":
                top.pending.pop()
        statement = self.statement
        if piece == "=" and not statement.assigned:
            statement.assigned = True
            statement.align = width(line[: start + 1]) + 1
        elif piece == "return" and statement.word == "return":
            statement.align = width(line[:start]) + 7
        elif piece in ("struct", "union", "enum"):
            statement.block, statement.enum = True, piece == "enum"
        elif piece == ":" and statement.word in ("case", "default"):
            self._case(statement)
            return
        statement.end = piece

    def _label(self, line: str) -> bool:
        text = line.strip()
        return (
            _LABEL.match(text) is not None and "?" not in text and text.split(":", 1)[0].strip() != "default"
        )

    def _case(self, statement: Statement) -> None:
        top = self.open[-1]
        top.case, top.sibling = statement.indent, None
        self.statement = None

    def _closed(self, bracket: str) -> None:
        opening = "(" if bracket == ")" else "["
        if self.open[-1].bracket != opening or len(self.open) == 1:
            return
        self.open.pop()
        top, statement = self.open[-1], self.statement
        if top.bracket == "{" and statement is not None and bracket == ")" and _CONTROL.match(statement.word):
            top.pending.append((statement.word, statement.indent))
            self.statement = None

    def _block(self, indent: str, line: str, start: int) -> None:
        top, statement = self.open[-1], self.statement
        if len(self.open) >= _DEEPEST:
            return
        owner = indent
        if top.pending and statement is None:
            owner = top.pending[-1][1]
        elif statement is not None:
            owner = statement.indent
        frame = Open("{", owner, indent, width(line[: start + 1]))
        frame.listing = top.bracket != "{" or top.listing
        if statement is not None:
            members = statement.block and statement.end != ")"
            frame.listing = frame.listing or statement.assigned or (members and statement.enum)
            frame.resumes = frame.listing or members
        if top.bracket != "{":  # a statement expression, ({ … }), or a compound literal
            frame.listing, frame.resumes = statement is None, True
            frame.owner = indent
        self.open.append(frame)
        frame.kept = statement if frame.resumes else None
        self.statement = None

    def _block_ends(self) -> None:
        depth = len(self.open) - 1
        while depth > 0 and self.open[depth].bracket != "{":
            depth -= 1
        if depth <= 0:
            return
        frame = self.open[depth]
        del self.open[depth:]
        self.statement = frame.kept
        if not frame.resumes:
            if self.statement is None:
                self.statement = Statement(frame.owner)
            self._ended()

    def _ended(self) -> None:
        top = self.open[-1]
        first = top.pending[0][1] if top.pending else self.statement.indent if self.statement else top.sibling
        top.ifs = [indent for word, indent in top.pending if word == "if"] or top.ifs[-1:]
        top.pending = []
        top.sibling = first
        self.statement = None
