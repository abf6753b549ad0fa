# SPDX-License-Identifier: GPL-2.0-only
"""A report that is being read: which lines are its own, and which is the last."""

from __future__ import annotations

import re

from harness.console.fingerprint import fingerprint
from harness.console.model import Report
from harness.console.naming import name_of
from harness.console.stack import shows_registers
from harness.console.table import Heads, Row

_BYTES = 16 * 1024
_AFTERMATH = 20
"""lines after a report's end in which a panic is still its consequence"""
_PATIENCE = 400
"""lines of others after which a report that never ended has ended"""
_STRANGERS = 12
"""lines in a row that are no stack's, after which the stack is over"""

_SHARING = ("lockdep", "stall")
_MARK = re.compile(r"-*\[ end (?:trace|Kernel panic)")
_STACK = re.compile(r"(?:\s*|.{0,80}[0-9a-f]{16} ?)(?:Call [Tt]race|[Bb]acktrace)")
_IN_STACK = re.compile(
    r"\s*(?:\[<|\[c[0-9a-f]{7,15}\]|\? |<|[A-Za-z_][\w.]{0,127}\+0x|==|[\w.]+ [\w./+-]+:\d+|\w+ from )"
    r"|(?:RIP|EIP|Code|RSP|ESP|ORIG_[RE]AX|[RE][A-D]X|[RE][BSD][PI]|R\d\d|CR\d|DR\d|CS|FS|DS|PKRU)\b"
)
_TAINT = re.compile(r"(?:CPU|Pid): .*? Tainted: (?:\[\w\]=\w+, )?(?P<letters>[A-Z ]*[A-Z])")
_TAINTED_2025 = re.compile(r"Tainted: (?P<named>(?:\[[A-Z]\]=\w+(?:, )?)+)")
_WORSE = frozenset("WDB")
"""taints that earlier reports leave: warned, died, bad page (kernel/panic.c, taint_flags)"""
_INLINED = re.compile(r" \[inline\](?:,|$)")
"""of a decoded report: its first line is there for each call that the compiler put into another"""
_LOST = re.compile(r"\*\* \d+ printk messages dropped|\*\* replaying previous printk message")


