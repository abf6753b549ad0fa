# SPDX-License-Identifier: GPL-2.0-only
"""sparse on the C files of a series, with the flags that a build of the tree gave the compiler.

kbuild keeps the command of each object in ``.NAME.o.cmd`` beside it (scripts/Kbuild.include,
cmd_and_fixdep), since 2.6.0; so any directory in which the harness has built the tree will do, and nothing
is built for it.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from harness.analysis.model import Finding
from harness.analysis.states import States
from harness.analysis.tools_run import Unusable, ask, first_line, program
from harness.analysis.tools_states import Said, brought, less
from harness.analysis.tools_table import Patterns
from harness.analysis.tools_view import view
from harness.deadline import Deadline

_ARCH = {"x86_64": ("-D__x86_64__", "-m64")}
# CHECKFLAGS of the top Makefile, and what keeps sparse from going silent after 100 remarks (sparse(1)).
_FLAGS = (
    "-D__linux__",
    "-Dlinux",
    "-D__STDC__",
    "-Dunix",
    "-D__unix__",
    "-Wbitwise",
    "-Wno-return-void",
    "-Wno-unknown-attribute",
    "-fmax-warnings=unlimited",
    *_ARCH["x86_64"],
)
_WITH_VALUE = ("-include", "-isystem", "-I", "-D", "-U", "-iquote")
_KEPT = ("-I", "-D", "-U", "-std=", "-nostdinc", "-m32", "-m64", "-fshort-wchar", "-funsigned-char")
_COMMAND = re.compile(r"^(?:saved)?cmd_\S+ := (.*)$")
_LARGEST = 1 << 20
_REMARK = re.compile(r"^([^:\s]{1,500}):(\d+):\d+: (?:warning|error): (\S.*)$")


def version(cwd: Path, deadline: Deadline) -> str:
    """Which sparse it is; Unusable when there is none."""
    said = first_line([program("sparse"), "--version"], cwd=cwd, deadline=deadline).split()
    return said[0].lstrip("v") if said else "of unknown version"


def sparse(
    states: States,
    *,
    source: Path,
    builds: Sequence[Path],
    rows: Patterns,
    scratch: Path,
    deadline: Deadline,
) -> tuple[Finding, ...]:
    """What sparse says of the series' C files, if it is new; of headers it is not asked.

    *source* is the tree as given, *builds* are directories in which it was built. Raises Unusable, and
    InfraError when there is no room in *scratch*.
    """
    commands = {path: found for path in states.touched if (found := _command(builds, source, path))}
    if not commands:
        raise Unusable("no build of this tree compiles what the series changes")

    failed: dict[str, str] = {}

    def run(state: int, files: tuple[str, ...]) -> tuple[Said, ...]:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            root = Path(name)
            view(root, source, states[state].overlay)
            said: dict[tuple[str, int, str], Said] = {}
            for path in files:
                build, flags = commands[path]
                moved = [flag.replace(f"{source}/", f"{root}/") for flag in flags]
                output = ask(["sparse", *_FLAGS, *moved, root / path], cwd=build, deadline=deadline)
                if output.exit:  # remarks leave it 0; it died: a header that is missing, no memory
                    failed[path] = output.last.replace(f"{root}/", "")
                for one in _remarks(output.lines, root, rows):
                    said.setdefault((one.file, one.line, one.message), one)
        return tuple(said.values())

    return less(states, brought(states, run, tuple(commands)), "sparse", failed)


def _remarks(lines: tuple[str, ...], root: Path, rows: Patterns) -> Iterator[Said]:
    """sparse's ``FILE:LINE:COLUMN: warning: text``; lines that go on with a type are left out."""
    for text in lines:
        match = _REMARK.match(text)
        if not match:
            continue
        row, function = rows.row(match[3])
        yield Said(
            tool="sparse",
            rule=row.rule,
            severity=row.severity,
            why=row.why,
            file=match[1].removeprefix(f"{root}/"),
            line=int(match[2]),
            message=match[3].replace(f"{root}/", ""),
            function=function,
        )


def _command(builds: Sequence[Path], source: Path, path: str) -> tuple[Path, list[str]] | None:
    """Where *path* was compiled and what the preprocessor was told; a neighbour's when the series adds it."""
    if not path.endswith(".c"):
        return None
    parent = PurePosixPath(path).parent
    own = [(build, build / parent / f".{PurePosixPath(path).stem}.o.cmd") for build in builds]
    others = [(build, file) for build in builds for file in sorted((build / parent).glob(".*.o.cmd"))]
    for build, file in (*own, *others):
        flags = _read_flags(file)
        if any(flag.startswith((f"-I{source}/", f"{source}/")) for flag in flags):
            return build, flags
    return None


def _read_flags(file: Path) -> list[str]:
    """The preprocessor's part of the command that *file* keeps; empty when there is none."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_LARGEST).decode("utf-8", "surrogateescape")
    except OSError:
        return []
    match = _COMMAND.match(text.split("\n", 1)[0])
    if not match:
        return []
    try:
        # make's own quoting (escsq and make-cmd in scripts/Kbuild.include) comes off first
        words = shlex.split(match[1].replace("$(pound)", "#").replace("\\#", "#").replace("$$", "$"))
    except ValueError:
        return []
    kept: list[str] = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in _WITH_VALUE:
            kept += [word, following]
        elif word.startswith(_KEPT):
            kept.append(word)
    return kept
