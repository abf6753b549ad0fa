# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own test programs, compiled from a tree's sources but never inside of the tree."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from harness.deadline import Deadline
from harness.files import locked, make_directory
from harness.paths import QEMU
from harness.process import run
from harness.tree.model import Overlay
from harness.workloads.selftests import Selftest, Suite

_RECIPE = "1"
"""to be raised when the same sources are to give another program"""
_WHOLE_LINES = QEMU / "extra" / "whole-lines.c"
_BUILDING = ".building-"
_SOURCES = (".c", ".h")
_REASON = 160
# No optimisation, as in the kernel's Makefiles: memory that is allocated, written and freed is never
# read, and a compiler that optimises leaves all of that out (test_memcg_max then never meets its limit).
_FLAGS = ("-static", "-s", "-pthread", "-w")


@dataclass(frozen=True)
class Sources:
    """A kernel tree with patches on."""

    root: Path
    """the private copy; only for which files there are"""
    read: Callable[[str], bytes | None]
    """a file as the tree was given"""
    overlay: Overlay
    """what the patches make of it"""
    touched: Set[str] = frozenset()
    """files that any state of the series has and the tree need not: the copy may be in another state"""

    def matching(self, *patterns: str) -> dict[str, bytes]:
        """Contents of the files that one of *patterns* names, relative to the top, by path."""
        there = (path for one in patterns for path in self.root.glob(one) if path.is_file())
        paths = {str(path.relative_to(self.root)) for path in there}
        further = {*self.overlay, *self.touched}
        paths |= {path for path in further if any(PurePosixPath(path).match(one) for one in patterns)}
        found = {path: self._contents(path) for path in sorted(paths)}
        return {path: data for path, data in found.items() if data is not None}

    def _contents(self, path: str) -> bytes | None:
        return self.overlay[path] if path in self.overlay else self.read(path)


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the programs of a suite."""

    programs: dict[str, Path] = {}
    """static executables, by name"""
    failed: dict[str, str] = {}
    """why there is none, by name"""


def build_selftests(
    suite: Suite, programs: Sequence[Selftest], sources: Sources, *, cache: Path, deadline: Deadline
) -> Built:
    """Compile *programs* of *suite*, or take them from *cache*, where they are kept by content.

    Static against glibc, as the kernel's developers use it, with the headers of linux-libc-dev. musl would
    run on older kernels than have these programs, but does not know of a clone3() that goes past it: raise()
    then stops the parent (test_core of 6.1). A tree without the directory, and a program that does not
    compile, are no errors: ``failed`` says why.
    """
    place, files = _gather(suite, sources)
    if not place:
        return Built(failed={one.name: f"this tree has no {' or '.join(suite.dirs)}" for one in programs})
    toolchain = _toolchain(cache, deadline)
    key = _key(files, programs, toolchain)
    home = make_directory(cache / "selftests", "the cache of selftests")
    with locked(home / ".lock", deadline, "the cache of selftests"):
        if not (home / key).is_dir():
            _compile_all(home, key, place, programs, files, deadline)
    failed = msgspec.json.decode((home / key / "failed.json").read_bytes(), type=dict[str, str])
    return Built(
        programs={one.name: home / key / one.name for one in programs if one.name not in failed},
        failed=failed,
    )


def _toolchain(cwd: Path, deadline: Deadline) -> str:
    """The compiler, and the packages of its C library and kernel headers, where the machine has dpkg."""
    compiler = run(["gcc", "--version"], cwd=cwd, deadline=deadline, env={"LC_ALL": "C"})
    words = compiler.output.splitlines()[:1]
    if shutil.which("dpkg-query"):
        asked = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "libc6-dev", "linux-libc-dev"]
        words += run(asked, cwd=cwd, deadline=deadline).output.splitlines()
    return ", ".join(words)


def _gather(suite: Suite, sources: Sources) -> tuple[str, Mapping[str, bytes]]:
    """The suite's directory in this tree, and the files to compile from; "" where it has none."""
    for place in suite.dirs:
        own = sources.matching(*(f"{place}/{depth}*{end}" for depth in ("", "*/") for end in _SOURCES))
        if own:
            return place, own | sources.matching(*suite.headers)
    return "", {}


def _key(files: Mapping[str, bytes], programs: Sequence[Selftest], toolchain: str) -> str:
    digest = hashlib.sha256()
    rows = [f"{one.name} {one.sources}" for one in programs]
    for word in (_RECIPE, toolchain, *_FLAGS, *rows, *files):
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    for data in (*files.values(), _WHOLE_LINES.read_bytes()):
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()[:20]


def _compile_all(
    home: Path,
    key: str,
    place: str,
    programs: Sequence[Selftest],
    files: Mapping[str, bytes],
    deadline: Deadline,
) -> None:
    for leftover in home.glob(f"{_BUILDING}*"):  # of a run that was killed: the lock is ours
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_BUILDING, dir=home) as scratch:
        top, done = Path(scratch) / "tree", Path(scratch) / "done"
        done.mkdir()
        for path, data in files.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(data)
        whys = {one.name: _compile(top, place, one, done / one.name, deadline) for one in programs}
        failed = {name: why for name, why in whys.items() if why}
        (done / "failed.json").write_bytes(msgspec.json.encode(failed))
        done.rename(home / key)


def _compile(top: Path, place: str, program: Selftest, result: Path, deadline: Deadline) -> str:
    """Make one executable; why there is none, or ""."""
    command = ["gcc", *_FLAGS, f"-I{top}", "-o", str(result), *program.sources, str(_WHOLE_LINES)]
    done = run(command, cwd=top / place, deadline=deadline, env={"LC_ALL": "C"})
    if done.exit == 0:
        return ""
    errors = [line for line in done.output.splitlines() if "error" in line or "undefined" in line]
    said = (errors or done.output.splitlines() or [f"exit {done.exit}"])[0]
    said = said.replace(f"{top}/", "")[:_REASON]
    return f"does not compile here: {said}"
