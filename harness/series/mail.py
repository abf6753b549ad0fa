# SPDX-License-Identifier: GPL-2.0-only
"""Mails and mailboxes (RFC 5322, 2045-2047) and bare patch files, as :class:`Text`."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import cast

from harness.series.subject import Subject, one_line, parse_subject
from harness.series.text import Text

# Not mailbox.mbox: it splits at every line that begins with "From ", which descriptions have,
# and git format-patch does not escape. git mailsplit wants a time and a year on the line, as here.
_FROM_LINE = re.compile(rb"^From \S+.*\d\d:\d\d:\d\d.*\d{4}\s*$", re.MULTILINE)
_HEADER = re.compile(rb"(?:From |[A-Za-z][A-Za-z0-9-]*:[ \t\r\n])")
_MAIL_HEADER = re.compile(
    rb"^(?:From|Subject|Date|Message-ID|Return-Path|Received):", re.MULTILINE | re.IGNORECASE
)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_DIFF_START = re.compile(r"^(?:diff --git |--- |Index: )", re.MULTILINE)
_PATCH_NAME = re.compile(r"\.(?:patch|diff)$", re.IGNORECASE)
_PLAIN = ("", "7bit", "8bit", "binary")


def is_mail(raw: bytes) -> bool:
    """True when *raw* begins with a header block that names a sender, subject or date, or an mbox line."""
    if not _HEADER.match(raw):
        return False
    head = _BLANK_LINE.split(raw, maxsplit=1)[0]
    return _MAIL_HEADER.search(head) is not None or _FROM_LINE.match(raw) is not None


def split_mailbox(raw: bytes) -> list[tuple[int, bytes]]:
    """The messages of a mailbox, each with the line (1-based) at which it begins; one mail gives one."""
    starts = [m.start() for m in _FROM_LINE.finditer(raw) if _begins_message(raw, m.start())] or [0]
    ends = [*starts[1:], len(raw)]
    return [(raw.count(b"\n", 0, start) + 1, raw[start:end]) for start, end in zip(starts, ends, strict=True)]


def _begins_message(raw: bytes, start: int) -> bool:
    """A From line counts at the beginning or after a blank line, with a header after it."""
    after = raw.find(b"\n", start) + 1
    return (start == 0 or raw[max(0, start - 4) : start].endswith((b"\n\n", b"\r\n\r\n"))) and bool(
        _HEADER.match(raw, after)
    )


def read_mail(raw: bytes, path: str, line: int = 1, message: int = 0) -> Text:
    """One mail, the *message*-th of *path* if that is a mailbox, at *line* of it.

    Transfer encodings and charsets are undone; text without a known charset stays as it is.

    As ``git am`` has it, ``From:`` and ``Subject:`` lines that open the body overrule the header's.
    """
    mail = message_from_bytes(raw, policy=policy.default)
    body, plain = _body(mail)
    opening = _opening(body)
    blank = _BLANK_LINE.search(raw)
    subject = parse_subject(_header(mail, "Subject"))
    if "subject" in opening:
        inner = parse_subject(opening["subject"])
        subject = inner if inner.tagged else _retitled(subject, inner.text)
    return Text(
        subject=subject,
        author=one_line(opening.get("from") or _header(mail, "From")),
        message_id=one_line(_header(mail, "Message-ID")).strip("<> "),
        body=body,
        path=path,
        origin=f"{path}, message {message}" if message else path,
        first_line=line + raw.count(b"\n", 0, blank.end()) if plain and blank else 0,
    )


def read_plain(raw: bytes, path: str, title: str) -> Text:
    """A patch file without mail headers: From and Subject lines of its description count, if any."""
    body = raw.decode("utf-8", "surrogateescape")
    start = _DIFF_START.search(body)
    prose = body[: start.start()] if start else body
    said = _opening(prose.lstrip("\ufeff"))
    first = parse_subject(prose.strip().split("\n", 1)[0])
    subject = parse_subject(said["subject"]) if "subject" in said else first
    if not subject.text or ("subject" not in said and not first.tagged):
        subject = Subject(text=one_line(title))
    return Text(
        subject=subject,
        author=one_line(said.get("from", "")),
        body=body,
        path=path,
        origin=path,
        first_line=1,
    )


def _retitled(subject: Subject, text: str) -> Subject:
    return Subject(
        text=text,
        number=subject.number,
        total=subject.total,
        version=subject.version,
        tagged=subject.tagged,
        reply=subject.reply,
    )


def _opening(body: str) -> dict[str, str]:
    """The ``From:``, ``Subject:`` and ``Date:`` lines with which *body* begins, by lower-case name."""
    said: dict[str, str] = {}
    for line in body.lstrip().split("\n"):
        name, colon, value = line.partition(":")
        if not colon or name.lower() not in ("from", "subject", "date"):
            break
        said[name.lower()] = value.strip()
    return said


def _header(message: EmailMessage, name: str) -> str:
    """A header, decoded (RFC 2047); the raw words where the header is too broken for the parser."""
    try:
        return str(message.get(name, ""))
    except (MessageError, ValueError, LookupError, AttributeError, TypeError):
        # policy.default raises assorted errors on damaged headers; the words are worth keeping
        raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
        return str(make_header(decode_header(str(raw))))


def _body(message: EmailMessage) -> tuple[str, bool]:
    """The text of the mail, attached patches included; and whether it stands so in the file."""
    if not message.is_multipart():
        return _decoded(message), str(message.get("Content-Transfer-Encoding", "")).lower() in _PLAIN
    parts = [part for part in message.walk() if not part.is_multipart() and _is_text(part)]
    return "\n".join(_decoded(part) for part in parts), False


def _is_text(part: EmailMessage) -> bool:
    name = part.get_filename("") or ""
    return bool(_PATCH_NAME.search(name)) or (
        part.get_content_maintype() == "text" and part.get_content_subtype() != "html"
    )


def _decoded(part: EmailMessage) -> str:
    raw = cast(bytes, part.get_payload(decode=True) or b"")
    try:
        return raw.decode(part.get_content_charset("utf-8") or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return raw.decode("utf-8", "surrogateescape")
