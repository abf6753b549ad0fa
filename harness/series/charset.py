# SPDX-License-Identifier: GPL-2.0-only
"""Bytes of a mail as text: the charset that it names, and what to do when that is unknown or untrue."""

from __future__ import annotations

# Codecs of Python that no mail means; punycode and idna take quadratic time on long input.
_NEVER = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
# What senders write, and the codec that reads all of what they send under that name.
_MEANT = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "iso_2022_jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
    "iso_8859_8_i": "iso8859-8",
    "utf8mb4": "utf-8",
}
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")


def decode(raw: bytes, declared: str) -> tuple[str, str]:
    """*raw* as text, and a phrase for the reader when it is not the UTF-8 that diffs are kept in.

    Bytes that no charset explains stand as surrogate escapes, so that a diff keeps them.
    """
    name = (declared or "utf-8").strip().lower()
    if name not in _UTF8:
        text = _tried(raw, name)
        if text is not None:
            # ASCII is the same in most of them, and then nothing was changed
            return text, "" if raw.isascii() and text.isascii() else f"read from {_shown(name)}"
    text = _tried(raw, "utf-8")
    if text is not None:
        return text, "" if name in _UTF8 or raw.isascii() else f"read as UTF-8, not as {_shown(name)}"
    said = (
        "bytes that are no UTF-8 are kept" if name in _UTF8 else f"{_shown(name)} cannot be read: bytes kept"
    )
    return raw.decode("utf-8", "surrogateescape"), said


def _tried(raw: bytes, name: str) -> str | None:
    codec = name.replace("-", "_")
    codec = _MEANT.get(codec, name)
    if codec.replace("-", "_") in _NEVER:
        return None
    try:
        return raw.decode(codec)
    except (LookupError, ValueError):  # UnicodeDecodeError is a ValueError, and so is a NUL in the name
        return None


def _shown(name: str) -> str:
    return ascii(name[:40])[1:-1]
