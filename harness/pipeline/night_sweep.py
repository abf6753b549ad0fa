# SPDX-License-Identifier: GPL-2.0-only
"""Past nights made smaller, as ``keep`` says."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import InfraError
from harness.pipeline.night_keep import Leaf, surplus
from harness.pipeline.night_model import Night

_GONE = ".gone-"


def sweep(
    results: Path, night: Night, begun: Mapping[str, str], held: Collection[tuple[str, str]]
) -> tuple[str, ...]:
    """Throw away what *night*'s ``keep`` does not keep; the paths that are gone, relative to *results*.

    *begun* has when each night of history began: no other directory is touched. *held* are night and entry
    directory of what is never thrown away. A night that has nothing left goes as a whole. Each goes aside
    before it is removed, so that a cut leaves none that only looks whole. InfraError names what cannot go.
    """
    if not night.keep.days and not night.keep.gigabytes:
        return ()
    leaves = [
        leaf
        for name, started in begun.items()
        for leaf in _leaves(results, name, _age(started), held, name == night.run)
    ]
    gone = [leaf.path for leaf in surplus(leaves, night.keep)]
    for path in gone:
        _remove(results / path)
    for name in dict.fromkeys(path.split("/")[0] for path in gone):
        if not any(path.is_dir() for path in (results / name).iterdir()):
            _remove(results / name)
    return tuple(gone)


def _leaves(
    results: Path, name: str, age: float, held: Collection[tuple[str, str]], running: bool
) -> Iterator[Leaf]:
    """What each entry of the night *name* left."""
    home = results / name
    for path in sorted(home.iterdir()) if home.is_dir() and not home.is_symlink() else ():
        if path.name.startswith(_GONE):
            _remove(path)
        elif path.is_dir() and not path.is_symlink():
            keep = running or (name, path.name) in held
            yield Leaf(path=f"{name}/{path.name}", age=age, size=_size(path), held=keep)


def _remove(path: Path) -> None:
    aside = path if path.name.startswith(_GONE) else path.with_name(f"{_GONE}{path.name}")
    try:
        if aside != path:
            path.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise InfraError(f"{error.filename or path}: cannot be removed: {error.strerror}") from error


def _age(started: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()


def _size(path: Path) -> int:
    return sum(one.lstat().st_blocks * 512 for one in path.rglob("*") if not one.is_symlink())
