# SPDX-License-Identifier: GPL-2.0-only
"""A kernel report as it stands in its console: with the lines before it, which often tell why."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.console.model import Report
from harness.report.plaintext import clean, excerpt

_BEFORE, _AFTER = 12, 6
"""lines"""
_END = 24
"""lines of a console without a report"""
_REACH = 4096
"""bytes that these may take"""


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A report and what is around it; only the report, where its console is gone."""

    log: str
    """path of the console, relative to the run's directory; empty where it was not found there"""
    before: str
    report: str
    after: str
    offset: int


def console_end(directory: Path, console: str) -> Excerpt:
    """The last lines of the file *console* of *directory*, where no report is in it."""
    size = (directory / console).stat().st_size if console else 0
    start = max(0, size - _REACH)
    lines = _around(directory / console, start, _REACH)[1].rstrip("\n").split("\n")[-_END:] if size else []
    return Excerpt(log=console, before="", report="", after="\n".join(lines), offset=start)


def console_excerpt(directory: Path, console: str, report: Report, most: int) -> Excerpt:
    """*report* in the one of the guests' consoles that has it, of which *console* is the first.

    At most *most* characters of it.
    """
    text = excerpt(report.text, most)
    first, last = _ends(report.text)
    for log in _logs(directory, console) if first else ():
        before, behind = _around(log, report.offset, len(report.text))
        if not behind.lstrip().startswith(first):
            continue
        end = behind.find(last) if last != first else 0
        after = behind[end:].split("\n")[1 : 1 + _AFTER] if end >= 0 else []
        return Excerpt(
            log=log.relative_to(directory).as_posix(),
            before="\n".join(before.split("\n")[-_BEFORE - 1 : -1]),
            report=text,
            after="\n".join(after),
            offset=report.offset,
        )
    return Excerpt(log="", before="", report=text, after="", offset=report.offset)


def _ends(text: str) -> tuple[str, str]:
    """First and last line of a report's *text* that are not blank, cleaned."""
    lines = text.strip("\n").split("\n")
    return clean(lines[0][:_REACH]).strip(), clean(lines[-1][:_REACH]).strip()


def _logs(directory: Path, console: str) -> list[Path]:
    """The consoles of a cell: its guest may have died and been started again."""
    if not console:
        return []
    first = directory / console
    return [first, *sorted(first.parent.glob(f"{first.stem}-*{first.suffix}"))]


def _around(log: Path, offset: int, length: int) -> tuple[str, str]:
    """What *log* has before byte *offset* and from there on, cleaned; nothing where it cannot be read."""
    start = max(0, offset - _REACH)
    try:
        with log.open("rb") as stream:
            stream.seek(start)
            data = stream.read(offset - start + 2 * min(length, 1 << 20) + _REACH)
    except OSError:
        return "", ""
    before, behind = data[: offset - start], data[offset - start :]
    return _text(before), _text(behind)


def _text(data: bytes) -> str:
    return clean(data.decode("utf-8", "backslashreplace"))
