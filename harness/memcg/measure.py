# SPDX-License-Identifier: GPL-2.0-only
"""What every measure works on: one case on one kernel, what its counters say, and how far they may be off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.memcg.interface import Interface, Rule, Table, amount, quantity, read
from harness.memcg.model import Check
from harness.memcg.record import Begin, Sample
from harness.memcg.stream import CaseStream
from harness.memcg.tolerance import Tolerance, tolerance
from harness.tree.model import Version


class Unmeasured(Exception):
    """A check could not be made; the message says why. Stays within this room."""


class TooFew(Exception):
    """Too few samples were taken in the time that there was; the message says how many. Others were kept."""


class Unasked(Exception):
    """A check does not apply to this case after all. Stays within this room."""


@dataclass(frozen=True)
class Measured:
    """One case, and what it is judged by."""

    stream: CaseStream
    begin: Begin
    kernel: Version
    settle_ms: float
    table: Table
    row: Interface
    moves: tuple[str, ...] = ()
    """events that must have been counted"""

    def last(self, stage: str) -> Sample:
        """The last sample of *stage*; Unmeasured when there is none."""
        samples = self.stream.at(stage)
        if not samples:
            raise Unmeasured(f"no sample at stage {stage!r}")
        return samples[-1]

    def amount(self, sample: Sample, name: str) -> int:
        """The quantity *name* in bytes; Unmeasured where *sample* does not say."""
        number = quantity(self.row, sample, name, self.begin.page_size)
        if number is None:
            raise Unmeasured(f"{name} cannot be read at {sample.ms:.0f} ms, stage {sample.stage!r}")
        return number

    def apart(self, rule: Rule, sample: Sample) -> int:
        """Bytes by which what the rule is of is above the sum of its parts; to the rule's side only."""
        apart = self.amount(sample, rule.of) - sum(self.amount(sample, name) for name in rule.parts)
        return sided(rule, apart)

    def apart_of(self, rule: Rule, files: Mapping[str, str]) -> int | None:
        """The same of the files of one group, to both sides; None where they do not say."""
        size = self.begin.page_size
        found = [amount(self.row, files, name, size) for name in (rule.of, *rule.parts)]
        known = [number for number in found if number is not None]
        return known[0] - sum(known[1:]) if len(known) == len(found) else None

    def allowed(self, rule: Rule, *, under: bool) -> Tolerance:
        """What the rule's terms allow on this machine and kernel; *under*: for a value below the expected."""
        terms = tuple(term for term in self.table.terms if term.name in rule.terms)
        idle = (*self.stream.at("exit"), *self.stream.at("rest"))
        size = self.begin.page_size
        held = max((quantity(self.row, sample, "kernel", size) or 0 for sample in idle), default=0)
        return tolerance(terms, self.stream, self.begin, self.kernel, held=held, under=under)

    def in_bytes(self, rule: Rule, measured: int, sentence: str, *, moved: int = 0) -> Check:
        """A check in bytes whose expected value is zero; *sentence* has ``{}`` for "N bytes above".

        *moved* is allowed beyond the terms: what changed while the counters were read.
        """
        allowed = self.allowed(rule, under=measured < 0)
        size = allowed.size + moved
        kept = abs(measured) <= size
        where = f"{abs(measured)} bytes {'below' if measured < 0 else 'above'}"
        verdict = "within" if kept else "beyond"
        return Check(
            name=rule.name,
            kept=kept,
            measured=measured,
            expected=0,
            tolerance=size,
            unit="bytes",
            terms=allowed.terms + (f" + {moved} moved between neighbouring samples" if moved else ""),
            says=f"{sentence.format(where)}, {verdict} the {size} that are allowed",
        )

    def series(self, entry: str) -> Iterator[int]:
        """All values of a counter (``FILE:KEY``), in the order of the samples."""
        numbers = (read(sample.files, entry) for sample in self.stream.samples)
        return (number for number in numbers if number is not None)


def sided(rule: Rule, apart: int) -> int:
    """*apart*, or 0 where it is to a side that the rule does not ask about."""
    if rule.side == "above":
        return max(0, apart)
    return min(0, apart) if rule.side == "below" else apart


def exact(rule: Rule, measured: int, unit: str, says: str, why: str) -> Check:
    """A check that allows nothing, for the reason *why*."""
    return Check(
        name=rule.name,
        kept=measured == 0,
        measured=measured,
        expected=0,
        tolerance=0,
        unit=unit,
        terms=f"none: {why}",
        says=says,
    )


def worst(found: Iterable[tuple[int, str]]) -> tuple[int, str]:
    """The value that is farthest from zero, with what it is of; (0, "") when all are zero."""
    farthest = max(found, key=lambda each: abs(each[0]), default=(0, ""))
    return farthest if farthest[0] else (0, "")


Measure = Callable[[Rule, Measured], Check]
