# SPDX-License-Identifier: GPL-2.0-only
"""Compressed patches and mailboxes (gzip, bzip2, xz), unpacked within bounds.

Not gzip.open and its like: they set no bound to a file of nothing but empty members, nor lzma.open to
the dictionary that a header asks for.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from harness.errors import UserError
from harness.series.subject import one_line

_CHUNK = 1 << 16
_MOST_MEMBERS = 10_000
"""pbzip2 and bgzip write one for each 64 to 900 KiB"""
_DICTIONARY = 256 << 20
"""bytes; xz -9 wants 65 MiB to unpack"""
_GZIP = 16 + zlib.MAX_WBITS


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: memoryview, max_length: int, /) -> bytes: ...


_Make = Callable[[], _Decoder]


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DICTIONARY)


_FORMS: dict[str, tuple[re.Pattern[bytes], str, _Make]] = {
    ".gz": (re.compile(rb"\x1f\x8b"), "gzip", lambda: zlib.decompressobj(_GZIP)),
    ".bz2": (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), "bzip2", bz2.BZ2Decompressor),
    ".xz": (re.compile(rb"\xfd7zXZ\0"), "xz", _xz),
}
SUFFIXES = tuple(_FORMS)
"""of the file names"""


def plain_path(path: Path) -> Path:
    """*path* without the suffix of a compressed file: ``x.patch`` for ``x.patch.gz``."""
    return path.with_suffix("") if path.suffix in _FORMS else path


def unpacked(path: Path, data: bytes, limit: int) -> bytes:
    """*data*, the contents of *path*, as they were before they were compressed; plain ones as they are.

    What is there counts, not the name; but a name that says compressed has to hold. Raises UserError for
    one that does not, for what is cut off or broken, and for more than *limit* bytes.
    """
    named = _FORMS.get(path.suffix)
    if named is not None and not named[0].match(data):
        raise UserError(
            f"{path}: no {named[1]} file, as its name says; give it its right name, or get it anew"
        )
    for magic, kind, make in _FORMS.values():
        if magic.match(data):
            try:
                return _whole(make, data, limit, path)
            except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
                what = one_line(str(error), 80)
                raise UserError(f"{path}: broken {kind} file ({what}); get it anew") from None
    return data


def _whole(make: _Make, data: bytes, limit: int, path: Path) -> bytes:
    """All members of *data*, one after the other; blocks of zeros at the end are padding."""
    view = memoryview(data)
    found = bytearray()
    decoder, at, members = make(), 0, 1
    while at < len(data):
        chunk = view[at : at + _CHUNK]
        found += decoder.decompress(chunk, limit + 1 - len(found))
        if len(found) > limit:
            raise UserError(
                f"{path}: over {limit >> 20} MiB when unpacked, more than a series may be; "
                "give the patches alone"
            )
        at += len(chunk)
        if not decoder.eof:
            continue
        at -= len(decoder.unused_data)
        if data[at : at + 1] in (b"", b"\0"):
            if data[at:].strip(b"\0"):
                raise ValueError("something else follows it")
            return bytes(found)
        members += 1
        if members > _MOST_MEMBERS:
            raise UserError(f"{path}: over {_MOST_MEMBERS} compressed members; unpack it first")
        decoder = make()
    raise ValueError("it ends too early")
