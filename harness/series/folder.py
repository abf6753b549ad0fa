# SPDX-License-Identifier: GPL-2.0-only
"""Directories of mails and patches: maildir, MH folder, what ``git format-patch -o`` wrote."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from harness.errors import UserError
from harness.series.files import LIMIT
from harness.series.mailbox import is_mail
from harness.series.packed import plain_path

PATCHES = (".patch", ".diff")
TEXTS = (".eml", ".mbox", ".mbx", ".txt")
"""what a name ends in where mails are"""
_SUFFIXES = (*PATCHES, *TEXTS, ".html", ".cover")
_DIGITS = re.compile(r"(\d+)")


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a directory that may hold patches, in order."""

    paths: tuple[Path, ...]
    ordered: bool
    """the names say the order"""


def folder(directory: Path) -> Folder:
    """The files to read in *directory*, which is no quilt directory.

    In a maildir those of cur/ and new/; else patches and mails by their suffix, or else MH's numbers and
    whatever begins as a mail does. Raises UserError when there is none.
    """
    try:
        if (directory / "cur").is_dir() and (directory / "new").is_dir():
            paths = [path for part in ("cur", "new") for path in _files(directory / part)]
            found = Folder(paths=tuple(sorted(paths, key=_natural)), ordered=False)
        else:
            paths = _files(directory)
            named = [path for path in paths if _suffix(path) in _SUFFIXES and not _is_readme(path)]
            mails = (
                [path for path in paths if path.name.isdigit() or _begins_as_mail(path)] if not named else []
            )
            patches = any(_suffix(path) in PATCHES for path in named)
            found = Folder(paths=tuple(sorted(named or mails, key=_natural)), ordered=patches)
    except OSError as error:
        raise UserError(f"{directory}: cannot be read: {error.strerror}; mend its permissions") from error
    if not found.paths:
        raise UserError(
            f"{directory}: no patch in it; it wants a quilt series file, or mails, *.patch or *.diff"
        )
    return found


def must_have_diff(path: Path) -> bool:
    """True for a patch file; a mail may be a cover letter or an answer."""
    return _suffix(path) in PATCHES and "cover-letter" not in path.name


def _suffix(path: Path) -> str:
    """What the name says that is in the file, compressed or not."""
    return plain_path(path).suffix


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if not path.name.startswith(".") and path.is_file()]


def _is_readme(path: Path) -> bool:
    return path.name.lower().startswith("readme")


def _begins_as_mail(path: Path) -> bool:
    return 0 < path.stat().st_size <= LIMIT and is_mail(path.read_bytes()[: 1 << 16])


def _natural(path: Path) -> list[tuple[int, str]]:
    """``2-x`` before ``10-x``."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(path.name[:300]) if part
    ]
