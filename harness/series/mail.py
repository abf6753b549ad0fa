# SPDX-License-Identifier: GPL-2.0-only
"""Mails (RFC 5322, 2045-2047) and bare patch files, as :class:`Text`."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path
from typing import cast

import msgspec

from harness.errors import UserError
from harness.series.charset import decode
from harness.series.flowed import undo_clear_signing, undo_flowed
from harness.series.header import Headers, decoded, headers_of, message_id, parents
from harness.series.mailbox import is_mail, text_begins
from harness.series.packed import plain_path
from harness.series.pasted import begins_as_html, is_html, undo_paste, visible_text
from harness.series.prose import Prose, split_prose
from harness.series.subject import Subject, one_line, parse_subject
from harness.series.text import Text

NOBODY = "unknown@invalid"
"""the address (RFC 2606, 2) that harness.series.write gives to an author without one; read as none"""
_PATCH_NAME = re.compile(r"\.(?:patch|diff)$", re.IGNORECASE)
_UNNAMED = re.compile(rb"^(?:diff --git |--- )[^\n]*\n(?:[^\n]*\n){0,9}?\+\+\+ ", re.MULTILINE)
_HAS_DIFF = re.compile(r"^(?:[>|] ?)*(?:diff --git |--- )", re.MULTILINE)
_NESTED = re.compile(rb"multipart/|message/rfc822", re.IGNORECASE)
_MOST_NESTED = 32
# email.message cuts the parameters of a header off one by one, in quadratic time
_LONG_FIELD = re.compile(rb"^content-[a-z-]{1,40}:(?:[^\n]|\n[ \t]){4000}", re.MULTILINE | re.IGNORECASE)
_BOUNDARY = re.compile(
    rb"^content-type:[ \t]{0,9}multipart/(?:[^\n]|\n[ \t]){0,500}?boundary=\"?([^\";\s]{1,100})",
    re.MULTILINE | re.IGNORECASE,
)
_MOST_PARTS = 500
_PLAIN = ("", "7bit", "8bit", "binary")


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    notes: tuple[str, ...] = ()
    as_it_stands: bool = False
    """its lines are those of the file"""
    attached: tuple[bytes, ...] = ()
    """whole mails that are attached, as ``git format-patch`` wrote them or as they were forwarded"""


def read_mail(raw: bytes, path: str, line: int = 1, message: int = 0) -> list[Text]:
    """One mail, the *message*-th of *path* if that is a mailbox, at *line* of it; and mails attached to it.

    Transfer encodings and charsets are undone; text without a known charset stays as it is. As
    ``git am`` has it, ``From:``, ``Subject:`` and ``Date:`` lines that open the body overrule the header's.
    Raises UserError for a mail whose parts are nested too deeply.
    """
    origin = f"{path}, message {message}" if message else path
    _refuse_flood(raw, origin)
    try:
        mail = message_from_bytes(raw, policy=policy.compat32)
        body = _body(mail)
    except (RecursionError, ValueError, LookupError, AssertionError) as error:
        what = one_line(str(error), 100)
        raise UserError(
            f"{origin}: no mail that can be read ({what}); give the patch as plain text"
        ) from None
    texts = [found for inner in body.attached for found in read_mail(inner, origin)]
    if texts and any(_HAS_DIFF.search(text.body) for text in texts) and not _HAS_DIFF.search(body.text):
        return texts
    first_line = line + text_begins(raw) if line and body.as_it_stands else 0
    return [_from_mail(headers_of(mail), body, path, origin, first_line)]


def _refuse_flood(raw: bytes, origin: str) -> None:
    """Mails whose headers or parts would keep the parser busy for hours."""
    if len(_NESTED.findall(raw)) > _MOST_NESTED:
        raise UserError(
            f"{origin}: more than {_MOST_NESTED} parts within parts; give the patch as plain text"
        )
    if _LONG_FIELD.search(raw):
        raise UserError(f"{origin}: a Content- header of over 4000 bytes; give the patch as plain text")
    if any(raw.count(b"\n--" + mark) > _MOST_PARTS for mark in set(_BOUNDARY.findall(raw))):
        raise UserError(f"{origin}: more than {_MOST_PARTS} parts; give the patch as plain text")


def _from_mail(headers: Headers, body: _Body, path: str, origin: str, first_line: int) -> Text:
    prose = split_prose(body.text)
    sender = decoded(headers.get("from", ""))
    subject = parse_subject(decoded(headers.get("subject", "")))
    if "subject" in prose.said:
        inner = parse_subject(decoded(prose.said["subject"]))
        subject = inner if inner.tagged else msgspec.structs.replace(subject, text=inner.text)
    return Text(
        subject=subject,
        author=_person(decoded(prose.said["from"]) if prose.said.get("from") else sender),
        date=one_line(prose.said.get("date") or headers.get("date", "")),
        message_id=message_id(headers.get("message-id", "")),
        sender=sender,
        parents=parents(headers),
        name=one_line(headers.get("x-patch-name", "")),
        description=prose.description,
        notes=body.notes,
        body=body.text,
        path=path,
        origin=origin,
        first_line=first_line,
    )


def read_plain(raw: bytes, path: str, title: str, line: int = 1, message: int = 0) -> Text:
    """A patch file without mail headers: From, Subject and Date lines of its text count, if any.

    *title* is the subject of one that has none; *line* and *message* are as in :func:`read_mail`, and
    *line* is 0 where the text was taken out of another.
    """
    as_it_stood, charset_note = decode(raw, "")
    if begins_as_html(as_it_stood) and not is_html(as_it_stood):
        raise UserError(f"{path}: an HTML page that is too long or too broken; save it as text")
    body, notes = undo_paste(as_it_stood, True)
    body = undo_clear_signing(body)
    prose = split_prose(body, saved=True)
    return Text(
        subject=_plain_subject(prose, title),
        author=_person(one_line(prose.said.get("from", ""))),
        date=one_line(prose.said.get("date", "")),
        message_id=message_id(prose.said.get("message-id", "")),
        description=prose.description,
        notes=(*((charset_note,) if charset_note else ()), *notes),
        body=body,
        path=path,
        origin=f"{path}, message {message}" if message else path,
        first_line=line if body.count("\n") == as_it_stood.count("\n") else 0,
    )


def _plain_subject(prose: Prose, title: str) -> Subject:
    said = prose.said.get("subject") or prose.said.get("title", "")
    subject = parse_subject(said)
    return subject if subject.text else msgspec.structs.replace(subject, text=parse_subject(title).text)


def _person(said: str) -> str:
    """An author; the address that stands for none is taken off."""
    return "" if said == NOBODY else said.removesuffix(f" <{NOBODY}>")


def _body(mail: Message) -> _Body:
    """The text of the mail, attached patches included."""
    if not mail.is_multipart():
        encoded, notes = _decoded(mail)
        text, more = undo_paste(undo_clear_signing(encoded), _was_saved(mail))
        encoding = str(mail.get("Content-Transfer-Encoding", "")).strip().lower()
        as_it_stands = encoding in _PLAIN and text.count("\n") == encoded.count("\n")
        return _Body(text=text, notes=(*notes, *more), as_it_stands=as_it_stands)
    texts: list[str] = []
    notes_: list[str] = []
    attached: list[bytes] = []
    pages: list[str] = []
    for part in _leaves(mail):
        if part.get_content_type() == "message/rfc822":
            attached += [inner.as_bytes() for inner in cast(list[Message], part.get_payload())]
            continue
        if not _is_text(part) and not _is_unnamed_patch(part):
            notes_ += _unread(part)
            continue
        text, notes = _decoded(part)
        notes_ += notes
        raw = text.encode("utf-8", "surrogateescape")
        if part.get_content_subtype() == "html":
            pages.append(visible_text(text))
        elif texts and is_mail(raw) and _HAS_DIFF.search(text):
            attached.append(raw)
        elif not any(text.strip() in earlier for earlier in texts):  # inline, and attached once more
            texts.append(undo_clear_signing(text))
    if not any(_HAS_DIFF.search(text) for text in texts):
        texts += [page for page in pages if _HAS_DIFF.search(page)]
    return _Body(text="\n".join(texts), notes=tuple(dict.fromkeys(notes_)), attached=tuple(attached))


def _was_saved(mail: Message) -> bool:
    """True for the text of a web page, which may begin with headers as a mail does; and for an HTML mail."""
    sent = any(name in mail for name in ("Received", "Content-Type", "MIME-Version"))
    return not sent or mail.get_content_subtype() == "html"


def _leaves(mail: Message) -> list[Message]:
    """The parts of *mail* that hold no parts, and attached mails, in order; without recursion."""
    found: list[Message] = []
    waiting: list[Message] = [mail]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting.extend(reversed(cast(list[Message], part.get_payload())))
        else:
            found.append(part)
    return found


def _is_text(part: Message) -> bool:
    name = _file_name(part)
    return bool(_PATCH_NAME.search(name)) or part.get_content_maintype() == "text"


def _is_unnamed_patch(part: Message) -> bool:
    """A diff that the sender's mailer took for something else (application/x-patch, octet-stream)."""
    raw = part.get_payload(decode=True)
    return isinstance(raw, bytes) and b"\0" not in raw and _UNNAMED.search(raw) is not None


