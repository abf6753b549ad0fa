# SPDX-License-Identifier: GPL-2.0-only
"""Console bytes as bounded, printable lines, and the kernel's own words in each."""

from __future__ import annotations

import re

LONGEST = 2048
"""bytes of a line that are kept; printk's own limit is 1024 (LOG_LINE_MAX), prefixes come on top"""

_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[@-~]?|.)?")
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")
_STAMP = re.compile(r"\[ {0,6}\d{1,8}\.\d{6}\]")
_CALLER = re.compile(r" ?\[ {0,6}[TC]\d{1,8}(?:@\d{1,4})?\]")
_LEVEL = re.compile(r"<\d{1,2}>")


class Lines:
    """Cuts what is fed into lines; each is ``(offset, text)``, the offset in bytes from the first feed."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._begins = 0
        self._fed = 0

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        """The lines that *data* completes. A line beyond :data:`LONGEST` bytes loses its rest."""
        lines = []
        start = 0
        while True:
            end = data.find(b"\n", start)
            room = LONGEST - len(self._kept)
            if room > 0:
                self._kept += data[start : min(end if end >= 0 else len(data), start + room)]
            if end < 0:
                break
            lines += self._cut()
            start = end + 1
            self._begins = self._fed + start
        self._fed += len(data)
        return lines

    def rest(self) -> list[tuple[int, str]]:
        """The last line, when it has no line end; nothing otherwise."""
        return self._cut() if self._kept else []

    def _cut(self) -> list[tuple[int, str]]:
        text = printable(self._kept.decode("utf-8", "replace"))
        self._kept.clear()
        return [(self._begins, text)]


def printable(text: str) -> str:
    """*text* without terminal escapes, carriage returns, NULs and whatever else no report can hold."""
    return _UNPRINTABLE.sub("", _ESCAPE.sub("", text)).rstrip()


def message(line: str) -> str:
    """What the kernel said in *line*: without level, time stamp and caller, and without what a user
    program had left on the line before the stamp.

    Format: print_prefix() and print_caller() in kernel/printk/printk.c, 2.6.27 to 6.12.
    """
    stamp = _STAMP.search(line)
    if stamp is None:
        level = _LEVEL.match(line)
        return line[level.end() :] if level else line
    at = stamp.end()
    caller = _CALLER.match(line, at)
    if caller:
        at = caller.end()
    return line[at + 1 :] if line[at : at + 1] == " " else line[at:]
