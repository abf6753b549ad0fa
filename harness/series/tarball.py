# SPDX-License-Identifier: GPL-2.0-only
"""A series in a tarball: mmotm's ``broken-out.tar.gz``, a quilt directory, or a directory of patches."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.address import TARBALLS
from harness.deadline import Deadline
from harness.errors import UserError
from harness.files import make_directory
from harness.series.files import LIMIT
from harness.series.quilt import series_file
from harness.tarball import Bounds, extract, look_over

_BOUNDS = Bounds(size=2 * LIMIT, files=20_000)
"""an mmotm has patches that its series file leaves out"""
_DATE = re.compile(r"[0-9-]{10,40}\s+[2-9]\.[0-9A-Za-z._+-]{1,40}")


def is_tarball(path: Path) -> bool:
    """Whether *path* is a file that its name says to be a tarball."""
    return path.name.endswith(TARBALLS) and path.is_file()


def stem(name: str) -> str:
    """The name of a tarball without what says that it is one."""
    ending = max((one for one in TARBALLS if name.endswith(one)), key=len, default="")
    return name.removesuffix(ending)


@contextmanager
def opened(tarball: Path, called: str, *, cache: Path, deadline: Deadline) -> Iterator[tuple[Path, Path]]:
    """Where *tarball*, named *called* in errors, is unpacked for the block; and the directory of its series.

    UserError as for harness.tarball, and for links: a series is of plain files.
    """
    make_directory(cache, "the cache directory")
    _refuse_large(tarball, called)
    with tempfile.TemporaryDirectory(dir=cache, prefix="series.") as scratch:
        top = Path(scratch)
        extract(tarball, top, called, _BOUNDS, deadline)
        look_over(top, called, _BOUNDS)
        for path in top.rglob("*"):
            if path.is_symlink():
                raise UserError(
                    f"{called}: {str(path.relative_to(top))!a} is a link; pack the patches themselves"
                )
        yield top, _series_directory(top)


def stamp(directory: Path) -> str:
    """What mmotm's ``.DATE`` file says: when the patches were packed, and for which kernel; empty without."""
    try:
        with (directory / ".DATE").open(encoding="ascii", errors="replace") as stream:
            said = stream.read(200).strip()
    except OSError:
        return ""
    return " ".join(said.split()) if _DATE.fullmatch(said) else ""


def _series_directory(top: Path) -> Path:
    """Where the patches are: *top* itself, or, while there is but one directory in it, that."""
    while series_file(top) is None:
        inside = [path for path in top.iterdir() if not path.name.startswith(".")]
        if len(inside) != 1 or not inside[0].is_dir():
            break
        top = inside[0]
    return top


def _refuse_large(tarball: Path, called: str) -> None:
    size = tarball.stat().st_size
    if size > LIMIT:
        raise UserError(
            f"{called}: {size / 2**20:.0f} MiB, over the {LIMIT >> 20} MiB that a series may be; "
            "give the patches alone"
        )