def _unread(part: Message) -> list[str]:
    """A note on an attached patch that is compressed: so little is worth no unpacking here."""
    name = _file_name(part)
    packed = bool(_PATCH_NAME.search(plain_path(Path(name)).name))
    return [f"attachment {name!a:.200} is compressed and was not read"] if packed else []


def _file_name(part: Message) -> str:
    try:
        return part.get_filename("") or ""
    except (LookupError, ValueError, TypeError):  # RFC 2231 parameters in a charset that is none
        return ""


def _decoded(part: Message) -> tuple[str, tuple[str, ...]]:
    """The part's text, and what is to be said of it."""
    encoding = str(part.get("Content-Transfer-Encoding", ""))
    if encoding != encoding.strip():  # email.message takes "base64 " for an encoding of its own
        part.replace_header("Content-Transfer-Encoding", encoding.strip())
    raw = part.get_payload(decode=True)
    try:
        charset = str(part.get_param("charset", "") or "")
        flowed = str(part.get_param("format", "")).lower() == "flowed"
        delete_space = str(part.get_param("delsp", "")).lower() == "yes"
    except (LookupError, ValueError, TypeError):
        charset, flowed, delete_space = "", False, False
    text, said = decode(raw if isinstance(raw, bytes) else b"", charset)
    notes = [said] if said else []
    if flowed:
        plain = undo_flowed(text, delete_space)
        if plain != text:
            notes.append("format=flowed undone")
            text = plain
    return text, tuple(notes)
