# SPDX-License-Identifier: GPL-2.0-only
"""The controller's interfaces as configs/memcg.yaml has them: files, quantities, and how to read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec

from harness.errors import UserError
from harness.memcg.record import Sample
from harness.paths import CONFIGS
from harness.span import covers
from harness.tables import load
from harness.tree.model import Version

UNLIMITED = (1 << 63) - 1
"""what ``max`` is read as; v1 writes nearly the same number, PAGE_COUNTER_MAX in bytes"""

_FILES = 2048
"""contents that are kept as read: each check reads a case's samples anew"""
_NUMBER = re.compile(r"-?\d{1,20}")


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a group."""

    name: str
    means: str
    unit: Literal["bytes", "events", "many"]
    """``many``: lines of key and number"""
    sampled: bool = True
    source: str
    """where the kernel writes it"""


class Quantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a group has, in bytes: the sum of what is there of ``adds``, less ``takes``.

    An entry is a file, or ``FILE:KEY``.
    """

    name: str
    adds: tuple[str, ...]
    takes: tuple[str, ...] = ()
    unit: Literal["bytes", "pages"] = "bytes"
    """what the entries count in; the quantity is in bytes"""
    absent: Literal["unknown", "zero"] = "unknown"
    """what it is where the kernel has none of ``adds``"""


