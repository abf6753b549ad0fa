# SPDX-License-Identifier: GPL-2.0-only
"""What stands before a diff: lines that overrule the mail's headers, and the patch's description.

As ``git am`` reads it (git's mailinfo.c): From, Subject and Date lines that open the text count, a
scissors line drops what is above it, ``---`` or the diff ends the description. A web archive prints
the subject as a line of its own and some headers under it.
"""

from __future__ import annotations

import re

import msgspec

from harness.series.subject import one_line, parse_subject

_SCISSORS = re.compile(r"(?=[-<>8% ]*(?:>8|8<|>%|%<))[-<>8% ]{4,80}$")
_LONG_RULE = re.compile(r"-{30,}$")  # mm-commits: "-----…" and then From: and Subject: of the patch
_OPENING = re.compile(
    r"(?P<name>From|Subject|Date|Message-ID|To|Cc|Newsgroups|In-Reply-To)(?::[ \t]*|\t)(?P<value>.*)",
    re.IGNORECASE,
)
_IN_BODY = ("from", "subject", "date")
_DIFF = re.compile(r"(?:diff -|Index: |--- \S)")
_STAT = re.compile(r" ?\S.* \| +(?:\d+(?: [+-]*)?|Bin\b.*)$")
_SUMMARY = re.compile(r" ?\d+ files? changed(?:, .*)?$")
_ARCHIVE_NOISE = ("[Download RAW message or body]", "[Download message RAW]", "[not found]")
_UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINES = 20_000
_FOLDED = 8000
_TOP = 60
"""lines of a page in which its mail has begun"""
_HEAD = 20
"""lines from a title to the headers under it"""


class Prose(msgspec.Struct, frozen=True, kw_only=True):
    """The text before a diff, taken apart."""

    said: dict[str, str]
    """the lines that open it, by lower-case name; ``title`` where an archive prints the subject alone"""
    description: str


def split_prose(body: str, saved: bool = False) -> Prose:
    """The opening lines and the description of a patch's text, whatever stands behind them.

    *saved* says that it may be a page, with lines to walk the archive by above the mail.
    """
    lines = _before_diff(body)
    lines = lines[_after_scissors(lines) :]
    if saved:
        lines = lines[_page_top(lines) :]
    said, at = _opening(lines)
    rest = [line for line in lines[at:] if line.strip() not in _ARCHIVE_NOISE]
    while rest and (not rest[-1].strip() or _STAT.match(rest[-1]) or _SUMMARY.match(rest[-1])):
        rest.pop()
    text = "\n".join(_UNPRINTED.sub("\ufffd", line).rstrip() for line in rest)
    return Prose(said=said, description=text.strip("\n"))


def _before_diff(body: str) -> list[str]:
    """The lines up to ``---`` or the diff, without line ends."""
    found: list[str] = []
    for line in body.lstrip("\ufeff").split("\n", _LINES)[:_LINES]:
        bare = line.rstrip()
        if bare == "---" or (_DIFF.match(bare) and not _SCISSORS.match(bare)):
            break
        found.append(bare)
    return found


def _after_scissors(lines: list[str]) -> int:
    """Where the text that counts begins: after the last scissors line."""
    at = 0
    for number, line in enumerate(lines):
        rule = _LONG_RULE.match(line) and number + 1 < len(lines) and lines[number + 1].startswith("From: ")
        if rule or _SCISSORS.match(line):
            at = number + 1
    return at


def _page_top(lines: list[str]) -> int:
    """Where the mail begins in a page: at its title with headers under it, or else at the top."""
    for at, line in enumerate(lines[:_TOP]):
        below = lines[at + 1 : at + _HEAD]
        if parse_subject(line).tagged and any(
            each.startswith(("From:", "From\t", "Date:")) for each in below
        ):
            return at
    return 0


def _opening(lines: list[str]) -> tuple[dict[str, str], int]:
    """The headers that open *lines*, and the index after them."""
    said: dict[str, str] = {}
    at = _skip_blank(lines, 0)
    title = parse_subject(lines[at]) if at < len(lines) else None
    archive = title is not None and title.tagged and not _OPENING.match(lines[at])
    if archive:
        following = _skip_blank(lines, at + 1)
        if following < len(lines) and not _OPENING.match(lines[following]):
            following = at + 1
        said["title"] = one_line(lines[at])
        at = following
    began, last = at, ""
    while at < len(lines):
        found = _OPENING.match(lines[at])
        if found and (archive or found["name"].lower() in _IN_BODY):
            last = found["name"].lower()
            said.setdefault(last, found["value"].strip())
        elif last and lines[at][:1] in (" ", "\t") and lines[at].strip() and len(said[last]) < _FOLDED:
            said[last] = f"{said[last]} {lines[at].strip()}"  # folded, as git am takes it
        else:
            break
        at += 1
    return said, at if at > began or archive else began


def _skip_blank(lines: list[str], at: int) -> int:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at
