# SPDX-License-Identifier: GPL-2.0-only
"""A series as a mailbox that ``git am`` takes, or as a quilt directory; read again it is the same.

Mails as git's format-patch writes them: RFC 2047 in headers, UTF-8 in the text, ``---`` before the
diff. A text that a mailbox would harm (a line that begins with ``From ``, a CR) is sent as base64.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from email.header import Header

from harness.errors import UserError
from harness.series.mail import NOBODY
from harness.series.model import Patch, Series

_FROM_LINE = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
"""git's magic date, by which mail tools know a mailbox of format-patch"""
_SIGNATURE = b"-- \nmemcg-harness\n\n"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.]+")
_NEEDS_IN_BODY = re.compile(r"[\w-]{1,40}(?::|\t)|\s|\[")
_LINE = 900
"""bytes; RFC 5322 allows 998 in a line"""
_NAME = 60


def as_mbox(series: Series) -> bytes:
    """The patches of *series* as one mailbox.

    Raises UserError for a damaged patch, which has to be repaired before.
    """
    return b"".join(_FROM_LINE.encode() + _mail(series, patch, "") for patch in series.patches)


def as_quilt(series: Series) -> dict[str, bytes]:
    """The files of a quilt directory by name: ``series``, and a mail for each patch.

    A patch that was read from such a directory keeps its name. quilt has no numbers: read again, the
    patches are numbered as they follow each other. Raises UserError as :func:`as_mbox` does.
    """
    names = _names(series)
    files = {name: _mail(series, patch, name) for name, patch in zip(names, series.patches, strict=True)}
    return {"series": "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"), **files}


def _names(series: Series) -> list[str]:
    given = Counter(patch.name for patch in series.patches if patch.name)
    names = []
    for patch in series.patches:
        slug = _NOT_IN_A_NAME.sub("-", patch.subject).strip("-.")[:_NAME]
        keeps = given[patch.name] == 1 and patch.name != "series"
        names.append(patch.name if keeps else f"{patch.number:04}-{slug or 'patch'}.patch")
    return names


def _mail(series: Series, patch: Patch, name: str) -> bytes:
    """One mail; in a quilt directory, where *name* is its file, without a name of its own."""
    if patch.damaged:
        raise UserError(
            f"{patch.origin}: {patch.subject!a}: white space was lost; repair it against a tree first"
        )
    version = f" v{series.version}" if series.version > 1 else ""
    width = len(str(patch.total))
    tag = f"[PATCH{version} {patch.number:0{width}}/{patch.total}] "
    heads = [("From", _author(patch.author)), ("Subject", _encoded(patch.subject, tag))]
    if patch.date:
        heads.append(("Date", _encoded(patch.date)))
    if patch.message_id:
        heads.append(("Message-ID", f"<{patch.message_id}>"))
    if patch.name and patch.name != name:
        heads.append(("X-Patch-Name", _encoded(patch.name)))
    body = _body(series, patch)
    plain = _stays_whole(body)
    heads += [
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Content-Transfer-Encoding", "8bit" if plain else "base64"),
    ]
    head = "".join(f"{key}: {value}\n" for key, value in heads)
    return head.encode() + b"\n" + (body if plain else base64.encodebytes(body) + b"\n")


def _body(series: Series, patch: Patch) -> bytes:
    opening = ""
    if _NEEDS_IN_BODY.match(patch.description):
        # or the first line would be taken for one that overrules the header
        opening = f"Subject: {_encoded(patch.subject)}\n\n"
    description = f"{patch.description}\n" if patch.description else ""
    first = series.patches[0] is patch
    base = f"\nbase-commit: {series.base_commit}\n".encode() if series.base_commit and first else b""
    return (
        f"{opening}{description}---\n\n".encode("utf-8", "surrogateescape") + patch.diff + base + _SIGNATURE
    )


def _author(author: str) -> str:
    """The From header; one that ``git am`` takes also where no address is known."""
    if "@" not in author:
        return f"{_encoded(author)} <{NOBODY}>" if author else NOBODY
    name, bracket, address = author.rpartition(" <")
    return f"{_encoded(name)} <{address}" if bracket and name else _encoded(author)


def _encoded(text: str, before: str = "") -> str:
    """*text* for a header after *before*: as it is when that is plain ASCII, or by RFC 2047."""
    if text.isascii() and "=?" not in text:
        return before + text
    words: str = Header(text, "utf-8", maxlinelen=200, header_name="Subject").encode(linesep="\n")
    return before + words


def _stays_whole(body: bytes) -> bool:
    """True when a mailbox and its readers leave every byte of *body* as it is."""
    lines = body.split(b"\n")
    return b"\r" not in body and not any(
        line.startswith((b"From ", b">From ")) or len(line) > _LINE for line in lines
    )
