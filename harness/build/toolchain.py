# SPDX-License-Identifier: GPL-2.0-only
"""The compiler and the programs that a kernel build calls."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from harness import process
from harness.deadline import Deadline
from harness.errors import UserError

_ANSWERS_IN = 20.0


class Need(msgspec.Struct, frozen=True):
    """Something that a build calls, and the Debian package that has it."""

    what: str
    package: str
    why: str


PROGRAMS = (
    Need("make", "make", "drives the build"),
    Need("ld", "binutils", "links it"),
    Need("flex", "flex", "Kconfig's reader, since 4.16"),
    Need("bison", "bison", "Kconfig's reader, since 4.16"),
    Need("bc", "bc", "computes timer constants, since 3.9"),
    Need("perl", "perl", "computes them before; also headers and mkcapflags"),
    Need("lz4", "lz4", "compresses the image (KERNEL_LZ4)"),
)
_ELF_HEADER = Need("gelf.h", "libelf-dev", "objtool")


class Toolchain(msgspec.Struct, frozen=True, kw_only=True):
    """A compiler that answered, with what decides whether an object of it is the same object."""

    cc: str
    """as the plan names it: a program, found through PATH"""
    version: str
    """first line of ``cc --version``"""
    linker: str
    """first line of ``ld --version``"""
    ccache: bool
    """True when compilations go through ccache; does not change what comes out"""

    def variables(self) -> tuple[str, ...]:
        """What make is told about it."""
        launcher = "ccache " if self.ccache else ""
        variables = (f"CC={launcher}{self.cc}",)
        return (*variables, f"HOSTCC={launcher}gcc") if self.ccache else variables

    def identity(self) -> str:
        """What goes into a kernel's key."""
        return f"{self.cc}\n{self.version}\n{self.linker}"


def find_toolchain(cc: str, deadline: Deadline) -> Toolchain:
    """The compiler *cc* and all that a build needs beside it.

    UserError names everything that is missing, and the apt-get line that installs it.
    """
    if not cc or cc.startswith("-") or any(not (c.isalnum() or c in "-_.+/") for c in cc):
        raise UserError(f"compiler {cc!r} is not the name of a program; write gcc, gcc-12 or clang")
    lacking = missing(cc, deadline)
    if lacking:
        named = ", ".join(need.what for need in lacking)
        packages = " ".join(dict.fromkeys(need.package for need in lacking))
        raise UserError(f"a kernel build needs {named}; apt-get install -y {packages}")
    return Toolchain(
        cc=cc,
        version=_first_line(cc, deadline),
        linker=_first_line("ld", deadline),
        ccache=shutil.which("ccache") is not None,
    )


def missing(cc: str, deadline: Deadline) -> tuple[Need, ...]:
    """What a build with *cc* would lack on this machine."""
    compiler = Need(cc, Path(cc).name, "compiles it")
    lacking = tuple(need for need in (compiler, *PROGRAMS) if shutil.which(need.what) is None)
    if compiler in lacking or _has_header(cc, deadline):
        return lacking
    return (*lacking, _ELF_HEADER)


def _has_header(cc: str, deadline: Deadline) -> bool:
    answer = process.run(
        [cc, "-fsyntax-only", "-x", "c", "-"],
        cwd=Path("/"),
        deadline=deadline.within(_ANSWERS_IN),
        stdin=f"#include <{_ELF_HEADER.what}>\n".encode(),
    )
    return answer.exit == 0


def _first_line(program: str, deadline: Deadline) -> str:
    answer = process.run(
        [program, "--version"], cwd=Path("/"), deadline=deadline.within(_ANSWERS_IN), env={"LC_ALL": "C"}
    )
    line = answer.output.partition("\n")[0].strip()
    if answer.exit != 0 or not line:
        raise UserError(
            f"{program} --version: exit code {answer.exit}: {answer.last_lines(1)}; reinstall {program}"
        )
    return line
