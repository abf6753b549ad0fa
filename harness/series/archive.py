# SPDX-License-Identifier: GPL-2.0-only
"""Diffs out of web archives, whose white space is lost: recognised, and taken apart into hunks.

What the archives do: the leading blank of context is gone, runs of blanks are one blank, trailing
blanks are gone, empty context lines may be gone too; page footers follow the last hunk. ``+`` and
``-`` are left. The counts in the headers say where a hunk ends, as long as no line was dropped.
harness.series.repair makes a diff of this again, against a tree.
"""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec

from harness.series.lines import clean_header
from harness.series.model import DamagedHunk
from harness.series.text import Text

# A header may have lost blanks, or the sign of its second range.
_HEADER = re.compile(
    r"@@ ?- ?(\d{1,9})(?:, ?(\d{1,9}))? ?[-+ ] ?(\d{1,9})(?:, ?(\d{1,9}))? ?@@ ?(.*)", re.DOTALL
)
_ENDS_FILE = re.compile(r"Index: \S|diff -|={20,}$")
# Words that a page or a list puts under a mail, and lines that end a mail's text.
_PAGE = (
    r"To unsubscribe|More majordomo info|Please read the FAQ"
    r"|[^\w\s]{0,3}\s{0,3}(?:Follow-Ups|References|Reply|Index\(es\)|Next message|Previous message"
    r"|Next in thread|Prev(?:ious)? (?:by|in) (?:date|thread)|Next by (?:date|thread)|Messages sorted by"
    r"|In reply to|Maybe in reply to|Contemporary messages sorted|Mail actions|Current Thread)\s*:"
    r"|\[(?:Date|Thread|Other|prev in|next in|List Archive|Prev Page|Next Page|Index of)\b|-----BEGIN PGP"
)
_PAGE_FOOTER = re.compile(_PAGE, re.IGNORECASE)
_FOOTER = re.compile(rf"{_PAGE}|-- ?$|-{{20,}}|_{{20,}}", re.IGNORECASE)
_FULL_STOP = re.compile(r"[+-]? [\w(*&].*[;{]$")
_WIDE = re.compile(r"[ +-] {7}")  # the marker may count for the first tab
_NARROW = re.compile(r"[ +-] {2,6}[^ ]")
_RUN = re.compile(r'("(?:[^"\\\n]|\\.)*")| +')
_FEW = 2


class LooseHunk(msgspec.Struct, frozen=True, kw_only=True):
    """A hunk of a damaged diff, and where it stands."""

    at: int
    """0-based place of its header"""
    hunk: DamagedHunk


class LooseFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a damaged diff: its names as the ``---`` and ``+++`` lines have them."""

    at: int
    old: str
    new: str
    hunks: tuple[LooseHunk, ...]


def white_space_lost(lines: list[str]) -> bool:
    """True when most lines of the hunks that should be context have lost their marker.

    A truncated, miscounted or wrapped diff has its markers, and is no such text. Neither is one
    whose only fault is a line or two that cannot be read.
    """
    marked = unmarked = 0
    for start, end in _regions(lines):
        header = _HEADER.match(lines[start])
        if not header:
            continue
        most = int(header[2] or 1) + int(header[4] or 1)
        for line in lines[start + 1 : min(end, start + 1 + most)]:
            if _FOOTER.match(line):
                break
            marked += line[:1] == " "
            unmarked += line[:1] not in ("", " ", "+", "-", "\\")
    return unmarked > 0 and marked * 4 <= unmarked


def blanks_collapsed(lines: list[str]) -> bool:
    """True when the markers are there and the indentation is not: ``+ x;`` for ``+<tab>x;``.

    Kernel C is indented with tabs, and by one blank never (Documentation/process/coding-style); so
    two statements at one blank, no tab in any hunk, and no two blanks together, cannot be its own.
    """
    code = _code_of(lines)
    if any("\t" in line or "  " in line[1:] for line in code):
        return False
    ends = (line if line[:1] in "+-" else line[1:] for line in code)
    return sum(_FULL_STOP.match(line) is not None for line in ends) >= _FEW


def tabs_expanded(lines: list[str]) -> bool:
    """True when there is no tab in any hunk of C, and two lines or more are indented by the blanks of one.

    What a page or a mailer that knows no tabs leaves of kernel C: columns are as they were. Code that its
    author indents by fewer blanks has lines of two to six.
    """
    code = _code_of(lines)
    if any("\t" in line or _NARROW.match(line) for line in code):
        return False
    return sum(_WIDE.match(line) is not None for line in code) >= _FEW


def _code_of(lines: list[str]) -> list[str]:
    """The lines of all hunks; none of them where one hunk is not of C."""
    code: list[str] = []
    name = ""
    for start, end in _regions(lines):
        name = _name_before(lines, start) or name
        if not name.endswith((".c", ".h")):
            return []
        code += lines[start + 1 : end]
    return code


def collapsed(line: str) -> str:
    """*line* of a diff with one blank for each run, as archives leave it; strings are kept whole."""
    return line[:1] + _RUN.sub(lambda found: found[1] or " ", line[1:])


def _name_before(lines: list[str], start: int) -> str:
    before = lines[start - 1] if start else ""
    return before[4:].partition("\t")[0].partition(" ")[0] if before.startswith("+++ ") else ""


def loose_files(text: Text, lines: list[str]) -> list[LooseFile]:
    """The files and hunks of a damaged diff, in order.

    Raises UserError for a hunk with nothing in it and for hunks that no file was named for.
    """
    files: list[LooseFile] = []
    starts = _regions(lines)
    ends = dict(starts)
    hunks: list[LooseHunk] = []
    names: tuple[int, str, str] | None = None
    at = 0
    while at < len(lines):
        if lines[at].startswith("@@") and at not in ends:
            raise text.refused("malformed diff: a hunk header that cannot be read", "get the patch anew", at)
        if at + 1 < len(lines) and lines[at].startswith("--- ") and lines[at + 1].startswith("+++ "):
            _close(text, files, names, hunks)
            names, hunks = (at, _name(lines[at]), _name(lines[at + 1])), []
            at += 2
        elif at in ends:
            if names is None:
                raise text.refused(
                    "malformed diff: a hunk before any file name", "add its --- and +++ lines", at
                )
            if lines[at - 1].startswith("+++ ") and names[0] != at - 2:
                raise text.refused("malformed diff: a +++ line without its --- line", "mend it", at - 1)
            hunks.append(_hunk(text, lines, at, ends[at]))
            at = ends[at]
        else:
            at += 1
    _close(text, files, names, hunks)
    return files


def _close(
    text: Text, files: list[LooseFile], names: tuple[int, str, str] | None, hunks: list[LooseHunk]
) -> None:
    if names is None:
        return
    at, old, new = names
    if not hunks:
        raise text.refused("malformed diff: a file header without hunks", "get the patch anew", at)
    files.append(LooseFile(at=at, old=old, new=new, hunks=tuple(hunks)))


def _name(line: str) -> str:
    return clean_header(line)[4:]


def _regions(lines: list[str]) -> list[tuple[int, int]]:
    """For each hunk header its place, and the place at which its lines have ended at the latest."""
    stops = [at for at, line in enumerate(lines) if _is_stop(lines, at, line)]
    stops.append(len(lines))
    return [(start, end) for start, end in pairwise(stops) if _HEADER.match(lines[start])]


def _is_stop(lines: list[str], at: int, line: str) -> bool:
    if line.startswith("@@"):
        return _HEADER.match(line) is not None
    if line.startswith("--- "):
        return at + 1 < len(lines) and lines[at + 1].startswith("+++ ")
    return line[:1] in ("I", "d", "=") and _ENDS_FILE.match(line) is not None


def _hunk(text: Text, lines: list[str], start: int, end: int) -> LooseHunk:
    header = _HEADER.match(lines[start])
    assert header is not None  # noqa: S101 -- _regions() gives none but headers
    old, new = int(header[2] or 1), int(header[4] or 1)
    body = [line.rstrip() for line in lines[start + 1 : min(end, start + 1 + 2 * (old + new) + 64)]]
    body = body[: _extent(body, old, new, last=end == len(lines))]
    if not any(line[:1] in ("+", "-") for line in body):
        raise text.refused("malformed diff: a hunk that changes nothing", "get the patch anew", start)
    return LooseHunk(
        at=start,
        hunk=DamagedHunk(
            old_start=int(header[1]),
            old_count=old,
            new_start=int(header[3]),
            new_count=new,
            section=header[5].strip(),
            lines=tuple(line.lstrip(" ") if line[:1] == " " else line for line in body),
            place=text.line(start + 1) if text.first_line else 0,
        ),
    )


def _extent(body: list[str], old: int, new: int, last: bool) -> int:
    """How many of *body* are the hunk's: as the header counts, or else, for the *last*, up to a footer."""
    olds = news = 0
    for at, line in enumerate(body):
        if last and _PAGE_FOOTER.match(line):
            break
        mark = line[:1]
        olds += mark != "+"
        news += mark != "-"
        if olds == old and news == new:
            if _ended(body[at + 1 :]):
                return at + 1
            break
    footer = next((at for at, line in enumerate(body) if last and _FOOTER.match(line)), len(body))
    return _without_blank_tail(body[:footer], old, new)


def _ended(rest: list[str]) -> bool:
    """Nothing that could be a hunk's goes on after its end."""
    line = rest[0] if rest else ""
    return not line or line[:1] not in ("+", "-") or _FOOTER.match(line) is not None


def _without_blank_tail(body: list[str], old: int, new: int) -> int:
    """The length of *body* less the empty lines at its end that the counts leave no room for."""
    length = len(body)
    while length and not body[length - 1]:
        length -= 1
    olds = sum(line[:1] != "+" for line in body[:length])
    news = sum(line[:1] != "-" for line in body[:length])
    room = max(0, min(old - olds, new - news))
    return min(len(body), length + room)
