# SPDX-License-Identifier: GPL-2.0-only
"""Compiler warnings: read out of make's output, kept per object across builds, held against a base's."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from harness.build.model import CompilerWarning, Kernel

# What kbuild prints for one target: "  CC      mm/memcontrol.o" (scripts/Kbuild.include, echo-cmd).
_TARGET = re.compile(r"^  ([A-Z][A-Z0-9_]*) +(?:\[M\] +)?(\S+)$")
_COMPILED = {"CC", "AS", "HOSTCC", "LD", "VDSO2C"}
# GCC and clang: "file:line:col: warning: text [-Woption]"; the column may be missing.
_WARNING = re.compile(r"^(\S+?):\d+:(?:\d+:)? warning: (.*?)(?: \[(-W[\w=+-]+)\])?$")
_LONGEST = 500

Warnings = dict[str, tuple[CompilerWarning, ...]]
"""By the object whose compilation said it."""


def compiled(line: str) -> str | None:
    """The target, when *line* is kbuild saying that it compiled one."""
    match = _TARGET.match(line)
    return match.group(2) if match and match.group(1) in _COMPILED else None


def parse(lines: Iterable[str], source: Path, build_dir: Path) -> Warnings:
    """The warnings of a build's output (``make -Otarget``), by object; a clean object has an empty tuple.

    Files are relative to *source*, or as the compiler names them when they lie elsewhere.
    """
    found: dict[str, list[CompilerWarning]] = {}
    current = ""
    for line in lines:
        target = compiled(line)
        if target is not None:
            current = target
            found[current] = []
            continue
        match = _WARNING.match(line)
        if match:
            file, message, option = match.groups()
            warning = CompilerWarning(
                file=_relative(file, source, build_dir), message=_printable(message), option=option or ""
            )
            found.setdefault(current, []).append(warning)
    return {target: tuple(warnings) for target, warnings in found.items()}


def new_against(base: Kernel, patched: Kernel) -> tuple[CompilerWarning, ...]:
    """The warnings that *patched* has and *base* has not, as often as it has more of them, by file.

    Lines play no part: code that a patch only moves warns as before.
    """
    more = Counter(patched.warnings) - Counter(base.warnings)
    return tuple(sorted(more.elements()))


def _relative(file: str, source: Path, build_dir: Path) -> str:
    path = os.path.normpath(build_dir / file)
    root = f"{source}{os.sep}"
    return _printable(path.removeprefix(root) if path.startswith(root) else file)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])
