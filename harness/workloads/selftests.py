# SPDX-License-Identifier: GPL-2.0-only
"""Test programs that others wrote: configs/selftests.yaml as values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from harness.errors import UserError
from harness.span import Numbers, check_bounds, covers
from harness.tables import load
from harness.workloads.catalogue import Needs

_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][A-Za-z0-9_-]{0,30}$")]


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test whose failure says nothing about the kernel under test: it fails, or flaps, without a fault."""

    test: str
    """as KTAP names it; of a nested test with those of its parents"""
    since: str = ""
    """the first kernel version that this is so for"""
    until: str = ""
    """the last one"""
    why: str

    def __post_init__(self) -> None:
        check_bounds(self.since, self.until)


class Selftest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One program of a suite."""

    name: _Name
    sources: tuple[str, ...]
    """C files, relative to the suite's directory"""
    args: tuple[str, ...] = ()
    seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)]
    """the time limit, several times what it takes in an emulated guest"""
    ktap: bool = True
    """it prints a line for each test; else its exit code is all there is"""
    needs: Needs = Needs()
    known: tuple[Known, ...] = ()

    def excuse(self, test: str, kernel: Numbers) -> str:
        """Why a failure of *test* says nothing on *kernel*, or ""."""
        for row in self.known:
            if row.test == test and covers(kernel, row.since, row.until):
                return row.why
        return ""


class Suite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory of the kernel tree with test programs."""

    name: _Name
    dirs: tuple[str, ...]
    """where it is, by the names that it had: the first that a tree has"""
    headers: tuple[str, ...]
    """what the programs include from elsewhere in the tree, as patterns relative to its top"""
    inside: bool = False
    """they are run in a memory group of their own, or nothing that they do would be charged to one"""
    programs: tuple[Selftest, ...]
    why: str


class Stressor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stressor of stress-ng, run by memcg-case like any workload, one instance for each worker."""

    name: _Name
    bytes: str = ""
    """the option that takes the bytes of an instance; none: it takes no size"""
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.4
    """bytes of one instance, as a share of the group's limit"""
    args: tuple[str, ...] = ()
    """further options of the stressor"""
    dir: str = "/tmp"  # noqa: S108 -- in the guest
    why: str


class Stress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """stress-ng as a suite."""

    name: _Name
    program: str
    """looked for in PATH"""
    package: str
    """the Debian package that brings it"""
    needs: Needs
    """what none of its stressors can do without"""
    stressors: tuple[Stressor, ...]
    why: str


class External(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table: what a plan's ``external`` can name."""

    suites: tuple[Suite, ...]
    stress: tuple[Stress, ...]

    def choose(self, names: Iterable[str], asked_by: str) -> External:
        """Only the rows called *names*; UserError naming *asked_by* and the nearest known name."""
        known = [row.name for row in self.suites] + [row.name for row in self.stress]
        wanted = tuple(names)
        for name in wanted:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                raise UserError(f"{asked_by}: external: nothing is called {name!r}; {mend}")
        return External(
            suites=tuple(row for row in self.suites if row.name in wanted),
            stress=tuple(row for row in self.stress if row.name in wanted),
        )


def load_external(path: Path) -> External:
    """The table at *path*. UserError: see harness.tables.load."""
    return load(path, External)
