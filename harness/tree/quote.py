# SPDX-License-Identifier: GPL-2.0-only
"""Lines of files and patches in messages: untrusted, so escaped and bounded."""

from __future__ import annotations

_SHOWN = 80


def quoted(line: bytes) -> str:
    """One line for a one-line message, with a word where its line end is missing."""
    shown = ascii(_short(line))
    return shown if line.endswith(b"\n") else f"{shown} without a line end"


def name(line: bytes) -> str:
    """A function's first line, or what ``@@`` shows of it, for a one-line message."""
    return ascii(_short(line.strip()))


def escaped(line: bytes) -> str:
    """One line as it stands, tabs kept, other characters that are not printable ASCII escaped."""
    text = _short(line, 400)
    return "\t".join(ascii(part)[1:-1] for part in text.split("\t"))


def _short(line: bytes, limit: int = _SHOWN) -> str:
    text = line[: 4 * limit + 4].decode("utf-8", "replace").rstrip("\n")
    return text if len(text) <= limit else f"{text[:limit]}..."
