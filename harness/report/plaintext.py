# SPDX-License-Identifier: GPL-2.0-only
"""Text from a kernel, a guest or a patch, made fit for a terminal and for XML, and bounded."""

from __future__ import annotations

import re
from typing import Any

# ECMA-48: CSI sequences, the string sequences (OSC, DCS, SOS, PM, APC), then whatever else ESC begins.
# A string sequence that is not closed on its line is not believed: it would swallow the rest.
_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_END = re.compile(r"\r+\n?")
_FIRST_ESCAPED_BYTE, _LAST_ESCAPED_BYTE = 0xDC80, 0xDCFF
"""what PEP 383 (surrogateescape) makes of the bytes 0x80 to 0xff"""
_ATTACHMENT = "[[ATTACHMENT"


class _Visible(dict[int, str]):
    """str.translate's table: each character as it is, or as a backslash escape if it cannot be seen."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in "\t\n" or char.isprintable():
            return char
        if _FIRST_ESCAPED_BYTE <= code <= _LAST_ESCAPED_BYTE:
            return f"\\x{code - 0xDC00:02x}"
        return char.encode("unicode_escape").decode()


_VISIBLE = _Visible()


def clean(text: str) -> str:
    """*text* without escape sequences, line ends as LF, and each other character that is not printable
    (controls, lone surrogates, U+FFFE, bidirectional overrides) as a backslash escape.

    What comes out is legal in XML 1.0 (section 2.2, "Char") and moves no terminal's cursor. It also
    has no ``[[ATTACHMENT``, with which Jenkins' junit-attachments would be told to fetch a file.
    """
    plain = _LINE_END.sub("\n", _ESCAPE_SEQUENCE.sub("", text))
    if not plain.isprintable():
        plain = plain.translate(_VISIBLE)
    return plain.replace(_ATTACHMENT, "[ [ATTACHMENT")


def excerpt(text: str, limit: int) -> str:
    """:func:`clean` *text*; above *limit* characters the middle goes, with a line that says how much.

    Takes time in *limit*, not in the length of *text*.
    """
    if len(text) <= 2 * limit:
        head = tail = clean(text)
        total = len(head)
        if total <= limit:
            return head
    else:
        head, tail = clean(text[:limit]), clean(text[-limit:])
        total = len(head) + len(tail) + len(text) - 2 * limit
    head, tail = head[: limit * 2 // 3], tail[-(limit // 3) :]
    return f"{head}\n[... {total - len(head) - len(tail):,} characters left out ...]\n{tail}"


def line(text: str, limit: int = 400) -> str:
    """:func:`excerpt` as one line: every run of blanks and line ends is one space."""
    return " ".join(excerpt(text, limit).split())


def encodable(value: Any) -> Any:
    """*value* (str, list, tuple, dict and scalars) with lone surrogates as backslash escapes, for UTF-8."""
    if isinstance(value, str):
        return _SURROGATE.sub(lambda found: _VISIBLE[ord(found[0])], value)
    if isinstance(value, dict):
        return {encodable(key): encodable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(inner) for inner in value]
    return value
