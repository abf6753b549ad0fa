# SPDX-License-Identifier: GPL-2.0-only
"""The guest's image, as a value."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What every guest starts from, in the cache; read only. One image serves every kernel."""

    key: str
    """hex; from the sources and the packages it was made of"""
    directory: Path
    extra: tuple[Path, ...] = ()
    """uncompressed cpio archives that are unpacked behind it"""

    @property
    def initramfs(self) -> Path:
        """gzip'd newc cpio: busybox, dropbear, sftp-server, our programs, init."""
        return self.directory / "initramfs.cpio.gz"

    @property
    def swap(self) -> Path:
        """A sparse disk with a swap signature; attach it with snapshot=on."""
        return self.directory / "swap.img"

    @property
    def scratch(self) -> Path:
        """A sparse disk with an empty ext2; attach it with snapshot=on."""
        return self.directory / "scratch.img"

    @property
    def dropbear(self) -> Path:
        """The static dropbear multi-call binary; its ``dropbearkey`` makes host keys on the host."""
        return self.directory / "dropbearmulti"
