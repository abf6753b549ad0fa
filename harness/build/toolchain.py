# SPDX-License-Identifier: GPL-2.0-only
"""The compiler and the programs that a kernel build calls."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Literal

import msgspec

from harness import process
from harness.deadline import Deadline
from harness.errors import UserError
from harness.span import Numbers

_ANSWERS_IN = 20.0
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}")


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
    family: Literal["gcc", "clang"]
    """whose command line ``cc`` understands"""
    tools: dict[str, Numbers]
    """versions of the compiler (by its family), of ``binutils`` (as ``ld`` says it), ``make`` and ``perl``"""
    cc_flags: tuple[str, ...] = ()
    """words for every compilation; with CC, not KCFLAGS: arch/x86/boot/compressed resets KBUILD_CFLAGS"""
    host_flags: tuple[str, ...] = ()
    """words for the compilation of programs that run while the kernel is built"""

    def variables(self) -> tuple[str, ...]:
        """What make is told about it."""
        launcher = ("ccache",) if self.ccache else ()
        return (
            f"CC={' '.join((*launcher, self.cc, *self.cc_flags))}",
            f"HOSTCC={' '.join((*launcher, 'gcc', *self.host_flags))}",
        )

    def identity(self) -> str:
        """What goes into a kernel's key."""
        return "\n".join((self.cc, self.version, self.linker, *self.cc_flags, *self.host_flags))


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
    version = _first_line(cc, deadline)
    family: Literal["gcc", "clang"] = "clang" if "clang" in version else "gcc"
    linker = _first_line("ld", deadline)
    return Toolchain(
        cc=cc,
        version=version,
        linker=linker,
        ccache=shutil.which("ccache") is not None,
        family=family,
        tools={
            # A distribution's name and number may stand first in gcc's own first line; before gcc 7
            # -dumpfullversion is passed over.
            family: _numbers(
                version if family == "clang" else _said([cc, "-dumpfullversion", "-dumpversion"], deadline)
            ),
            "binutils": _numbers(linker),
            "make": _numbers(_first_line("make", deadline)),
            "perl": _numbers(_said(["perl", "-e", "printf '%vd', $^V"], deadline)),
        },
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
    return _said([program, "--version"], deadline)


def _said(argv: list[str], deadline: Deadline) -> str:
    """The first line that *argv* prints."""
    answer = process.run(argv, cwd=Path("/"), deadline=deadline.within(_ANSWERS_IN), env={"LC_ALL": "C"})
    line = answer.output.partition("\n")[0].strip()
    if answer.exit != 0 or not line:
        raise UserError(
            f"{shlex.join(argv)}: exit code {answer.exit}: {answer.last_lines(1)}; reinstall {argv[0]}"
        )
    return line


def _numbers(line: str) -> Numbers:
    """The first version in *line*: ``GNU Make 4.3`` is (4, 3)."""
    match = _VERSION.search(line)
    return tuple(map(int, match[0].split("."))) if match else ()
