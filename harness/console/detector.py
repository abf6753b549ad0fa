# SPDX-License-Identifier: GPL-2.0-only
"""Kernel reports out of console text, whole or as it comes. Time is linear in the text."""

from __future__ import annotations

import re
from collections import Counter

from msgspec.structs import replace

from harness.console.boots import BootWatch
from harness.console.lines import Lines, said_by
from harness.console.model import Report
from harness.console.opened import Opened
from harness.console.table import Heads, Row, shipped

MOST = 200
"""reports kept of one console, and as many notes; a kernel that says more has been judged by then"""
_SIDE_BY_SIDE = 8
"""reports of several callers that are read at a time"""
_GRAVITY = {"note": 0, "bad": 1, "fatal": 2}

_OURS = re.compile(r"memcg-harness: case ")

Head = tuple[Row, dict[str, str]]


class Detector:
    """Reads a console as it comes."""

    def __init__(self, heads: Heads | None = None) -> None:
        self._heads = heads or shipped()
        self._boots = BootWatch(self._heads.table.boots)
        self._lines = Lines(self._heads.sought)
        self._lines.every = True
        self._open: list[Opened] = []
        self._doomed = False
        self._caused = False
        self._count = Counter[bool]()
        """reports begun, by whether they are but notes"""

    @property
    def pending(self) -> Report | None:
        """The gravest report that has begun and may go on; ``severity`` and ``offset`` hold from its first
        line."""
        if not self._open:
            return None
        return max(self._open, key=lambda one: (_GRAVITY[one.severity], -one.offset)).report()

    def feed(self, data: bytes | str) -> tuple[Report, ...]:
        """Take more of the console; the reports that are complete with it."""
        raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
        done: list[Report] = []
        for offset, line in self._lines.feed(raw):
            self._take(offset, line, done)
            self._lines.every = bool(self._open) or self._boots.unsure
        return tuple(done)

    def finish(self) -> tuple[Report, ...]:
        """The console has ended: what was still open."""
        done: list[Report] = []
        for offset, line in self._lines.rest():
            self._take(offset, line, done)
        while self._open:
            self._close(self._open[0], done)
        return tuple(done)

    def _take(self, offset: int, line: str, done: list[Report]) -> None:
        who, said = said_by(line)
        reboot = self._boots.hear(offset, line, said)
        if reboot is not None and not self._doomed and not any(one.severity == "fatal" for one in self._open):
            self._reboot(reboot, done)
        head = self._heads.find(said.removeprefix(" "))
        if self._open:
            if _OURS.match(said):
                while self._open:
                    self._close(self._open[0], done)
                return
            if self._goes_on(who, head, line, said, done):
                return
        if head is not None and self._counts(head[0]) and not (self._doomed and head[0].kind == "panic"):
            if len(self._open) == _SIDE_BY_SIDE:
                self._close(self._open[0], done)
            self._open.append(Opened(head, offset, who, self._heads))
            self._open[-1].add(line, said)

    def _counts(self, row: Row) -> bool:
        """True while there is room for one more; OOM kills by the hundred must not hide what follows."""
        self._count[row.severity == "note"] += 1
        return self._count[row.severity == "note"] <= MOST

    def _goes_on(self, who: str, head: Head | None, line: str, said: str, done: list[Report]) -> bool:
        """True when *line* belongs to an open report, or begins none."""
        for old in [one for one in self._open if one.age()]:
            self._close(old, done)
        for old in [one for one in self._open if one.overheard and one.overhear(line, said)]:
            self._close(old, done)
        report = next((one for one in self._open if one.hears(who, head)), None)
        if report is None or (head is not None and report.passes(head[0])):
            return False
        if report.goes_on(head, line, said):
            return True
        if head is None or not report.overtaken():
            self._close(report, done)
        return False

    def _reboot(self, report: Report, done: list[Report]) -> None:
        """What was being read ends here; its machine is gone."""
        while self._open:
            self._close(self._open[0], done)
        self._keep(report, done)

    def _close(self, opened: Opened, done: list[Report]) -> None:
        self._open.remove(opened)
        self._keep(opened.report(), done)

    def _keep(self, report: Report, done: list[Report]) -> None:
        before = any(one.offset < report.offset and one.severity != "note" for one in self._open)
        if report.severity != "note" and not self._caused and not before:
            self._caused = True
            report = replace(report, cause=True)
        done.append(report)
        self._doomed = self._doomed or done[-1].severity == "fatal"


def find_reports(text: str | bytes) -> tuple[Report, ...]:
    """Every report in *text*, in order. Offsets are bytes of *text* in UTF-8."""
    detector = Detector()
    found = detector.feed(text) + detector.finish()
    return tuple(sorted(found, key=lambda report: report.offset))
