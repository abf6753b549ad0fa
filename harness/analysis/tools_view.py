# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree with a state of the series on, made of links to the tree as given: nothing is copied."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from harness.errors import InfraError
from harness.series.names import unsafe
from harness.tree.model import Overlay


def view(root: Path, source: Path, overlay: Overlay) -> None:
    """Fill the empty directory *root*: files of *overlay* as they are there, all else linked to *source*.

    Only the directories on the way to a file of *overlay* are made; their entries are links. InfraError
    when it cannot be written.
    """
    paths = {path: data for path, data in overlay.items() if not unsafe(path)}
    directories = {parent for path in paths for parent in PurePosixPath(path).parents} | {PurePosixPath(".")}
    try:
        for directory in sorted(directories, key=lambda one: len(one.parts)):
            (root / directory).mkdir(exist_ok=True)
            _link(root, source, directory, directories, paths)
        for path, data in paths.items():
            if data is not None:
                (root / path).write_bytes(data)
    except OSError as error:
        raise InfraError(f"{root}: a tree for sparse cannot be made: {error.strerror}") from error


def _link(
    root: Path,
    source: Path,
    directory: PurePosixPath,
    made: set[PurePosixPath],
    overlay: Overlay,
) -> None:
    """Link the entries of one directory, but for those that are made or that the overlay has."""
    given = source / directory
    if given.is_symlink() or not given.is_dir():
        return
    for entry in given.iterdir():
        name = directory / entry.name
        if name not in made and str(name) not in overlay:
            (root / name).symlink_to(entry)
