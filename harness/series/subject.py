# SPDX-License-Identifier: GPL-2.0-only
"""The subject of a patch mail: its tags, number and version."""

from __future__ import annotations

import re

import msgspec

_LEAD = re.compile(r"\s*(?:(?P<reply>(?:re|aw|fwd?)(?:\[\d+\])?\s*:)|\[(?P<tag>[^\]]*)\])", re.IGNORECASE)
_PATCHY = re.compile(r"patch|rfc|resend|(?<![\d.])\d+\s*/\s*\d+", re.IGNORECASE)
# The look-behind keeps the 1/2 of "[PATCH 6.1 1/2]" and refuses the 1/2 of a "6.1/2".
_NUMBER = re.compile(r"(?<![\d.])(\d{1,5})\s*(?:/|of)\s*(\d{1,5})", re.IGNORECASE)
# "v2", "PATCHv2", "-v2", "take 2"; not the v5 of a stable tree's "[PATCH v5.10 1/2]".
_VERSION = re.compile(r"(?:(?:\b|patch|rfc)v\.?\s?|\btake\s?)(\d{1,3})(?![\d.])", re.IGNORECASE)
_RESEND = re.compile(r"resen[dt]|repost", re.IGNORECASE)
_BOUND = 300
_RAW_BOUND = 1000


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject line says."""

    text: str
    """without the tags"""
    number: int | None = None
    total: int | None = None
    version: int = 1
    tagged: bool = False
    """there was a [PATCH], [RFC] or [n/m]"""
    reply: bool = False
    resend: bool = False


def one_line(text: str, bound: int = _BOUND) -> str:
    """*text* on one line, without control characters (it is untrusted), at most *bound* characters."""
    flat = " ".join(text[: 8 * _RAW_BOUND].split())[:bound].rstrip()
    return flat if flat.isprintable() else "".join(c if c.isprintable() else "?" for c in flat)


def parse_subject(raw: str) -> Subject:
    """Read ``[RFC][PATCH -mm v2 4/7] memcg: …``; tags up to the last one that speaks of a patch go.

    A bracket that speaks of none, as in ``[PATCH] [memcg] …``, is part of the text.
    """
    line = one_line(raw, _RAW_BOUND)
    at, end, reply, tags = 0, 0, False, ""
    while found := _LEAD.match(line, at):
        at = found.end()
        if found["reply"]:
            reply, end = True, at
        elif _PATCHY.search(found["tag"]):
            tags, end = f"{tags} {found['tag']}", at
    number = _NUMBER.search(tags)
    version = _VERSION.search(tags)
    return Subject(
        text=line[end:].strip()[:_BOUND].rstrip(),
        number=int(number[1]) if number else None,
        total=int(number[2]) if number else None,
        version=max(1, int(version[1])) if version else 1,
        tagged=bool(tags),
        reply=reply,
        resend=_RESEND.search(tags) is not None,
    )
