# SPDX-License-Identifier: GPL-2.0-only
"""Files on their way to another machine, known by their content: there they are kept, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.files import locked

_BLOCK = 1 << 16
"""bytes; a block of zeros is not sent and becomes a hole: the guest's disks are nearly nothing else"""
_COMING = ".coming-"
_SECONDS = 60.0
_ZEROS = bytes(_BLOCK)


class _File(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    mode: int
    size: int
    blocks: tuple[tuple[int, bytes], ...]
    """those that are not all zeros, each with its offset"""


def pack(paths: Sequence[Path]) -> bytes:
    """The files *paths*, of different names, as one parcel: the same bytes for the same files."""
    files = [
        _File(
            name=path.name,
            mode=0o755 if path.stat().st_mode & 0o100 else 0o644,
            size=path.stat().st_size,
            blocks=tuple(_blocks(path)),
        )
        for path in paths
    ]
    return msgspec.msgpack.encode(files)


def name_of(parcel: bytes) -> str:
    """What *parcel* is called wherever it is: SHA-256, hex."""
    return hashlib.sha256(parcel).hexdigest()


def place(cache: Path, name: str) -> Path:
    """The directory that has the files of the parcel *name* once *cache* was given it."""
    return cache / "received" / name


def keep(cache: Path, name: str, parcel: bytes) -> None:
    """Keep the files of *parcel* in *cache*; InfraError if they are not what *name* says, or have no room."""
    if name_of(parcel) != name:
        raise InfraError(f"the parcel {name[:12]} was damaged on its way: {len(parcel)} bytes came")
    target = place(cache, name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / ".lock", Deadline.after(_SECONDS), "the cache of what was received"):
            if not target.is_dir():
                _unpack(parcel, target)
    except OSError as error:
        raise InfraError(f"{target}: cannot be written: {error.strerror}") from error


def _unpack(parcel: bytes, target: Path) -> None:
    for leftover in target.parent.glob(f"{_COMING}*"):  # of one that was killed: the lock is ours
        shutil.rmtree(leftover, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=_COMING, dir=target.parent))
    try:
        for file in msgspec.msgpack.decode(parcel, type=tuple[_File, ...]):
            with (new / file.name).open("xb") as stream:
                for offset, data in file.blocks:
                    stream.seek(offset)
                    stream.write(data)
                stream.truncate(file.size)
                stream.flush()
                os.fchmod(stream.fileno(), file.mode)
                os.fsync(stream.fileno())
        new.rename(target)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as stream:
        for offset in _data(stream.fileno(), path.stat().st_size):
            stream.seek(offset)
            data = stream.read(_BLOCK)
            if data and data != _ZEROS[: len(data)]:
                yield offset, data


def _data(descriptor: int, size: int) -> Iterator[int]:
    """The offsets of the blocks that the file system has something for."""
    offset = 0
    while offset < size:
        try:
            found = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole up to the end
            return
        offset = found - found % _BLOCK
        yield offset
        offset += _BLOCK
