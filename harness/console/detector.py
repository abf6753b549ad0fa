# SPDX-License-Identifier: GPL-2.0-only
"""Kernel reports out of console text, whole or as it comes. Time is linear in the text."""

from __future__ import annotations

import re

from harness.console.lines import Lines, message
from harness.console.model import Report
from harness.console.table import Heads, Row, shipped

MOST = 200
"""reports kept of one console; a kernel that says more has been judged by then"""
_BYTES = 16 * 1024
_AFTERMATH = 20
"""lines after a report's end in which a panic is still its consequence"""

_MARK = re.compile(r"-*\[ end (?:trace|Kernel panic)")
_OURS = re.compile(r"memcg-harness: case ")
_STACK = re.compile(r"Call [Tt]race:")
_ADDRESS = r"(?:\[<[0-9a-f]+>\] *){0,2}"
_SYMBOL = r"(?P<function>[A-Za-z_][\w.]{0,127})\+0x"
_FRAME = re.compile(rf" *{_ADDRESS}(?P<doubtful>\? )?{_SYMBOL}")
_IN_STACK = re.compile(
    rf" *{_ADDRESS}(?:\? |<|[A-Za-z_][\w.]{{0,127}}\+0x|==)| *\[<"
    r"|(?:RIP|EIP|Code|RSP|ESP|ORIG_[RE]AX|[RE][A-D]X|[RE][BSD][PI]|R\d\d|CR\d|DR\d|CS|FS|DS|PKRU):"
)
_FINDERS = {
    "ip": re.compile(rf"(?:RIP|EIP|IP|pc ?)(?: is at|:) ?(?:[0-9a-f]{{4}}:)?{_ADDRESS}{_SYMBOL}"),
    "held": re.compile(rf".{{0,200}}?[,)] at: {_ADDRESS}{_SYMBOL}"),
}
_CLONE = re.compile(r"\.(?:constprop|isra|part|cold|llvm)\b.*")


class _Open:
    """A report that is being read."""

    def __init__(self, row: Row, found: dict[str, str], offset: int, skipped: frozenset[str]) -> None:
        self.row = row
        self.found = dict(found)
        self.offset = offset
        self.severity: str = row.severity
        self.left: int | None = None
        """lines of aftermath left, once its end was seen"""
        self.in_stack = False
        self._until = re.compile(row.until) if row.until else None
        self._since = 0
        self._skipped = skipped
        self._functions: dict[str, str] = {}
        self._lines: list[str] = []

    def become(self, row: Row, found: dict[str, str]) -> None:
        """The line that announced it is followed by its true beginning."""
        self.row, self.severity, self._since = row, row.severity, 0
        self._until = re.compile(row.until) if row.until else None
        self.found = dict(found)

    def takes(self, row: Row, found: dict[str, str]) -> bool:
        """True when the beginning of *row* belongs to this report; it may say where."""
        if row.kind == "panic" and self.severity != "note":
            self.severity, self.left, self.in_stack = "fatal", None, False
            return True
        if self.in_stack or self.left is not None:
            return False
        if row.name in self.row.takes:
            self.found = {**found, **self.found}
            return True
        return False

    def yields(self, row: Row) -> bool:
        """True while it only announces a report such as *row*."""
        return self.left is None and not {"*", row.name}.isdisjoint(self.row.announces)

    def add(self, line: str, said: str) -> None:
        """Take one more line of it, and see whether it is the last."""
        self._since += 1
        if len(self._lines) < self.row.lines:
            self._lines.append(line)
        if self._ends(said):
            self.left = _AFTERMATH
            return
        self._look(said)

    def _ends(self, said: str) -> bool:
        if self.row.ends == "line" or self._since > self.row.lines or _MARK.match(said):
            return True
        if self._until is not None and self._since > 1 and self._until.match(said):
            return True
        if self.in_stack and not _IN_STACK.match(said):
            self.in_stack = False
            return self.row.ends == "trace"
        return False

    def _look(self, said: str) -> None:
        if _STACK.match(said):
            self.in_stack = True
            return
        for name, pattern in _FINDERS.items():
            match = pattern.match(said)
            if match:
                self._functions.setdefault(name, match["function"])
        frame = _FRAME.match(said) if self.in_stack and "trace" not in self._functions else None
        if frame and not frame["doubtful"] and _plain(frame["function"]) not in self._skipped:
            self._functions["trace"] = frame["function"]

    def report(self) -> Report:
        """What is known of it up to now."""
        found = self.found
        looked = (self._functions.get(name, "") for name in self.row.find)
        function = _plain(found.get("function") or next(filter(None, looked), ""))
        words = {"file": "", "line": "", "what": "", **found, "function": function}
        lacking = not function and "{function}" in self.row.title
        return Report(
            title=(self.row.bare if lacking else self.row.title).format_map(words)[:200].strip(),
            kind=self.row.kind,
            severity=self.severity,
            function=function,
            file=found.get("file", ""),
            line=int(found.get("line", "0")),
            offset=self.offset,
            corrupted=lacking or self.row.kind == "unknown",
            text="\n".join(self._lines)[:_BYTES],
        )


class Detector:
    """Reads a console as it comes."""

    def __init__(self, heads: Heads | None = None) -> None:
        self._heads = heads or shipped()
        self._lines = Lines()
        self._open: _Open | None = None
        self._doomed = False
        self._count = 0

    @property
    def pending(self) -> Report | None:
        """The report that has begun and may go on; ``severity`` and ``offset`` hold from its first line."""
        return self._open.report() if self._open else None

    def feed(self, data: bytes | str) -> tuple[Report, ...]:
        """Take more of the console; the reports that are complete with it."""
        raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
        done: list[Report] = []
        for offset, line in self._lines.feed(raw):
            self._take(offset, line, done)
        return tuple(done)

    def finish(self) -> tuple[Report, ...]:
        """The console has ended: what was still open."""
        done: list[Report] = []
        for offset, line in self._lines.rest():
            self._take(offset, line, done)
        self._close(done)
        return tuple(done)

    def _take(self, offset: int, line: str, done: list[Report]) -> None:
        said = message(line)
        head = self._heads.find(said)
        if self._open is None and head is None:
            return
        if self._open is not None and self._goes_on(self._open, head, line, said):
            return
        self._close(done)
        if head is not None and self._count < MOST and not (self._doomed and head[0].kind == "panic"):
            self._count += 1
            self._open = _Open(*head, offset, self._heads.skipped)
            self._open.add(line, said)

    def _goes_on(self, report: _Open, head: tuple[Row, dict[str, str]] | None, line: str, said: str) -> bool:
        """True when *line* is the open report's own, or tells nothing yet of its end."""
        if _OURS.match(said):
            return False
        if head is not None and not report.takes(*head):
            if not report.yields(head[0]):
                return False
            report.become(*head)
        if report.left is None:
            report.add(line, said)
            return True
        report.left -= 1
        return report.left > 0

    def _close(self, done: list[Report]) -> None:
        if self._open is not None:
            done.append(self._open.report())
            self._doomed = self._doomed or done[-1].severity == "fatal"
        self._open = None


def find_reports(text: str) -> tuple[Report, ...]:
    """Every report in *text*, in order. Offsets are bytes of *text* in UTF-8."""
    detector = Detector()
    return detector.feed(text) + detector.finish()


def _plain(function: str) -> str:
    """The function as its source names it, without what the compiler appended to a clone."""
    return _CLONE.sub("", function)