class Interface(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One generation."""

    name: Literal["v1", "v2"]
    since: str
    """the first kernel that has it"""
    files: tuple[File, ...]
    """in the order in which they are read, which the invariants count on"""
    quantities: tuple[Quantity, ...]


class Size(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many pages, for kernels from ``since`` on (up to the next entry's)."""

    since: str
    pages: int
    source: str


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place where pages may be that one counter has seen and the other has not."""

    name: str
    what: str
    iface: tuple[Literal["v1", "v2"], ...] = ("v1", "v2")
    per: tuple[Literal["cpu", "node", "worker", "isolated"], ...]
    """so many pages for each of these; ``isolated``: each page that the workers' fact ``isolated`` counts"""
    times: tuple[Literal["cpu", "node", "worker"], ...] = ()
    """and that once more for each of these"""
    side: Literal["over", "both"]
    """``over``: can only make the measured value larger; ``both``: either way"""
    sizes: tuple[Size, ...]
    """oldest first; kernels before the first have none"""
    seen: str = ""
    """an entry of the group's files; where no sample has it above zero, the term allows nothing"""
    drained_by: tuple[str, ...] = ()
    """steps of the case that empty it"""
    drained: Literal["empty", "kernel"] = "empty"
    """what may be in it afterwards: nothing, or the kernel memory that the group had without tasks"""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One invariant."""

    name: str
    measure: str
    """a function of harness/memcg/invariants.py"""
    iface: tuple[Literal["v1", "v2"], ...] = ("v1", "v2")
    since: str = ""
    until: str = ""
    """the first kernel to which it does not apply"""
    where: str = ""
    """a file that kernels may lack by configuration; without it the check does not apply"""
    own: Literal["any", "no", "yes"] = "any"
    """applies to a group with groups below that the workers made, or to one without"""
    without: tuple[str, ...] = ()
    """entries (``FILE:KEY``) that have to be zero all the time, or the check does not apply"""
    unless: tuple[str, ...] = ()
    """facts of the workers; where one is above zero, the check does not apply"""
    of: str = "usage"
    """the quantity that is held against parts"""
    parts: tuple[str, ...] = ("lists", "kernel")
    """the quantities that it is held against"""
    against: str = "the sum of its parts"
    """what they are called in a sentence"""
    side: Literal["both", "above", "below"] = "both"
    """where it must not be, seen from them"""
    stage: str = "exit"
    """of which the last sample counts, where one sample does"""
    group: Literal["any", "emptied", "kept"] = "any"
    """applies to a group that was emptied before it was removed, or to one that was removed with what
    the workload had left in it"""
    terms: tuple[str, ...] = ()
    samples: int = 0
    """neighbouring samples over which a difference has to last"""
    counters: tuple[str, ...] = ()
    meminfo: tuple[str, ...] = ()
    """lines of /proc/meminfo that add up to what ``counters`` of the root group are"""
    why: str


class Counter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an interface counts an event."""

    iface: Literal["v1", "v2"]
    since: str
    entry: str
    """``FILE`` or ``FILE:KEY``"""
    source: str


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a workload says that it makes happen; without a counter nobody can tell."""

    name: str
    means: str
    counters: tuple[Counter, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """configs/memcg.yaml."""

    interfaces: tuple[Interface, ...]
    terms: tuple[Term, ...]
    events: tuple[Event, ...] = ()
    checks: tuple[Rule, ...]


def load_table(path: Path = CONFIGS / "memcg.yaml") -> Table:
    """Read the table. UserError with file and row for a term or an interface that is not there."""
    table = load(path, Table)
    terms = {term.name for term in table.terms}
    for rule in table.checks:
        unknown = sorted(set(rule.terms) - terms)
        if unknown:
            raise UserError(f"{path}: check {rule.name!r}: {unknown[0]!r} is no term; name one that is")
    missing = {"v1", "v2"} - {row.name for row in table.interfaces}
    if missing:
        raise UserError(f"{path}: interface {sorted(missing)[0]!r} is missing; describe it")
    return table


@cache
def shipped() -> Table:
    """The table that comes with the project."""
    return load_table()


def files_to_sample(iface: str) -> tuple[str, ...]:
    """The files that memcg-case is to read, in this order; a kernel may lack some. KeyError: none such."""
    return tuple(file.name for file in interface(shipped(), iface).files if file.sampled)


def why_without(iface: str, kernel: Version) -> str:
    """Why *kernel* has no *iface*, or "" when it does."""
    since = interface(shipped(), iface).since
    text = kernel.text or f"{kernel.major}.{kernel.minor}.{kernel.patch}"
    return "" if at_least(kernel, since) else f"Linux {text} has no cgroup {iface}: it came with {since}"


def interface(table: Table, name: str) -> Interface:
    """The interface *name*; KeyError when there is none."""
    return {row.name: row for row in table.interfaces}[name]  # type: ignore[index]  # any name may be asked


def value(text: str) -> int | None:
    """The one number of a file; ``max`` is :data:`UNLIMITED`; None for anything else."""
    word = text.strip()
    if word == "max":
        return UNLIMITED
    return int(word) if _NUMBER.fullmatch(word) else None


@lru_cache(maxsize=_FILES)
def pairs(text: str) -> Mapping[str, int]:
    """A file of ``KEY NUMBER`` lines (memory.stat, memory.events, cpu.stat); other lines are passed over."""
    found = {}
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        number = value(rest)
        if key and number is not None:
            found[key] = number
    return MappingProxyType(found)


def numbers(text: str) -> int | dict[str, int] | None:
    """A file's contents as a number, or as numbers by key; None when it holds neither."""
    number = value(text)
    return number if number is not None else dict(pairs(text)) or None


def read(files: Mapping[str, str], entry: str) -> int | None:
    """``FILE`` or ``FILE:KEY`` out of one sample's files; None where it is not said."""
    name, _, key = entry.partition(":")
    text = files.get(name)
    if text is None:
        return None
    return pairs(text).get(key) if key else value(text)


def quantity(row: Interface, sample: Sample, name: str, page_size: int) -> int | None:
    """The quantity *name* in bytes at *sample*; None where the kernel does not say."""
    return amount(row, sample.files, name, page_size)


def amount(row: Interface, files: Mapping[str, str], name: str, page_size: int) -> int | None:
    """The quantity *name* in bytes as *files* of one group have it; None where they do not say."""
    wanted = next(each for each in row.quantities if each.name == name)
    adds = [number for entry in wanted.adds if (number := read(files, entry)) is not None]
    takes = [read(files, entry) for entry in wanted.takes]
    if not adds:
        return 0 if wanted.absent == "zero" else None
    if None in takes:
        return None
    size = page_size if wanted.unit == "pages" else 1
    return (sum(adds) - sum(number or 0 for number in takes)) * size


def at_least(kernel: Version, since: str) -> bool:
    """True when *kernel* is *since* (``6.1``, ``2.6.33``) or younger; a candidate counts as its release."""
    return covers(kernel.numbers, since, "")
