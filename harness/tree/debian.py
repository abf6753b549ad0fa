# SPDX-License-Identifier: GPL-2.0-only
"""The distribution's own kernel source, as its linux-source metapackage gives it."""

from __future__ import annotations

import re
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.process import run

USR_SRC = Path("/usr/src")
_TARBALL = re.compile(r"linux-source-(\d+(?:\.\d+)*)\.tar\.(?:xz|gz|bz2|zst)$")


def newest_source(usr_src: Path, deadline: Deadline) -> Path:
    """The tarball that the installed metapackage depends on; without one, the highest version there is."""
    found: dict[tuple[int, ...], Path] = {}
    for path in usr_src.glob("linux-source-*.tar.*"):
        if name := _TARBALL.match(path.name):
            found[tuple(map(int, name[1].split(".")))] = path
    if not found:
        raise UserError(
            f"debian: no linux-source-*.tar.* under {usr_src}; apt-get install linux-source, or give a tree"
        )
    return found.get(_wanted(usr_src, deadline), found[max(found)])


def _wanted(usr_src: Path, deadline: Deadline) -> tuple[int, ...]:
    """The version in the metapackage's dependency, e.g. ``linux-source-6.1 (= 6.1.192-2)``; or nothing."""
    try:
        done = run(
            ["dpkg-query", "--show", "--showformat=${Depends}", "linux-source"],
            cwd=usr_src,
            deadline=deadline.within(10.0),
        )
    except InfraError:
        return ()  # not a Debian; the tarballs that are there speak for themselves
    name = re.search(r"\blinux-source-(\d+(?:\.\d+)*)\b", done.output)
    return tuple(map(int, name[1].split("."))) if done.exit == 0 and name else ()
