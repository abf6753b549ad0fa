# SPDX-License-Identifier: GPL-2.0-only
"""Addresses, ``https://HOST/PATH``: which name a file to be fetched, and what of one may be shown."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from harness.errors import UserError

TARBALLS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")
"""how the names of what GNU tar unpacks end"""
_SCHEMES = ("http://", "https://", "git://", "ssh://", "file://")
_FILES = ("http://", "https://", "file://")
_SOUND = re.compile(r"(?:https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?|file://)/[!-~]*")
# The second form is a password with a slash in it, which no port has.
_SECRET = re.compile(r"([a-z]+://)((?:[^/@\s]*|[^/@:\[\s]*:(?!\d+/)[^@]*)@)")
_CHECKSUM = re.compile(r"sha256=([0-9A-Fa-f]{64})")
_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A file elsewhere."""

    url: str
    """without what stands behind ``#``"""
    sha256: str = ""
    """what its contents have to have, hex; empty when the user did not say"""

    @property
    def local(self) -> bool:
        """Whether it lies on this machine, in a place that is its owner's."""
        return self.url.startswith("file://")

    @property
    def name(self) -> str:
        """The file's name, fit for a path."""
        last = unquote(self.url.partition("?")[0].rstrip("/").rpartition("/")[2])
        return _UNFIT.sub("-", last).lstrip("-.")[-100:] or "file"


def is_address(spec: str) -> bool:
    """Whether *spec* names something elsewhere rather than a path."""
    return spec.startswith(_SCHEMES)


def file_address(spec: str, endings: tuple[str, ...]) -> Address | None:
    """The file that *spec* names by an address whose path has one of *endings*; None for all else.

    ``#sha256=HEX`` at its end is what the file has to be. UserError for an address that cannot be used.
    """
    bare, hash_, mark = spec.partition("#")
    path = bare.partition("?")[0]
    if not bare.startswith(_FILES) or not path.endswith(endings) or ".git@" in path:
        return None
    refuse_credentials(spec)
    if not _SOUND.fullmatch(bare):
        raise UserError(f"{shown(spec)}: no address; it reads https://HOST/PATH, without blanks")
    found = _CHECKSUM.fullmatch(mark)
    if hash_ and found is None:
        raise UserError(f"{shown(spec)}: no checksum behind the '#'; write #sha256= and 64 hex digits")
    return Address(url=bare, sha256=found[1].lower() if found else "")


def without_checksum(spec: str) -> str:
    """*spec* without the ``#sha256=`` of an address: what is the same for all who name one file."""
    return spec.partition("#sha256=")[0] if is_address(spec) else spec


def pinned(spec: str, sha256: str) -> str:
    """*spec*, where it is the address of a tarball, with the checksum *sha256*: that state and no other."""
    address = file_address(spec, TARBALLS)
    return f"{address.url}#sha256={sha256}" if address else spec


def refuse_credentials(spec: str) -> None:
    """UserError, which does not repeat them, for a name and password in an address: results would keep them.

    A name alone is part of an address of ssh.
    """
    found = _SECRET.match(spec) if is_address(spec) else None
    if found is not None and (":" in found[2] or found[1] != "ssh://"):
        raise UserError(
            f"{shown(spec)}: name and password are not taken from an address, as results keep it; "
            "put them into ~/.netrc"
        )


def shown(spec: str) -> str:
    """*spec* as errors name it: on one line, without name and password."""
    return ascii(_SECRET.sub(r"\1", spec, count=1))[1:-1]
