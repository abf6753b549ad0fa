# SPDX-License-Identifier: GPL-2.0-only
"""Several archived mails in one text: a thread page that was saved, or mails pasted one after the other.

What begins a mail, as hypermail, MHonArc, marc.info, lkml.org and public-inbox print it: a title with
``From:`` and ``Date:`` under it, or a block of ``From``, ``Subject`` and most often ``Date``. Each mail is
cut out and its header lines are written in one manner; the number of its lines stays.
"""

from __future__ import annotations

import re

import msgspec

from harness.errors import UserError
from harness.series.charset import decode
from harness.series.lines import HUNK, hunk_counts
from harness.series.pasted import is_html, visible_text
from harness.series.subject import parse_subject

_TITLE = re.compile(r"[ \t]{0,8}(?:\* )?(?:\[|(?:re|aw|fwd?)\b)", re.IGNORECASE)
# Bullets are MHonArc's list items, leading blanks what a browser makes of them. lkml.org has tabs, or
# the blank that is left of one, after its three names.
_FIELD = re.compile(
    r"[ \t]{0,8}(?:[*\u2022\u00b7] )?(?:(?P<name>From|Subject|Date|To|Cc|List|Newsgroups|Message-ID"
    r"|In-Reply-To|References|Reply-To|Sender|Return-Path|Delivered-To|Received|X-[A-Za-z-]{1,40}"
    r"|MIME-Version|Content-[A-Za-z-]{1,40})(?::[ \t]*|\t)"
    r"|(?P<bare>(?-i:Date|Subject|From(?!.{0,200}\d:\d\d:\d\d))) (?=\S))(?P<value>.*)",
    re.IGNORECASE,
)
_KNOWN = ("subject", "from", "date", "message-id", "to", "cc", "newsgroups", "in-reply-to")
_OTHER_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,70}:(?:[ \t]|$)")
_FOLDED = re.compile(r"[ \t]+\S")
_WALK = re.compile(
    r"\s*(?:[^\w\s]\s?)?(?:Next|Prev(?:ious)?|In reply to|Maybe in reply to|Messages sorted|Contemporary"
    r"|Reply|Mail actions|Thread|Date)\b[^:]{0,40}:"
    r"|\s*\[ ?(?:date|thread|subject|author|other|prev|next|list|index|attachment|download|more)\b",
    re.IGNORECASE,
)
_TREE = re.compile(r"@ \d{4}-|[`|+\\-]|[ \t]|\d{4}-\d\d-\d\d |\.{3}|\(?\d+ (?:siblings|more|repl)")
_BY_INBOX = re.compile(r"(.{1,300}?) @ (\d{4}-\d\d-\d\d +\d+:\d\d UTC)(?: \(permalink.*)?$")
_NO_MAIL_BELOW = re.compile(
    r"[-<>8% ]{0,80}(?:>8|8<|>%|%<)|.{0,60}\b(?:original|forwarded) (?:message|mail)\b", re.IGNORECASE
)
_CLOCK = re.compile(r"\d\d?:\d\d")
_SENT = re.compile(rb"^(?:Received|MIME-Version|Content-Type):", re.MULTILINE | re.IGNORECASE)
_MULTIPART = re.compile(rb"^content-type:\s*multipart/", re.MULTILINE | re.IGNORECASE)
_DIFF = ("--- ", "diff --git ", "@@ -")
_NAVIGATION = 20
"""lines from a title to the headers under it"""
_THREAD = 400
"""the same, where public-inbox prints the mails around it"""
_MOST_MAILS = 20_000


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One mail of a page."""

    line: int
    """1-based, of the page, at which it begins; 0 where the page's lines are not those of the file"""
    raw: bytes
    title: str
    """the line above its headers; empty where its headers have a subject"""


class _Block(msgspec.Struct, frozen=True, kw_only=True):
    """The header lines of one mail: where they stand, and what they say by lower-case name."""

    at: int
    end: int
    said: dict[str, str]
    title: str = ""

    def sure(self) -> bool:
        """No lines of a source: a tag or ``Re:``, a sender, and a date with a time of day."""
        subject = parse_subject(self.title or self.said["subject"])
        return (subject.tagged or subject.reply) and _CLOCK.search(self.said.get("date", "")) is not None


def split_page(raw: bytes, path: str) -> list[Piece]:
    """The mails of a page, in order; nothing where it is one mail, or none.

    A mail as it was sent (with MIME headers) is only cut where the next one has a Message-ID. What
    stands before the first mail counts if it has a diff. Raises UserError, naming *path*, for too many.
    """
    body, _ = decode(raw, "")
    page = is_html(body)
    if page:
        body = visible_text(body)
    lines = body.split("\n")
    sent = _SENT.search(raw.partition(b"\n\n")[0]) is not None
    if sent and _MULTIPART.search(raw):
        return []
    blocks = _Walk(lines, sent).blocks()
    starts = [block.at for block in blocks]
    if blocks and any(line.startswith(("--- ", "diff --git ")) for line in lines[: starts[0]]):
        starts.insert(0, 0)
    if len(starts) > _MOST_MAILS:
        raise UserError(f"{path}: over {_MOST_MAILS} mails; give the thread of one series")
    if len(starts) <= 1:
        return []
    if not sent:
        for block in blocks:
            lines[block.at : block.end] = _header(lines, block)
    titles = {block.at: block.title for block in blocks}
    return [
        Piece(
            line=0 if page else start + 1,
            raw="\n".join([*lines[start:end], ""]).encode("utf-8", "surrogateescape"),
            title=titles.get(start, ""),
        )
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]


