# SPDX-License-Identifier: GPL-2.0-only
"""What must hold of a group's counters, measured on one case. The rules are rows of configs/memcg.yaml."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from harness.memcg.interface import Interface, Rule, Table, at_least, interface, quantity, read, shipped
from harness.memcg.model import Check
from harness.memcg.record import Begin, Host, Sample
from harness.memcg.stream import CaseStream
from harness.memcg.tolerance import Tolerance, tolerance
from harness.tree.model import Version


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """The checks that were made, and those that should have been: ``name: why not``."""

    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()


class Unmeasured(Exception):
    """A check could not be made; the message says why. Stays within this file."""


@dataclass(frozen=True)
class _Case:
    stream: CaseStream
    begin: Begin
    kernel: Version
    settle_ms: float
    table: Table
    row: Interface

    def last(self, stage: str) -> Sample:
        samples = self.stream.at(stage)
        if not samples:
            raise Unmeasured(f"no sample at stage {stage!r}")
        return samples[-1]

    def amount(self, sample: Sample, name: str) -> int:
        number = quantity(self.row, sample, name, self.begin.page_size)
        if number is None:
            raise Unmeasured(f"{name} cannot be read at {sample.ms:.0f} ms, stage {sample.stage!r}")
        return number

    def apart(self, rule: Rule, sample: Sample) -> int:
        """Bytes by which usage is above the sum of its parts."""
        return self.amount(sample, "usage") - sum(self.amount(sample, name) for name in rule.parts)

    def allowed(self, rule: Rule, *, under: bool) -> Tolerance:
        terms = tuple(term for term in self.table.terms if term.name in rule.terms)
        idle = (*self.stream.at("exit"), *self.stream.at("rest"))
        size = self.begin.page_size
        held = max((quantity(self.row, sample, "kernel", size) or 0 for sample in idle), default=0)
        return tolerance(terms, self.stream, self.begin, self.kernel, held=held, under=under)


def judge(stream: CaseStream, kernel: Version, settle_ms: float, table: Table | None = None) -> Accounting:
    """Make every check that applies to *stream*'s interface and to *kernel*.

    *settle_ms* is the time that the group was given to come to rest. A check that applies but
    could not be made is in ``missing``, never among the kept.
    """
    table = table or shipped()
    if stream.begin is None:
        return Accounting(checks=(), missing=("everything: the stream has no beginning",))
    if stream.begin.iface not in {row.name for row in table.interfaces}:
        return Accounting(checks=(), missing=(f"everything: no such interface {stream.begin.iface!r}",))
    row = interface(table, stream.begin.iface)
    case = _Case(stream, stream.begin, kernel, settle_ms, table, row)
    checks = []
    missing = []
    for rule in table.checks:
        if not _applies(rule, case):
            continue
        try:
            checks.append(_MEASURES[rule.measure](rule, case))
        except Unmeasured as why:
            missing.append(f"{rule.name}: {why}")
    return Accounting(checks=tuple(checks), missing=tuple(missing))


def _applies(rule: Rule, case: _Case) -> bool:
    if case.begin.iface not in rule.iface:
        return False
    if rule.group != "any" and (rule.group == "kept") != bool(case.begin.kept):
        return False
    if rule.since and not at_least(case.kernel, rule.since):
        return False
    if rule.until and at_least(case.kernel, rule.until):
        return False
    return not rule.where or any(rule.where in sample.files for sample in case.stream.samples)


def _parts_at_rest(rule: Rule, case: _Case) -> Check:
    """Usage against its parts once the workload has ended and nothing moves."""
    return _bytes(
        rule, case, case.apart(rule, case.last("exit")), f"after the workload, usage is {{}} {rule.against}"
    )


def _parts_while_running(rule: Rule, case: _Case) -> Check:
    """Usage against its parts, the difference that lasted longest.

    The files are read one after the other while pages come and go, so that any one sample may be
    off by what moved in between. That has no bound but the limit; it does not last either. What
    counts is the least difference within so many neighbouring samples, all to the same side. While
    a group grows steadily, each sample is off to the same side by what grew between two reads:
    less than between two samples, so the least of those steps is allowed too.
    """
    samples = case.stream.at("run")
    if len(samples) < rule.samples:
        raise Unmeasured(f"{len(samples)} samples while running, {rule.samples} are needed")
    usage = [case.amount(sample, "usage") for sample in samples]
    apart = [case.apart(rule, sample) for sample in samples]
    windows = [slice(at, at + rule.samples) for at in range(len(samples) - rule.samples + 1)]
    lasting = [(_least(apart[window]), _step(usage[window])) for window in windows]
    measured, step = max(lasting, key=lambda found: abs(found[0]) - found[1])
    over = f"over {rule.samples} neighbouring samples"
    return _bytes(rule, case, measured, f"{over}, usage stays {{}} {rule.against}", moved=step)


def _least(window: Sequence[int]) -> int:
    """The difference that all of *window* have; none when they are not to one side."""
    return max(0, min(window)) + min(0, max(window))


def _step(window: Sequence[int]) -> int:
    """The smallest change from one sample to the next."""
    return min(abs(later - earlier) for earlier, later in pairwise(window))


def _usage_at_rest(rule: Rule, case: _Case) -> Check:
    """Emptied and settled: nothing but kernel memory that the kernel still names."""
    sample = case.last("rest")
    measured = case.amount(sample, "usage") - case.amount(sample, "kernel")
    return _bytes(rule, case, measured, "emptied, usage is {} the kernel memory still charged")


def _swap_at_rest(rule: Rule, case: _Case) -> Check:
    """Emptied and settled: no swap is charged."""
    return _bytes(rule, case, case.amount(case.last("rest"), "swap"), "emptied, swap charged is {} zero")


def _limit_kept(rule: Rule, case: _Case) -> Check:
    """The most that was ever seen, by us or by the kernel's own high-water mark, against the limit."""
    samples = [sample for sample in case.stream.samples if sample.stage != "born"]
    seen = [
        number
        for sample in samples
        for name in ("usage", "peak")
        if (number := quantity(case.row, sample, name, case.begin.page_size)) is not None
    ]
    if not seen:
        raise Unmeasured("usage was not sampled")
    if not case.begin.limit:
        raise Unmeasured("the case set no limit")
    return _bytes(rule, case, max(0, max(seen) - case.begin.limit), "usage went {} the limit")


