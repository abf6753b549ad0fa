# SPDX-License-Identifier: GPL-2.0-only
"""A file by its address, kept in the cache: asked for again each time, fetched again when it has changed."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime
from io import BufferedRandom, BufferedReader
from pathlib import Path
from urllib.parse import unquote

import msgspec

from harness.address import Address, shown
from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, Note, Task, task
from harness.files import locked, make_directory, require_space, write_whole
from harness.transfer import NoAnswer, Validators, transfer

_LONGEST = 3600.0
"""seconds that one file may take"""
_ABOUT = "about.json"
_PART = ".part"
_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was fetched."""

    url: str
    sha256: str
    size: int
    fetched: str
    """when, local time with its offset"""
    validators: Validators


def download(address: Address, *, cache: Path, limit: int, listener: Listener, deadline: Deadline) -> Path:
    """Where the file at *address* is, as it is there now; ``file:`` is where it lies.

    One that was fetched before is taken when its server says that it is the same, or cannot be reached (which
    is told), or *address* has a checksum and it fits. UserError for a file that is not there, has more than
    *limit* bytes or another checksum; InfraError when it cannot be fetched.
    """
    if address.local:
        return _local(address)
    digest = hashlib.sha256(address.url.encode()).hexdigest()[:8]
    home = make_directory(cache / "downloads" / f"{address.name}-{digest}", "the cache of downloads")
    with locked(home / "lock", deadline, f"the copy of {shown(address.url)}"):
        kept = _load(home, address)
        if kept is not None and kept.sha256 == address.sha256:
            return home / address.name
        try:
            with task(listener, "download", f"fetch {shown(address.url)}") as progress:
                _renew(home, address, kept, limit, progress, deadline.within(_LONGEST))
        except NoAnswer as error:
            if kept is None or address.sha256:
                raise
            listener(Note(f"{error}; what was fetched at {kept.fetched} is used", warning=True))
    return home / address.name


def forget(address: Address, path: Path) -> None:
    """Have *path*, which :func:`download` gave for *address*, fetched anew the next time: it is no good."""
    if not address.local:
        (path.parent / _ABOUT).unlink(missing_ok=True)


def _local(address: Address) -> Path:
    path = Path(unquote(address.url.removeprefix("file://")))
    try:
        with path.open("rb") as stream:
            _require_checksum(address, _digest(stream) if address.sha256 else "")
    except OSError as error:
        raise UserError(f"{shown(address.url)}: cannot be read: {error.strerror}; mend the path") from error
    return path


def _renew(
    home: Path, address: Address, kept: _Kept | None, limit: int, progress: Task, deadline: Deadline
) -> None:
    """Make the file in *home* what *address* has now, whole or not at all."""
    part = home / _PART
    try:
        with part.open("w+b") as stream:
            found = transfer(
                address.url,
                stream,
                # what is kept has another checksum: that it is unchanged would be no help
                known=kept.validators if kept and not address.sha256 else Validators(),
                limit=limit,
                make_room=lambda size: require_space(home, size, f"fetching {shown(address.url)}"),
                progress=lambda done, total: progress.progress(done, f"{done >> 20} MiB", total or None),
                deadline=deadline,
            )
            if found is None:
                progress.outcome = "unchanged"
                return
            stream.seek(0)
            _refuse_page(address, stream.read(1 << 10))
            sha256 = _digest(stream)
            _require_checksum(address, sha256)
            size = stream.seek(0, os.SEEK_END)
            os.fsync(stream.fileno())
        forget(address, part)  # a kill between the two leaves a file that nothing is known of
        part.replace(home / address.name)
        now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        about = _Kept(url=address.url, sha256=sha256, size=size, fetched=now, validators=found)
        write_whole(home / _ABOUT, msgspec.json.encode(about))
    except OSError as error:
        raise InfraError(f"{home}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _load(home: Path, address: Address) -> _Kept | None:
    """What is known of the file in *home*; None when it has to be fetched."""
    try:
        kept = msgspec.json.decode((home / _ABOUT).read_bytes(), type=_Kept)
        same = kept.url == address.url and (home / address.name).stat().st_size == kept.size
    except (OSError, msgspec.MsgspecError):
        return None
    return kept if same else None


def _digest(stream: BufferedRandom | BufferedReader) -> str:
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest()


def _require_checksum(address: Address, sha256: str) -> None:
    if address.sha256 and sha256 != address.sha256:
        raise UserError(
            f"{shown(address.url)}: its SHA-256 is {sha256}, not {address.sha256}; mend one of the two"
        )


def _refuse_page(address: Address, begin: bytes) -> None:
    """A server's page of apology, which comes as a success."""
    if _PAGE.match(begin):
        raise UserError(f"{shown(address.url)}: a web page came in its place; mend the address")
