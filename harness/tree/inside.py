# SPDX-License-Identifier: GPL-2.0-only
"""Paths that stay inside a tree, also where the tree has symbolic links."""

from __future__ import annotations

import stat
from pathlib import Path

from harness.errors import UserError
from harness.series.names import unsafe


def inside(root: Path, path: str) -> Path:
    """The file *path* of the tree at *root*, which need not be there; no link on the way is followed.

    Raises UserError when the path is absolute, has ``..`` in it, or passes or ends in a symbolic link.
    """
    if why := unsafe(path):
        raise UserError(f"{path[:200]!a} {why}; refused")
    at = root
    for part in path.split("/"):
        at = at / part
        try:
            mode = at.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            break
        if stat.S_ISLNK(mode):
            link = at.relative_to(root)
            raise UserError(
                f"{path!a} names a path outside the tree: {str(link)!a} is a symbolic link; "
                "refused, name the file itself"
            )
    return root / path


def contents(file: Path) -> bytes | None:
    """The bytes of a regular file; None when there is none of that name."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
