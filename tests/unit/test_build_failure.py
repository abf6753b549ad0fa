# SPDX-License-Identifier: GPL-2.0-only
"""What a failed make is blamed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.build.failure import BuildFailed, failure
from harness.errors import InfraError

SOURCE, BUILD, LOG = Path("/t/source"), Path("/t/build/plain"), Path("/t/log")


def _failure(*lines: str) -> BuildFailed | InfraError:
    return failure(lines, SOURCE, BUILD, LOG)


def test_the_compilers_errors_come_first_and_relative() -> None:
    found = _failure(
        "  CC      mm/a.o",
        "/t/source/mm/a.c:4:2: error: 'x' undeclared",
        "mm/b.c:9: fatal error: no.h: No such file or directory",
        "make[2]: *** [scripts/Makefile.build:250: mm/a.o] Error 1",
    )
    assert isinstance(found, BuildFailed)
    assert found.errors[0] == "mm/a.c:4: 'x' undeclared"
    assert found.errors[1].endswith("mm/b.c:9: no.h: No such file or directory")
    assert str(found) == "mm/a.c:4: 'x' undeclared (log: /t/log)"


def test_a_linker_error_counts() -> None:
    found = _failure("ld: mm/a.o: in function `f':", "a.c:(.text+0x1): undefined reference to `g'")
    assert isinstance(found, BuildFailed)
    assert "undefined reference to `g'" in found.errors[0]


def test_an_assemblers_error_counts_without_its_temporary_file() -> None:
    found = _failure("/tmp/ccX.s: Error: .size expression for f does not evaluate to a constant")
    assert isinstance(found, BuildFailed)
    assert found.errors == ("as: .size expression for f does not evaluate to a constant",)
    assert _failure("/tmp/ccX.s:12: Error: bad register name").errors == ("as: bad register name",)  # type: ignore[union-attr]


def test_without_either_makes_own_line_is_quoted() -> None:
    found = _failure("make: *** No rule to make target 'mm/gone.c'.  Stop.")
    assert "No rule to make target" in str(found)


def test_many_and_long_errors_are_bounded() -> None:
    found = _failure(*(f"/t/source/mm/a.c:{n}:1: error: {'x' * 9999}" for n in range(1000)))
    assert isinstance(found, BuildFailed)
    assert len(found.errors) == 10
    assert len(str(found)) < 400


@pytest.mark.parametrize(
    "line",
    [
        "/tmp/ccX.s: fatal error: error writing to mm/a.o: No space left on device",
        "gcc: fatal error: Killed signal terminated program cc1",
        "cc1: out of memory allocating 65536 bytes after a total of 1 bytes",
    ],
)
def test_the_machine_is_not_the_kernels_fault(line: str) -> None:
    assert isinstance(_failure("/t/source/mm/a.c:4:2: error: x", line), InfraError)
