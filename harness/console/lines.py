# SPDX-License-Identifier: GPL-2.0-only
"""Console bytes as bounded, printable lines, and the kernel's own words in each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import re2

LONGEST = 2048
"""bytes of a line that are kept; printk's own limit is 1024 (LOG_LINE_MAX), prefixes come on top"""

_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[@-~]?|.)?")
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")
_STAMP = re.compile(r"\[ {0,6}\d{1,8}\.\d{6}\]")
_CALLER = re.compile(r" ?\[ {0,6}([TC]\d{1,8})(?:@\d{1,4})?\]")
_LEVEL = re.compile(r"<\d{1,2}>|\S{1,40} login: |\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
# A word may be hidden by these until the line is made printable; "\r" at a line's end hides none.
_ODD = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]|\r[^\n]"


def printable(text: str) -> str:
    """*text* without terminal escapes, carriage returns, NULs and whatever else no report can hold."""
    return _UNPRINTABLE.sub("", _ESCAPE.sub("", text)).rstrip()


def message(line: str) -> str:
    """What the kernel said in *line*, see :func:`said_by`."""
    return said_by(line)[1]


def said_by(line: str) -> tuple[str, str]:
    """Who spoke, and what the kernel said in *line*: without level, time stamp and caller, and without
    what a user program had left on the line before the stamp.

    Who is ``T123`` (a task) or ``C1`` (a CPU in an interrupt) with CONFIG_PRINTK_CALLER, else "kernel" if
    there is a time stamp, else "".

    Format: print_prefix() and print_caller() in kernel/printk/printk.c, 2.6.27 to 6.12.
    """
    stamp = _STAMP.search(line)
    if stamp is None:
        level = _LEVEL.match(line)
        return "", line[level.end() :] if level else line
    at = stamp.end()
    caller = _CALLER.match(line, at)
    if caller:
        at = caller.end()
    said = line[at + 1 :] if line[at : at + 1] == " " else line[at:]
    return caller[1] if caller else "kernel", said


def seeker(words: Iterable[str]) -> Any:
    """What a console is searched with: plain text that may begin something, and all that may hide it.

    RE2, since the standard library's alternation tries one word after the other at every byte: 8 MB/s
    with the words of configs/console.yaml, against 230 MB/s.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    odd = _ODD.encode("latin-1")
    return re2.compile(b"|".join([*(re2.escape(word.encode()) for word in words), odd]), options)


class Lines:
    """Cuts what is fed into lines; each is ``(offset, text)``, the offset in bytes from the first feed.

    As long as :attr:`every` is False, only lines in which what is sought may be are handed out. That holds
    for lines of plain text; a line with control characters or other than ASCII, which might hide a word
    until it is made printable, is always handed out. So the answer does not depend on how it was fed.
    """

    def __init__(self, sought: Any = None) -> None:
        self.every = sought is None
        self._sought = sought
        self._kept = bytearray()
        self._begins = 0
        self._fed = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, str]]:
        """The lines that *data* completes. A line beyond :data:`LONGEST` bytes loses its rest.

        To be read to its end before the next feed; :attr:`every` may be set in between.
        """
        first = data.find(b"\n") + 1
        self._keep(data, 0, first - 1 if first else len(data))
        base, self._fed = self._fed, self._fed + len(data)
        if not first:
            return
        yield from self.rest()
        last = data.rfind(b"\n") + 1
        at = first
        while at < last:
            if not self.every:
                at = self._next(data, at, last)
            if at < last:
                end = data.find(b"\n", at)
                yield base + at, _text(data[at : min(end, at + LONGEST)])
                at = end + 1
        self._begins = base + last
        self._keep(data, last, len(data))

    def rest(self) -> Iterator[tuple[int, str]]:
        """The last line, when it has no line end; nothing otherwise."""
        line = bytes(self._kept)
        self._kept.clear()
        if self.every or self._sought.search(line):
            yield self._begins, _text(line)

    def _keep(self, data: bytes, start: int, end: int) -> None:
        room = LONGEST - len(self._kept)
        self._kept += data[start : min(end, start + max(0, room))]

    def _next(self, data: bytes, start: int, end: int) -> int:
        """Where the next line that may matter begins; *end* if none."""
        hit = self._sought.search(data, start, end)
        return max(start, data.rfind(b"\n", start, hit.start()) + 1) if hit else end


def _text(line: bytes) -> str:
    return printable(line.decode("utf-8", "replace"))
