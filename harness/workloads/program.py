# SPDX-License-Identifier: GPL-2.0-only
"""A test program that is ready to be run in a guest, as a value beside the workloads."""

from __future__ import annotations

import msgspec

from harness.workloads.catalogue import Needs, Workload
from harness.workloads.selftests import Selftest, Suite

HOME = "/extra"
"""where such programs lie in the guest"""
RUN_SELFTEST = f"{HOME}/run-selftest"
"""what puts the console's markers around one (qemu/extra/run-selftest)"""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One selftest of one suite; its cases are called ``name`` and ``name.TEST``."""

    name: str
    """``SUITE.PROGRAM``"""
    test: Selftest
    inside: bool = False
    """in a memory group of its own"""

    @property
    def needs(self) -> Needs:
        """What it cannot do its work without."""
        return self.test.needs

    @property
    def path(self) -> str:
        """The executable in the guest."""
        return f"{HOME}/{self.name.replace('.', '/')}"

    @property
    def argv(self) -> tuple[str, ...]:
        """What the guest runs, and what a person would."""
        inside = ("--inside",) if self.inside else ()
        return (RUN_SELFTEST, *inside, self.name, self.path, *self.test.args)


Runnable = Workload | Program
"""what a guest can be given"""


def program_of(suite: Suite, test: Selftest) -> Program:
    """*test* of *suite*."""
    return Program(name=f"{suite.name}.{test.name}", test=test, inside=suite.inside)


def tells_of(row: Runnable, case: str) -> bool:
    """True when *case* is one that *row* brings."""
    return case == row.name or (isinstance(row, Program) and case.startswith(f"{row.name}."))
