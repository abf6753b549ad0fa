# SPDX-License-Identifier: GPL-2.0-only
"""A program of this machine with the shared libraries that it needs, for a guest that has none."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.process import run

_LIBRARY = re.compile(r"\s*(?:(?P<name>\S+) => )?(?P<path>/\S+) \(0x[0-9a-f]+\)\s*\Z")
_LACKING = re.compile(r"\s*(?P<name>\S+) => not found")


def with_libraries(program: str, deadline: Deadline) -> dict[str, Path]:
    """*program*, as PATH has it, and its libraries and loader, by where they belong: the same place as here.

    Empty when there is no such program. InfraError when its libraries are not all there. ``ldd`` runs the
    program's loader, so this is for programs that the machine's owner installed.
    """
    found = shutil.which(program)
    if found is None:
        return {}
    path = Path(found).absolute()
    done = run(["ldd", path], cwd=Path("/"), deadline=deadline, env={"LC_ALL": "C"})
    if done.exit != 0 and "not a dynamic executable" not in done.output:
        raise InfraError(f"{path}: ldd failed with {done.exit}: {done.last_lines(1)}")
    files = {str(path): path}
    for line in done.output.splitlines():
        if lacking := _LACKING.match(line):
            raise InfraError(f"{path}: {lacking['name']} is not found; reinstall the package that brings it")
        if library := _LIBRARY.match(line):
            files[library["path"]] = Path(library["path"])
    return files
