# SPDX-License-Identifier: GPL-2.0-only
"""The functions of a tree's files, kept in the cache by what stands in the files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from harness.analysis import callgraph
from harness.analysis.callgraph import Definition, definitions
from harness.files import make_directory, write_whole

_Kept = dict[bytes, tuple[Definition, ...]]


class Kept:
    """What :func:`definitions` says of files; those that it was asked about before it does not look at.

    Of the 1,717 files of Linux 6.1 that the routes name, reading the functions takes 0.7 s, getting them
    from here 0.1 s. There is one file for each tree; it is written anew when anything in the tree or in
    callgraph.py has changed, and what nothing asks for any more is left out then.
    """

    def __init__(self, directory: Path, tree: Path) -> None:
        name = hashlib.blake2b(bytes(tree.resolve()), digest_size=8).hexdigest()
        self._file = directory / f"{name}.msgpack"
        self._made_by = Path(callgraph.__file__).read_bytes()
        self._known = self._load()
        self._used: _Kept = {}

    def definitions(self, data: bytes, path: str) -> tuple[Definition, ...]:
        """The functions of the file *path*."""
        key = hashlib.blake2b(b"\0".join((self._made_by, path.encode(), data)), digest_size=16).digest()
        known = self._known.get(key)
        self._used[key] = known if known is not None else definitions(data, path)
        return self._used[key]

    def save(self) -> None:
        """Keep what was asked about, if any of it is not kept yet. Raises UserError or InfraError."""
        if not self._used.keys() <= self._known.keys():
            make_directory(self._file.parent, "the cache directory")
            write_whole(self._file, msgspec.msgpack.encode(self._used))

    def _load(self) -> _Kept:
        try:
            return msgspec.msgpack.decode(self._file.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return {}