def _header(lines: list[str], block: _Block) -> list[str]:
    """The header lines of *block* in one manner, in as many lines, so that no line after them moves."""
    if not block.title:
        return [_undecorated(line) for line in lines[block.at : block.end]]
    head = [block.title, *(f"{name.title()}: {block.said[name]}" for name in _KNOWN if name in block.said)]
    room = block.end - block.at
    return [""] * (room - len(head)) + head[:room]


def _undecorated(line: str) -> str:
    found = _FIELD.match(line)
    return f"{found['name'] or found['bare']}: {found['value']}" if found else line


class _Walk:
    """Goes over the lines of a page once and knows, at each, what of a mail has been seen."""

    def __init__(self, lines: list[str], sent: bool) -> None:
        self.lines = lines
        self.sent = sent
        self.old = 0
        """lines of the old side that the hunk at hand still wants, as its header counts; and of the new"""
        self.new = 0
        self.diff = False
        self.above = ""
        """the last line that is not blank; empty right after a header"""
        self.last: _Block | None = None

    def blocks(self) -> list[_Block]:
        """The headers of the mails, in order."""
        found: list[_Block] = []
        at = 0
        while at < len(self.lines):
            block, end = self._block(at)
            if block is not None and self._begins_mail(block):
                found.append(block)
                self.last, self.above, self.diff, self.old, self.new = block, "", False, 0, 0
            else:
                for line in self.lines[at:end]:
                    self._follow(line)
            at = end
        return found

    def _block(self, at: int) -> tuple[_Block | None, int]:
        """The header at *at*, if one is there, and the line up to which all has been looked at."""
        line = self.lines[at]
        by_inbox = line.lstrip().startswith("* ")
        title = line.strip().removeprefix("* ")
        if _TITLE.match(line):
            subject = parse_subject(title)
            below = self._below(at, title, by_inbox) if subject.tagged or subject.reply else at
            said, end = self._fields(below, _FOLDED) if below > at else ({}, at)
            if "from" not in said:
                return None, max(below, at + 1)
            return _Block(at=at, end=end, said=said, title=title), end
        if not _FIELD.match(line):
            return None, at + 1
        said, end = self._fields(at, _FOLDED, _OTHER_FIELD)
        whole = "from" in said and "subject" in said
        return (_Block(at=at, end=end, said=said) if whole else None), end

    def _below(self, at: int, title: str, by_inbox: bool) -> int:
        """The line under the title at *at* and under the links that a page prints between."""
        below = at + 1
        last = min(len(self.lines), at + (_THREAD if by_inbox else _NAVIGATION))
        while below < last:
            line = self.lines[below]
            bare = line.strip()
            skipped = not bare or bare == title or _WALK.match(bare) or (by_inbox and _TREE.match(line))
            if not skipped or _FIELD.match(line):
                break
            below += 1
        return below

    def _fields(self, at: int, *others: re.Pattern[str]) -> tuple[dict[str, str], int]:
        """What the header lines from *at* on say, and where they end; lines of *others* go with them."""
        said: dict[str, str] = {}
        while at < len(self.lines):
            line = self.lines[at]
            found = _FIELD.match(line)
            if found is None and not (said and any(other.match(line) for other in others)):
                break
            if found is not None:
                said.setdefault((found["name"] or found["bare"]).lower(), found["value"].strip())
            at += 1
        inbox = _BY_INBOX.match(said.get("from", ""))
        if inbox is not None:
            said["from"] = inbox[1]
            said.setdefault("date", inbox[2])
        return said, at

    def _begins_mail(self, block: _Block) -> bool:
        if self.last is None and not self.diff:
            return True
        if self.sent and "message-id" not in block.said:
            return False
        if not self.above or _NO_MAIL_BELOW.match(self.above):
            return False  # lines that open the text of a mail, a scissors line, a mail that is quoted whole
        if self.old > 0 or self.new > 0:
            return block.sure() and not self.lines[block.at].startswith((" ", "\t"))
        if self.diff:
            return True
        return "date" in block.said and (not self._wants_diff() or self._other_patch(block))

    def _wants_diff(self) -> bool:
        """The mail at hand is a patch; what follows, and looks like a header, its description may quote."""
        if self.last is None:
            return True
        subject = parse_subject(self.last.title or self.last.said["subject"])
        return not subject.reply and subject.number != 0

    def _other_patch(self, block: _Block) -> bool:
        if block.title:
            return block.sure()
        here = parse_subject(block.said["subject"])
        last = parse_subject(self.last.title or self.last.said["subject"]) if self.last else here
        return not here.reply and here.total == last.total is not None and here.number != last.number

    def _follow(self, line: str) -> None:
        if line.strip():
            self.above = line.strip()
        if HUNK.match(line):
            self.old, self.new = hunk_counts(line)
        elif self.old > 0 or self.new > 0:
            self.old -= line[:1] not in ("+", "\\")
            self.new -= line[:1] not in ("-", "\\")
        self.diff = self.diff or line.startswith(_DIFF)
