# SPDX-License-Identifier: GPL-2.0-only
"""Mail headers as people send them: folded, RFC 2047 encoded, encoded wrongly, or in raw bytes."""

from __future__ import annotations

import binascii
import re
from email.message import Message

from harness.series.charset import decode
from harness.series.subject import one_line

_BOUND = 8000
# An encoded word may hold no blank (RFC 2047, 2), but mailers write them; '?' ends each part.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_ID = re.compile(r"<([^<>\s]{1,500})>")

Headers = dict[str, str]
"""the first header of each name, by lower-case name, raw"""


def headers_of(message: Message) -> Headers:
    """The headers of *message* as they stand, unfolded."""
    found: Headers = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), " ".join(str(value)[:_BOUND].split()))
    return found


def decoded(raw: str) -> str:
    """A header's words, RFC 2047 undone where it can be; one line, no control characters.

    Neighbouring words of one charset are joined before they are decoded: mailers split characters.
    """
    pieces: list[tuple[str, bytes]] = []
    at = 0
    for word in _WORD.finditer(raw[:_BOUND]):
        between = raw[at : word.start()]
        octets = _octets(word[2], word[3])
        if octets is None:
            continue
        if between and (between.strip() or not pieces or not pieces[-1][0]):
            pieces.append(("", between.encode("utf-8", "surrogateescape")))
        charset = word[1].partition("*")[0].lower()  # RFC 2231, 5: "charset*language"
        if pieces and pieces[-1][0] == charset:
            pieces[-1] = (charset, pieces[-1][1] + octets)
        else:
            pieces.append((charset, octets))
        at = word.end()
    pieces.append(("", raw[at:_BOUND].encode("utf-8", "surrogateescape")))
    return one_line("".join(_text(octets, charset) for charset, octets in pieces))


def _octets(encoding: str, data: str) -> bytes | None:
    try:
        raw = data.encode("ascii")
        if encoding in "qQ":
            return binascii.a2b_qp(raw, header=True)
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except (UnicodeEncodeError, binascii.Error):
        return None


def _text(octets: bytes, charset: str) -> str:
    text = decode(octets, charset)[0]
    if charset or text.isprintable():
        return text
    return decode(octets, "iso-8859-1")[0]  # raw bytes in a header: what old mailers meant


def message_id(raw: str) -> str:
    """The id of a Message-ID header, without angle brackets."""
    found = _ID.search(raw)
    return found[1] if found else one_line(raw).strip("<> ")


def parents(headers: Headers) -> tuple[str, ...]:
    """The ids that a mail answers, nearest first: In-Reply-To, then References from the end."""
    ids = _ID.findall(headers.get("in-reply-to", ""))[:1]
    ids += reversed(_ID.findall(headers.get("references", ""))[-50:])
    return tuple(dict.fromkeys(ids))
