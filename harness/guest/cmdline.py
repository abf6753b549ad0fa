# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's command line: rows of configs/boot.yaml, by the version that the image itself names."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import msgspec

from harness.paths import CONFIGS
from harness.span import Numbers, check_bounds, covers
from harness.tables import load

# Documentation/arch/x86/boot.rst: "HdrS" at 0x202; at 0x20e, counted from 0x200, where the version stands.
_MAGIC, _MAGIC_AT, _VERSION_AT, _SECTOR = b"HdrS", 0x202, 0x20E, 0x200
_HEAD = 64 * 1024
_NUMBERS = re.compile(rb"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?")
_NEWEST: Numbers = (1 << 16,)
_JIFFIES = 100
_MHZ = re.compile(r"^cpu MHz\s*:\s*([0-9.]+)", re.MULTILINE)
_USUAL_MHZ = 2500.0


class Word(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One word, and the kernels that it is meant for."""

    word: str
    first: str = msgspec.field(default="", name="from")
    until: str = ""
    why: str

    def __post_init__(self) -> None:
        check_bounds(self.first, self.until)


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a console says when a kernel does not come up."""

    pattern: str
    symbols: tuple[str, ...]
    means: str


class BootTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """configs/boot.yaml."""

    words: tuple[Word, ...]
    failures: tuple[Failure, ...]


def boot_table() -> BootTable:
    """The table that comes with the project."""
    return load(CONFIGS / "boot.yaml", BootTable)


def version_of(image: Path) -> Numbers:
    """The version that a bzImage carries in its header; that of the newest kernel for anything else.

    Only kernels new enough for PVH are started from a vmlinux, which has no such header.
    """
    with image.open("rb") as stream:
        head = stream.read(_HEAD)
    if head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
        return _NEWEST
    (offset,) = struct.unpack_from("<H", head.ljust(_SECTOR + _HEAD), _VERSION_AT)
    match = _NUMBERS.match(head, offset + _SECTOR)
    return tuple(int(part or b"0") for part in match.groups()) if match and offset else _NEWEST


def words_for(kernel: Numbers) -> tuple[str, ...]:
    """The words for a *kernel* of that version."""
    lpj = round(_host_mhz() * 1e6 / _JIFFIES)
    rows = boot_table().words
    return tuple(row.word.format(lpj=lpj) for row in rows if covers(kernel, row.first, row.until))


def _host_mhz() -> float:
    """How fast the host's time-stamp counter runs, near enough for a delay loop; TCG passes it on."""
    match = _MHZ.search(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace"))
    return float(match[1]) if match else _USUAL_MHZ