def _bytes(rule: Rule, case: _Case, measured: int, sentence: str, moved: int = 0) -> Check:
    """A check in bytes whose expected value is zero."""
    allowed = case.allowed(rule, under=measured < 0)
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


def _rmdir_in_time(rule: Rule, case: _Case) -> Check:
    step = case.stream.last_step("rmdir")
    if step is None:
        raise Unmeasured("the case did not come to rmdir")
    failed = errno.errorcode.get(step.errno, str(step.errno)) if step.errno else ""
    return Check(
        name=rule.name,
        kept=not failed and step.took_ms <= case.settle_ms,
        measured=step.took_ms,
        expected=0,
        tolerance=case.settle_ms,
        unit="ms",
        terms=f"the settle time, {case.settle_ms:.0f} ms",
        says=f"rmdir {f'failed with {failed}' if failed else 'succeeded'} after {step.took_ms:.1f} ms",
    )


def _no_dying_groups(rule: Rule, case: _Case) -> Check:
    before, after = case.stream.before, case.stream.after
    if before is None or after is None:
        raise Unmeasured("the guest's groups were not counted before and after")
    grown = [count for count in _growth(before, after) if count is not None]
    if not grown:
        raise Unmeasured("neither /proc/cgroups nor cgroup.stat says how many groups there are")
    measured = max(0, *grown)
    return Check(
        name=rule.name,
        kept=measured == 0,
        measured=measured,
        expected=0,
        tolerance=0,
        unit="groups",
        terms="none: the group was removed and given the settle time to die",
        says=f"{measured} more groups than before (num_cgroups {before.cgroups} -> {after.cgroups}, "
        f"nr_dying_descendants {before.dying} -> {after.dying})",
    )


def _growth(before: Host, after: Host) -> tuple[int | None, int | None]:
    """How many more groups, and dying groups, there are; None where the interface does not say."""
    pairs = ((before.cgroups, after.cgroups), (before.dying, after.dying))
    groups, dying = (None if min(pair) < 0 else pair[1] - pair[0] for pair in pairs)
    return groups, dying


def _only_rise(rule: Rule, case: _Case) -> Check:
    worst, which = 0, ""
    known = 0
    for entry in rule.counters:
        seen = [number for sample in case.stream.samples if (number := read(sample.files, entry)) is not None]
        known += len(seen) > 1
        for earlier, later in pairwise(seen):
            if earlier - later > worst:
                worst, which = earlier - later, f"{entry} fell from {earlier} to {later}"
    if not known:
        raise Unmeasured(f"none of {', '.join(rule.counters)} was sampled twice")
    return Check(
        name=rule.name,
        kept=worst == 0,
        measured=worst,
        expected=0,
        tolerance=0,
        unit="events",
        terms="none: the kernel only ever adds to them",
        says=which or f"{known} counters never fell",
    )


_MEASURES: dict[str, Callable[[Rule, _Case], Check]] = {
    "parts-at-rest": _parts_at_rest,
    "parts-while-running": _parts_while_running,
    "usage-at-rest": _usage_at_rest,
    "swap-at-rest": _swap_at_rest,
    "limit-kept": _limit_kept,
    "rmdir-in-time": _rmdir_in_time,
    "no-dying-groups": _no_dying_groups,
    "only-rise": _only_rise,
}
