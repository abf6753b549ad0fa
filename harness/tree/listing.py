# SPDX-License-Identifier: GPL-2.0-only
"""The source files of a directory or of a git work tree, with what stat says. Nothing is written there."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import UserError
from harness.git import GIT
from harness.process import run
from harness.tree.products import is_product, is_product_directory

Stamp = tuple[int, int, int, int]
"""st_mode, st_size, st_mtime_ns, st_ctime_ns"""
Listing = dict[str, Stamp]
"""regular files and symbolic links, by path relative to the root"""


def list_directory(root: Path) -> Listing:
    """Every file under *root* but those that a build has put there (harness.tree.products)."""
    found: Listing = {}
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(root / prefix) as entries:
                here = list(entries)
        except OSError as error:
            raise UserError(
                f"{root / prefix}: cannot be read: {error.strerror}; mend its permissions"
            ) from error
        beside = frozenset(entry.name for entry in here)
        for entry in here:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if not is_product_directory(path):
                    waiting.append(f"{path}/")
            elif not is_product(path, beside):
                _add(found, path, entry.stat(follow_symlinks=False))
    return found


def list_git(root: Path, scratch: Path, deadline: Deadline) -> Listing:
    """What git tracks or would track in *root*, as it lies there now; what was deleted is not in it.

    The repository's own settings are not trusted: none that starts a program or writes is heeded.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        names = Path(directory) / "names"
        quiet = ("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "-c", "safe.directory=*")
        done = run(
            [*GIT, *quiet, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=root,
            deadline=deadline,
            env={"GIT_OPTIONAL_LOCKS": "0", "GIT_CEILING_DIRECTORIES": str(root.parent)},
            log=names,
        )
        if done.exit != 0:
            raise UserError(f"{root}: git cannot list it: {done.last_lines(1)}; mend the repository")
        listed = names.read_bytes().split(b"\0")
    found: Listing = {}
    for raw in listed:
        # a warning of git's stands before a name, with a line end of its own; no name here has one
        path = os.fsdecode(raw.rpartition(b"\n")[2])
        try:
            if path and not path.endswith("/"):
                _add(found, path, (root / path).lstat())
        except (FileNotFoundError, NotADirectoryError):
            continue  # deleted in the work tree
    return found


def _add(found: Listing, path: str, stat_: os.stat_result) -> None:
    """Sockets, pipes and devices are no sources."""
    if stat.S_ISREG(stat_.st_mode) or stat.S_ISLNK(stat_.st_mode):
        found[path] = (stat_.st_mode, stat_.st_size, stat_.st_mtime_ns, stat_.st_ctime_ns)
