# SPDX-License-Identifier: GPL-2.0-only
"""Mailboxes: where one mail ends and the next begins (mbox, RFC 4155), and what is a mail at all."""

from __future__ import annotations

import re

from harness.errors import UserError

# Not mailbox.mbox: it splits at every line that begins with "From ", which descriptions have,
# and git format-patch does not escape. git mailsplit wants a time and a year on the line, as here.
_FROM_LINE = re.compile(rb"^From [^\n]{0,200}?\d\d:\d\d:\d\d[^\n]{0,40}?\d{4}[ \t\r]{0,9}$", re.MULTILINE)
_HEADER = re.compile(rb"(?:From |[A-Za-z][A-Za-z0-9-]{0,70}:[ \t\r\n])")
_MAIL_HEADER = re.compile(
    rb"^(?:From|Subject|Date|Message-ID|Return-Path|Received):", re.MULTILINE | re.IGNORECASE
)
_HEAD = re.compile(rb"(?:(?:From |[!-9;-~]{0,1000}:|[\t ])[^\n]*\n)*")
_EMPTY_LINE = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_MOST_MAILS = 20_000
_BOM = b"\xef\xbb\xbf"


def is_mail(raw: bytes) -> bool:
    """True when *raw* begins with a header block that names a sender, subject or date, or an mbox line."""
    if not _HEADER.match(raw):
        return False
    head = _BLANK_LINE.split(raw[: 1 << 20], maxsplit=1)[0]
    return _MAIL_HEADER.search(head) is not None or _FROM_LINE.match(raw) is not None


def text_begins(raw: bytes) -> int:
    """The 0-based line of *raw*, one mail, at which its text begins; 0 when it has none.

    After the blank line, or at a line that is no header, as marc.info prints under them: where
    email.parser begins the text.
    """
    head = _HEAD.match(raw)
    end = head.end() if head else 0
    blank = _EMPTY_LINE.match(raw, end)
    return raw.count(b"\n", 0, blank.end() if blank else end) if raw[end:].strip() else 0


def split_mailbox(raw: bytes, path: str) -> list[tuple[int, bytes]]:
    """The messages of a mailbox, each with the line (1-based) at which it begins; one mail gives one.

    Raises UserError, naming *path*, for more than twenty thousand.
    """
    starts = [found.start() for found in _FROM_LINE.finditer(raw) if _begins_message(raw, found.start())]
    if not starts or raw[: starts[0]].strip():
        starts.insert(0, 0)
    if len(starts) > _MOST_MAILS:
        raise UserError(f"{path}: over {_MOST_MAILS} mails; give the thread of one series")
    messages = []
    line, counted = 1, 0
    for start, end in zip(starts, [*starts[1:], len(raw)], strict=True):
        line += raw.count(b"\n", counted, start)
        counted = start
        messages.append((line, raw[start:end]))
    return messages


def without_bom(raw: bytes) -> bytes:
    """*raw* without the byte order mark that some editors put before a text."""
    return raw.removeprefix(_BOM)


def _begins_message(raw: bytes, start: int) -> bool:
    """A From line counts at the beginning or after a blank line, with a header after it."""
    after = raw.find(b"\n", start) + 1
    return (start == 0 or raw[max(0, start - 4) : start].endswith((b"\n\n", b"\r\n\r\n"))) and bool(
        _HEADER.match(raw, after)
    )
