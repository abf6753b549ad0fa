# SPDX-License-Identifier: GPL-2.0-only
"""Finished kernels and configurations in the cache, by key: whole or not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from harness.build.kconfig import Config
from harness.build.model import CompilerWarning, Kernel
from harness.errors import InfraError
from harness.files import write_whole


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """kernel.json."""

    release: str
    seconds: float
    pvh: bool
    warnings: tuple[CompilerWarning, ...]


def stored_kernel(cache: Path, key: str) -> Kernel | None:
    """The kernel of *key*, if the cache has it."""
    directory = cache / "kernels" / key
    try:
        facts = msgspec.json.decode((directory / "kernel.json").read_bytes(), type=_Facts)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return Kernel(
        key=key,
        release=facts.release,
        directory=directory,
        cached=True,
        seconds=facts.seconds,
        warnings=facts.warnings,
        pvh=facts.pvh,
    )


def store_kernel(cache: Path, kernel: Kernel, files: dict[str, Path]) -> Kernel:
    """Put *files* (name in the cache, where it is now) under the key of *kernel*, all at once.

    ``kernel.directory`` is not read. Two that store one key at a time store the same; the later wins.
    """
    target = cache / "kernels" / kernel.key
    new = target.with_name(f".new-{kernel.key}")
    facts = _Facts(release=kernel.release, seconds=kernel.seconds, pvh=kernel.pvh, warnings=kernel.warnings)
    try:
        for old in (new, target):
            shutil.rmtree(old, ignore_errors=True)
        new.mkdir(parents=True)
        for name, path in files.items():
            shutil.copyfile(path, new / name)
        write_whole(new / "kernel.json", msgspec.json.format(msgspec.json.encode(facts)))
        new.rename(target)
    except OSError as error:
        raise InfraError(f"{target}: the kernel cannot be stored: {error.strerror}") from error
    return msgspec.structs.replace(kernel, directory=target)


def stored_config(cache: Path, key: str) -> Config | None:
    """The configuration of *key*, if the cache has it."""
    try:
        return msgspec.json.decode((cache / "configs" / f"{key}.json").read_bytes(), type=Config)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def store_config(cache: Path, key: str, config: Config) -> None:
    """Keep *config* under *key*."""
    directory = cache / "configs"
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(directory / f"{key}.json", msgspec.json.encode(config))
