# SPDX-License-Identifier: GPL-2.0-only
"""What the user names as a series: a path in any form, an address, commits, a mail of an archive."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from harness.address import TARBALLS, Address, file_address
from harness.deadline import Deadline
from harness.download import download, forget
from harness.errors import UserError
from harness.events import Listener
from harness.series.files import LIMIT
from harness.series.folder import PATCHES, TEXTS
from harness.series.lore import is_page, read_thread, split_mail
from harness.series.model import Series
from harness.series.packed import SUFFIXES
from harness.series.range import read_range, split_range
from harness.series.read import read_series
from harness.series.tarball import is_tarball, opened, stamp, stem

_PLAIN = (*PATCHES, *TEXTS)
_FILES = (*TARBALLS, *_PLAIN, *(plain + packed for plain in _PLAIN for packed in SUFFIXES), "/mbox/", "/mbox")
"""how the address of a series ends; the last two are patchwork's"""


def open_series(spec: str, *, cache: Path, listener: Listener, deadline: Deadline) -> Series:
    """The series that *spec* names.

    ``message-id:ID`` or ``https://lore.kernel.org/LIST/ID/`` is fetched by b4 and kept in *cache*; the
    address of a tarball, mailbox or patch is fetched too (harness.address, harness.download);
    ``REPO@A..B``, or ``A..B`` in the current directory, are commits; all else is a path. What is there as a
    file or directory is a path, whatever its name; "" is the series without patches. Raises UserError or
    InfraError, one line.
    """
    if not spec:
        return Series(name="", version=1, patches=())
    address = None if is_page(spec) else file_address(spec, _FILES)
    if address is not None:
        return _fetched(address, spec, cache, listener, deadline)
    mail = split_mail(spec)
    if mail is not None:
        return read_thread(mail, spec, cache=cache, deadline=deadline)
    path = Path(spec).expanduser()
    if not path.exists():
        commits = split_range(spec)
        if commits is not None:
            return read_range(commits, spec, deadline)
    return _from_tarball(path, str(path), cache, deadline) if is_tarball(path) else read_series(path)


def _fetched(address: Address, spec: str, cache: Path, listener: Listener, deadline: Deadline) -> Series:
    path = download(address, cache=cache, limit=LIMIT, listener=listener, deadline=deadline)
    try:
        if is_tarball(path):
            series = _from_tarball(path, address.url, cache, deadline)
        else:
            series = _called(path, path, address.url)
    except UserError:
        forget(address, path)
        raise
    return replace(series, source=spec)


def _from_tarball(tarball: Path, called: str, cache: Path, deadline: Deadline) -> Series:
    with opened(tarball, called, cache=cache, deadline=deadline) as (top, directory):
        series = _called(directory, top, called)
        packed = stamp(directory)
    return replace(
        series,
        name=stem(tarball.name) if series.name == directory.name else series.name,
        notes=(*series.notes, *([f".DATE says {packed}"] if packed else [])),
    )


def _called(source: Path, made: Path, name: str) -> Series:
    """The series at *source*; for *made*, a path that its user has never seen, *name* is said."""
    try:
        series = read_series(source)
    except UserError as error:
        raise UserError(str(error).replace(str(made), name)) from error
    return replace(
        series,
        source=name,
        patches=tuple(
            replace(patch, origin=patch.origin.replace(str(made), name)) for patch in series.patches
        ),
    )