class Opened:
    """One report from its first line on."""

    def __init__(self, head: tuple[Row, dict[str, str]], offset: int, who: str, heads: Heads) -> None:
        self.row, found = head
        self.offset = offset
        self.severity: str = self.row.severity
        self._found = dict(found)
        self._who = who
        self.overheard = False
        """it was overtaken"""
        self._heads = heads
        self._left: int | None = None
        """lines of aftermath left, once its end was seen"""
        self._in_stack = False
        self._deep = False
        self._strangers = 0
        self._idle = 0
        self._since = 0
        self._made: Report | None = None
        self._lines: list[str] = []
        self._said: list[str] = []

    def overtaken(self) -> bool:
        """True when its stack is still to come though another report has begun, of the same caller: what
        both were printed for is one stack, and this report hears on.
        """
        self.overheard = self.row.kind in _SHARING and self._left is None and not self._deep
        return self.overheard

    def overhear(self, line: str, said: str) -> bool:
        """Take a line of the report that overtook it; True when that was the last."""
        self._idle = 0
        self.add(line, said)
        return self._left is not None

    def age(self) -> bool:
        """Another line has come; True when it has been waited for long enough."""
        self._idle += 1
        return self._idle > _PATIENCE

    def passes(self, row: Row) -> bool:
        """True for a line or a note in the midst of this one's stack, which goes on behind it."""
        lesser = row.severity == "note" and self.severity != "note"
        return self._in_stack and (row.ends == "line" or lesser) and row.kind != "panic"

    def hears(self, who: str, head: tuple[Row, dict[str, str]] | None) -> bool:
        """True when a line by *who* is this report's own: of its caller, or the panic that ends all."""
        if self.overheard:
            return False
        if who == self._who or (head is not None and head[0].kind == "panic"):
            return True
        return self.row.kind == "stall" and head is None

    def goes_on(self, head: tuple[Row, dict[str, str]] | None, line: str, said: str) -> bool:
        """Take *line*; False when it begins something else, or the report is over."""
        self._idle = 0
        if head is not None and not self._takes(*head):
            if not self._yields(head[0]):
                return False
            self._become(*head)
        if self._left is None:
            self.add(line, said)
            return True
        self._left -= 1
        return self._left > 0

    def _become(self, row: Row, found: dict[str, str]) -> None:
        """The line that announced it is followed by its true beginning."""
        self.row, self.severity, self._since = row, row.severity, 0
        self._made = None
        self._found = dict(found)

    def _takes(self, row: Row, found: dict[str, str]) -> bool:
        """True when the beginning of *row* belongs to this report; it may say where."""
        if row.name == self.row.name and _INLINED.search(self._said[-1]):
            self._found = dict(found)
            return True
        if row.kind == "panic" and self.severity != "note":
            self.severity, self._left, self._in_stack = "fatal", None, False
            return True
        if row.kind != self.row.kind and (self._in_stack or self._left is not None):
            return False
        if row.name in self.row.takes:
            self._found = {**found, **self._found}
            return True
        return False

    def _yields(self, row: Row) -> bool:
        """True while it only announces a report such as *row*."""
        return self._left is None and not {"*", row.name}.isdisjoint(self.row.announces)

    def add(self, line: str, said: str) -> None:
        """Take one more line of it, and see whether it is the last."""
        self._since += 1
        if len(self._lines) < self.row.lines:
            self._made = None
            self._lines.append(line)
            self._said.append(said)
        if self._ends(said):
            self._let_strangers_go()
            self._left = _AFTERMATH - self._strangers

    def _ends(self, said: str) -> bool:
        if self.row.ends == "line" or self._since > self.row.lines or _MARK.match(said):
            return True
        if _STACK.match(said):
            self._in_stack, self._strangers, self._deep = True, 0, False
        elif self._in_stack:
            own = _IN_STACK.match(said) is not None
            self._deep = self._deep or own
            self._strangers = 0 if own else self._strangers + 1
            over = not said and self._deep and not any(map(shows_registers, self._said[-2:-1]))
            if self._strangers == _STRANGERS or over:
                self._in_stack = False
                return self.row.ends == "trace"
        return False

    def _let_strangers_go(self) -> None:
        """The lines behind the stack that were taken for others' lines within it are not the report's."""
        kept = len(self._lines) - self._strangers
        if self._since <= self.row.lines and self.row.ends == "trace":
            self._made = None
            del self._lines[kept:], self._said[kept:]

    def report(self) -> Report:
        """What is known of it up to now. Asked for with every piece of a console, made when it has grown."""
        if self._made is None or self._made.severity != self.severity:
            self._made = self._make()
        return self._made

    def _make(self) -> Report:
        named = name_of(self.row, self._found, self._said, self._heads)
        letters = self._taint()
        lost = any(_LOST.match(said) for said in self._said)
        return Report(
            title=named.title,
            kind=named.kind,
            severity=self.severity,
            function=named.function,
            file=named.found["file"],
            line=int(named.found["line"] or 0),
            offset=self.offset,
            corrupted=named.corrupted or lost or self.row.kind == "unknown",
            text="\n".join(self._lines)[:_BYTES],
            fingerprint=fingerprint(named.kind, named.title, named.function),
            tainted=letters,
            after=not _WORSE.isdisjoint(letters),
            stack=named.stack,
        )

    def _taint(self) -> str:
        for said in self._said:
            named = _TAINTED_2025.search(said)
            if named:
                return "".join(re.findall(r"\[([A-Z])\]", named["named"]))
            match = _TAINT.search(said)
            if match:
                return match["letters"].replace(" ", "")
        return ""
