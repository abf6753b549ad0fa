# SPDX-License-Identifier: GPL-2.0-only
"""What a build directory says of its own objects: which defines a function, and how it was compiled.

kbuild leaves the command of each target X in ``.X.cmd`` (scripts/Kbuild.include, if_changed).
"""

from __future__ import annotations

import os
import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.process import run

_DEFINED = re.compile(r"(?P<object>[^:]+):[0-9a-f]{8,16} (?P<size>[0-9a-f]{8,16}) [tTwW] (?P<name>\S+)")
_COMMAND = re.compile(r"^(?:saved)?cmd_\S+ := (?P<words>.+)$", re.MULTILINE)
_RUNS_AS_KERNEL = "-mcmodel=kernel"
"""tells an object of the kernel from one of the boot loader's code, of the vdso or of a host program"""


def definers(build_dir: Path, functions: Collection[str], deadline: Deadline) -> dict[str, dict[str, int]]:
    """For each of *functions* the objects that define it, relative to *build_dir*, with its size in bytes."""
    found: dict[str, dict[str, int]] = defaultdict(dict)

    def take(line: str) -> None:
        match = _DEFINED.fullmatch(line)
        if match and match["name"] in functions:
            found[match["name"]][match["object"]] = int(match["size"], 16)

    objects = sorted(_objects(build_dir))
    if objects:
        argv = ("nm", "--print-file-name", "--print-size", "--defined-only", *objects)
        # nm says 1 for an object without symbols too: what it could read counts.
        if run(argv, cwd=build_dir, deadline=deadline, on_line=take).exit == 127:  # noqa: PLR2004 -- a shell's
            raise InfraError("nm is not installed; apt-get install binutils")
    return found


def compilation(build_dir: Path, name: str) -> tuple[str, ...]:
    """The words with which the object *name* was compiled, to be run in *build_dir*, without its output's.

    Nothing for an object that is not of the kernel's own C: linked of others, assembled, a host program's.
    """
    path = build_dir / name
    text = _read(path.with_name(f".{path.name}.cmd"))
    match = _COMMAND.search(text)
    if match is None:
        return ()
    try:
        words = shlex.split(match["words"].replace("$(pound)", "#").replace("$$", "$"))
    except ValueError:  # a quotation without its end
        return ()
    words = words[: words.index(";")] if ";" in words else words  # objtool follows
    if not {"-c", "-o", _RUNS_AS_KERNEL} <= set(words) or not words[-1].endswith(".c"):
        return ()
    output = words.index("-o")
    return tuple(word for word in (*words[:output], *words[output + 2 :]) if not word.startswith("-Wp,-M"))


def _objects(build_dir: Path) -> Iterator[str]:
    """The objects that have a recorded command, relative to *build_dir*."""
    for directory, _names, files in os.walk(build_dir):
        inside = Path(directory).relative_to(build_dir)
        present = set(files)
        yield from (str(inside / file) for file in files if file.endswith(".o") and f".{file}.cmd" in present)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
