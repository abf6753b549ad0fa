# SPDX-License-Identifier: GPL-2.0-only
"""Is this directory a kernel, and which? Read from its top Makefile as text; nothing is executed."""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors import UserError
from harness.tree.model import Version

_LINE = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*:?=[ \t]*([^\s#]{0,64})", re.MULTILINE)
_RC = re.compile(r"-rc(\d{1,4})")
_HEAD = 64 * 1024
_PARTS = ("arch", "mm", "kernel", "init")
_GIVE = "give a kernel directory, a git work tree or a tarball of one, or 'debian'"


def identify(root: Path, origin: str) -> Version:
    """The version of the kernel at *root*; UserError naming *origin* when that is no kernel."""
    try:
        with (root / "Makefile").open("rb") as stream:
            head = stream.read(_HEAD).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        head = ""
    except OSError as error:
        raise UserError(
            f"{origin}: Makefile cannot be read: {error.strerror}; mend its permissions"
        ) from error
    found = dict(reversed(_LINE.findall(head)))  # the first of each name counts
    numbers = [found.get(key, "") for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL")]
    if not all(re.fullmatch(r"\d{1,5}", number) for number in numbers[:2]):
        raise UserError(
            f"{origin}: not a kernel tree: no Makefile with VERSION and PATCHLEVEL at its top; {_GIVE}"
        )
    missing = [part for part in _PARTS if not (root / part).is_dir()]
    if missing:
        raise UserError(f"{origin}: not a kernel tree: no {missing[0]}/ in it; {_GIVE}")
    return _version(numbers, found.get("EXTRAVERSION", ""))


def _version(numbers: list[str], extra: str) -> Version:
    major, minor, patch = (int(number) if number.isdigit() else 0 for number in numbers)
    suffix = "".join(c for c in extra if c.isalnum() or c in "-+._~")
    text = f"{major}.{minor}.{patch}{suffix}"
    candidate = _RC.search(suffix)
    if candidate:
        return Version(major, minor, patch, int(candidate[1]), text)
    return Version(major, minor, patch, text=text)
