# SPDX-License-Identifier: GPL-2.0-only
"""What a private copy was made from: kept beside it, so that the next opening copies only what changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from harness.files import write_whole
from harness.tree.listing import Stamp

_NAME = "record"
_FORMAT = 1
UNSURE: Stamp = (0, 0, 0, 0)
"""the stamp of an entry whose copy has to be compared before it is believed"""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One file as it was copied."""

    path: bytes
    stamp: Stamp
    kind: bytes
    """``f`` file, ``x`` executable file, ``l`` symbolic link"""
    digest: bytes
    """SHA-256 of the contents or of the link's target; empty when nothing was copied yet"""


class Record(msgspec.Struct, frozen=True):
    """A complete copy; without ``fingerprint`` one that is being brought up to date."""

    key: tuple[str, ...]
    """what was copied: kind, path; for a tarball its size and times too"""
    fingerprint: str
    entries: tuple[Entry, ...] = ()
    form: int = _FORMAT


def load_record(home: Path) -> Record | None:
    """The record of *home*; None when there is none that can be read."""
    try:
        record = msgspec.msgpack.decode((home / _NAME).read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return record if record.form == _FORMAT else None


def save_record(home: Path, record: Record) -> None:
    """Keep *record* beside the copy, at one stroke."""
    write_whole(home / _NAME, msgspec.msgpack.encode(record))


def drop_record(home: Path) -> None:
    """Say that *home* holds nothing that can be believed."""
    (home / _NAME).unlink(missing_ok=True)


def fingerprint_of(entries: tuple[Entry, ...]) -> str:
    """Hex SHA-256 over names, kinds and contents: the same wherever and whenever the tree was copied."""
    total = hashlib.sha256()
    for entry in sorted(entries, key=lambda entry: entry.path):
        total.update(b"%s\0%s%s" % (entry.path, entry.kind, entry.digest))
    return total.hexdigest()


def by_path(record: Record | None) -> dict[str, Entry]:
    """The record's entries by path."""
    return {os.fsdecode(entry.path): entry for entry in record.entries} if record else {}
