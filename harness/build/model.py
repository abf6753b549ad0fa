# SPDX-License-Identifier: GPL-2.0-only
"""What a build gives, as values."""

from __future__ import annotations

from pathlib import Path

import msgspec


class CompilerWarning(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """One compiler warning, without its line so that it can be held against another build's."""

    file: str
    message: str
    option: str = ""


class Kernel(msgspec.Struct, frozen=True, kw_only=True):
    """A built kernel in the cache. Everything in ``directory`` is read only and complete."""

    key: str
    """hex; from the sources, the configuration and the compiler"""
    release: str
    """as ``make kernelrelease`` says it"""
    directory: Path
    cached: bool
    """True when nothing was built for it now"""
    seconds: float
    """what the build took, also when it was taken from the cache"""
    warnings: tuple[CompilerWarning, ...]

    pvh: bool = False
    """True when the directory also has ``vmlinux``, which QEMU can start as it is (CONFIG_PVH)"""

    @property
    def image(self) -> Path:
        """What QEMU starts: the stripped vmlinux where it can, which needs no unpacking in the guest."""
        return self.directory / "vmlinux" if self.pvh else self.bzimage

    @property
    def bzimage(self) -> Path:
        """The compressed kernel, which every loader knows."""
        return self.directory / "bzImage"

    @property
    def config(self) -> Path:
        """The ``.config`` that it was built with."""
        return self.directory / "config"

    @property
    def log(self) -> Path:
        """What make said."""
        return self.directory / "build.log"
