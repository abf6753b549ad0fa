# SPDX-License-Identifier: GPL-2.0-only
"""Bodies that mail software has changed in a way that can be undone: format=flowed, OpenPGP cleartext."""

from __future__ import annotations

import re

_SIGNATURE = "-- "
_STUFFABLE = (" ", ">", "F")
_CLEAR = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNED = "-----BEGIN PGP SIGNATURE-----"
_HASH = re.compile(r"(?:Hash|Charset|Comment|Version): ")


def undo_flowed(body: str, delete_space: bool) -> str:
    """RFC 3676 undone: stuffed blanks taken away, soft line breaks joined; *delete_space* is DelSp=yes.

    Many mailers say format=flowed and do not do it. A line that begins with one blank and then a word,
    as the context of a diff does, shows that blanks were not stuffed: then *body* is given back.
    """
    lines = body.replace("\r\n", "\n").split("\n")
    if any(len(line) > 1 and line[0] == " " and line[1] not in _STUFFABLE for line in lines):
        return body
    flat: list[str] = []
    open_line: list[str] = []
    for raw in lines:
        line = raw[1:] if raw.startswith(" ") else raw
        if line.endswith(" ") and line != _SIGNATURE:
            open_line.append(line[:-1] if delete_space else line)
            continue
        flat.append("".join([*open_line, line]))
        open_line = []
    if open_line:
        flat.append("".join(open_line))
    return "\n".join(flat)


def undo_clear_signing(body: str) -> str:
    """The text of an OpenPGP cleartext signature (RFC 4880, 7): armour gone, dash escapes undone."""
    if _CLEAR not in body:
        return body
    lines = [line.rstrip("\r") for line in body.split("\n")]
    if _CLEAR not in lines or _SIGNED not in lines:
        return body
    begin = lines.index(_CLEAR)
    end = lines.index(_SIGNED)
    if end < begin:
        return body
    inner = begin + 1
    while inner < end and (_HASH.match(lines[inner]) or not lines[inner]):
        inner += 1
    return "\n".join([*lines[:begin], *(line.removeprefix("- ") for line in lines[inner:end]), ""])
