# SPDX-License-Identifier: GPL-2.0-only
"""Compiler warnings out of make's output, and those that the base does not have."""

from __future__ import annotations

from pathlib import Path

from harness.build.model import CompilerWarning, Kernel
from harness.build.warnings import new_against, parse

SOURCE = Path("/trees/t/source")
BUILD = Path("/trees/t/build/plain")
LOG = """\
make[1]: Entering directory '/trees/t/build/plain'
  CC      mm/memcontrol.o
/trees/t/source/mm/memcontrol.c: In function 'try_charge':
/trees/t/source/mm/memcontrol.c:12:6: warning: unused variable 'x' [-Wunused-variable]
   12 |  int x;
In file included from /trees/t/source/mm/memcontrol.c:3:
../../source/include/linux/memcontrol.h:7: warning: "A" redefined
  CC [M]  mm/swap.o
mm/swap.c:9:1: warning: shift \x1b[31mred [-Wshift-count-overflow]
  CC      mm/clean.o
  GEN     Makefile
ld: warning: a section without flags
"""


def _w(file: str, message: str, option: str = "") -> CompilerWarning:
    return CompilerWarning(file=file, message=message, option=option)


def test_gcc_and_clang_warnings_are_read_by_object() -> None:
    found = parse(LOG.splitlines(), SOURCE, BUILD)
    assert found == {
        "mm/memcontrol.o": (
            _w("mm/memcontrol.c", "unused variable 'x'", "-Wunused-variable"),
            _w("include/linux/memcontrol.h", '"A" redefined'),
        ),
        "mm/swap.o": (_w("mm/swap.c", "shift ?[31mred", "-Wshift-count-overflow"),),
        "mm/clean.o": (),
    }


def _kernel(*warnings: CompilerWarning) -> Kernel:
    return Kernel(
        key="k", release="6.1", directory=Path("/k"), cached=False, seconds=1.0, warnings=tuple(warnings)
    )


def test_new_ones_are_those_the_base_has_fewer_of() -> None:
    old, same, new = _w("mm/a.c", "old"), _w("mm/a.c", "same"), _w("mm/b.c", "new")
    assert new_against(_kernel(old, same), _kernel(same, new, same)) == (same, new)
    assert new_against(_kernel(old, same), _kernel(same)) == ()
