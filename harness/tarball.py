# SPDX-License-Identifier: GPL-2.0-only
"""A tarball of anybody's, unpacked into a directory of ours: nothing outside of it, and within bounds.

GNU tar is used for what it does with a hostile archive: it strips leading slashes, refuses ``..``
in names and hard links, makes symbolic links that lead out only at the end, so that no later
member can go through one. Three times as fast here as Python's tarfile, whose own bounds depend on
Python's last digit.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.process import run

_RECORD = 10_240
"""bytes that tar reads at once, after decompression (tar(1), --blocking-factor)"""
_LOOKS = 64
"""how often tar says how far it is, until the bound is reached"""
_CHECKPOINT = re.compile(r"tar: Read checkpoint (\d+)")
_NOISE = ("Exiting with failure", "Read checkpoint")


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive may come to."""

    size: int
    """bytes, all headers and contents"""
    files: int
    """files, links and directories"""


def extract(tarball: Path, into: Path, called: str, bounds: Bounds, deadline: Deadline) -> None:
    """Unpack *tarball*, which errors name *called*, into the directory *into*, to be looked over there.

    UserError for what is damaged, names a path outside of *into* or is larger than *bounds* allow; what was
    unpacked until then is the caller's to remove.
    """
    every = max(1, bounds.size // _RECORD // _LOOKS)

    def look(line: str) -> None:
        found = _CHECKPOINT.match(line)
        if found is not None and int(found[1]) * _RECORD > bounds.size:
            raise _too_much(called, f"{bounds.size >> 20} MiB")

    options = (
        "--touch",
        "--no-same-owner",
        "--no-same-permissions",
        "--force-local",
        f"--checkpoint={every}",
    )
    done = run(
        ["tar", "--extract", "--file", tarball, "--directory", into, *options],
        cwd=into,
        deadline=deadline,
        env={"LC_ALL": "C", "TAR_OPTIONS": ""},
        on_line=look,
    )
    if "No space left on device" in done.output:
        raise InfraError(f"{into}: no space left; make room, or point XDG_CACHE_HOME at a larger disk")
    if done.exit != 0 or "Removing leading" in done.output:
        said = [line for line in done.output.splitlines() if not any(words in line for words in _NOISE)]
        hostile = any("Member name contains" in line or "Removing leading" in line for line in said)
        what = "names a path outside the tree" if hostile else "cannot be unpacked"
        raise UserError(f"{called}: {what}: {ascii(' | '.join(said[:2]))[1:300]}; get the tarball anew")


def look_over(top: Path, called: str, bounds: Bounds) -> None:
    """UserError for what :func:`extract` brought below *top* and nobody is to meet there.

    Devices and pipes, symbolic links that lead out of *top*, more files than *bounds* allow, and sparse files
    that claim to be larger than all of the archive may be.
    """
    count = 0
    for directory, subdirectories, files in os.walk(top):
        count += len(files) + len(subdirectories)
        if count > bounds.files:
            raise _too_much(called, f"{bounds.files} files")
        for name in (*files, *subdirectories):
            path = Path(directory) / name
            found, shown = path.lstat(), ascii(str(path.relative_to(top)))
            if stat.S_ISLNK(found.st_mode):
                target = os.path.normpath(Path(directory) / path.readlink())
                if not Path(target).is_relative_to(top):
                    raise UserError(f"{called}: {shown} is a link to a path outside the tree; get it anew")
            elif not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                raise UserError(f"{called}: {shown} is no file; get the tarball anew")
            elif found.st_size > bounds.size:
                raise _too_much(called, f"{bounds.size >> 20} MiB")


def _too_much(called: str, bound: str) -> UserError:
    return UserError(f"{called}: over {bound} when unpacked, more than it may have; get the right tarball")
