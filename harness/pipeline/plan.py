# SPDX-License-Identifier: GPL-2.0-only
"""A run plan: configs/*.yaml as a value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from harness.address import is_address, refuse_credentials
from harness.errors import UserError
from harness.tables import load

_ELSEWHERE = re.compile(r"(?:message-id:|https?://|file://)", re.IGNORECASE)
Positive = Annotated[int, msgspec.Meta(gt=0)]


class GuestPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The machine that the kernels are booted on."""

    cpus: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    nodes: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2
    memory_mb: Annotated[int, msgspec.Meta(ge=128)] = 768
    swap: bool = True
    boot_seconds: Positive = 60
    append: tuple[str, ...] = ()
    """further words for the kernel's command line"""


class Toolchain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The compiler to build kernels with."""

    cc: str = "gcc"


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the plan leaves to its user, and where that comes from; said when it is not given."""

    tree: str = ""
    series: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to build, boot and run."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,40}$")]
    about: str = ""
    """one line for whoever reads the plan"""
    tree: str = ""
    """``debian`` (the distribution's linux-source), a directory, git work tree, tarball, or an address"""
    series: str = ""
    """where the patches are; none: only the base is built and run"""
    ask: Ask = Ask()
    """what has to be given with --tree or --series instead"""
    kconfig: str | tuple[str, ...] = "plain"
    """one profile of configs/kconfig/profiles.yaml, or several: each kernel is built with each of them"""
    ifaces: Annotated[tuple[Literal["v1", "v2"], ...], msgspec.Meta(min_length=1)] = ("v1", "v2")
    cells: tuple[str, ...] = ()
    """``PROFILE-IFACE`` for each cell of a kernel, where not every profile is to meet every interface"""
    workloads: tuple[str, ...] = ()
    """rows of configs/workloads.yaml; none: those that reach what the series touches"""
    external: tuple[str, ...] = ()
    """rows of configs/selftests.yaml, run after the workloads: the kernel's own selftests, stress-ng. The
    selftests take as long as they take, beside ``cell_seconds``"""
    findings: Literal["fail", "report"] = "fail"
    """whether a finding of severity ``error`` fails the run, or is only reported"""
    seconds: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 15.0
    """how long each workload runs"""
    cell_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """how long the cases of a cell may take together: where there are many, each has less, or the last are
    left out; 0: no bound"""
    limit_mb: Positive = 32
    """limit of the group that a workload runs in"""
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """workers of a workload; 0: one for each CPU of the guest"""
    sample_ms: Annotated[int, msgspec.Meta(ge=10)] = 200
    settle: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """seconds that a group may take to come to rest"""
    seed: int = 1
    accel: Literal["auto", "kvm", "tcg"] = "auto"
    guest: GuestPlan = GuestPlan()
    toolchain: Toolchain = Toolchain()
    blame: bool = True
    """after a failure that the base does not have, find the first patch that fails"""
    symbols: bool = True
    """find file, line and inlined calls for the stack of each failed case's first report"""

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles of ``kconfig``."""
        return (self.kconfig,) if isinstance(self.kconfig, str) else self.kconfig

    @property
    def matrix(self) -> tuple[tuple[str, str], ...]:
        """Profile and interface of each cell of a kernel."""
        product = ((profile, iface) for profile in self.profiles for iface in self.ifaces)
        return tuple(pair for pair in product if not self.cells or "-".join(pair) in self.cells)


def load_plan(path: Path) -> Plan:
    """Read a plan. Paths in it are relative to its own directory. UserError: see harness.tables.load."""
    plan = load(path, Plan)
    check_plan(plan, path)
    return msgspec.structs.replace(
        plan,
        tree=plan.tree and tree_from(path.parent, plan.tree),
        series=plan.series and series_from(path.parent, plan.series),
    )


def check_plan(plan: Plan, path: Path) -> None:
    """UserError, naming the file *path*, for a plan whose parts do not go together."""
    for names in (plan.ifaces, plan.workloads, plan.external, plan.profiles):
        if len(set(names)) != len(names):
            raise UserError(f"{path}: an interface, a workload or a profile is named twice; name each once")
    if not plan.profiles:
        raise UserError(f"{path}: kconfig names no profile; name one of configs/kconfig/profiles.yaml")
    unknown = sorted(set(plan.cells) - {"-".join(pair) for pair in plan.matrix})
    if unknown:
        raise UserError(f"{path}: cells: {unknown[0]!r} is no PROFILE-IFACE of kconfig and ifaces")


def require_given(plan: Plan, path: Path) -> None:
    """UserError, naming the option and where such a thing comes from, for what *plan* asks its user for."""
    for name, given, where in (
        ("tree", plan.tree, plan.ask.tree or "a kernel tree to work on, or 'debian'"),
        ("series", plan.series or not plan.ask.series, plan.ask.series),
    ):
        if not given:
            raise UserError(f"{path}: give --{name}: {' '.join(where.split())}")


def tree_from(directory: Path, given: str) -> str:
    """What the user calls a tree, with paths made absolute that are relative to *directory*.

    UserError for an address with a password in it, before it gets into anything that is kept.
    """
    refuse_credentials(given)
    if given == "debian" or is_address(given):
        return given
    repository, at, revision = given.rpartition("@")
    if at and not _beside(directory, given).exists() and _beside(directory, repository).is_dir():
        return f"{_beside(directory, repository)}@{revision}"
    return str(_beside(directory, given))


def series_from(directory: Path, given: str) -> str:
    """What the user calls a series, with paths made absolute that are relative to *directory*.

    ``A..B`` alone is a range of the repository that *directory* lies in. UserError as for :func:`tree_from`.
    """
    refuse_credentials(given)
    path = _beside(directory, given)
    if _ELSEWHERE.match(given) or path.exists():
        return given if _ELSEWHERE.match(given) else str(path)
    repository, at, revisions = given.rpartition("@")
    if at and ".." in revisions and _beside(directory, repository).is_dir():
        return f"{_beside(directory, repository)}@{revisions}"
    if ".." in given and not given.startswith((".", "/", "~")):
        return f"{directory.resolve()}@{given}"
    return str(path)


def _beside(directory: Path, given: str) -> Path:
    return (directory / Path(given).expanduser()).resolve()
