# SPDX-License-Identifier: GPL-2.0-only
"""What must hold of a group's counters, measured on one case. The rules are rows of configs/memcg.yaml."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.memcg import counts, drift, hosts, levels, life, parents
from harness.memcg.interface import Rule, Table, at_least, interface, read, shipped
from harness.memcg.measure import Measure, Measured, TooFew, Unasked, Unmeasured
from harness.memcg.model import Check
from harness.memcg.stream import CaseStream
from harness.tree.model import Version


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """The checks that were made, and those that should have been: ``name: why not``."""

    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    """those for which too few samples were taken, on a slow machine or in a short case: ``name: how many``"""


def judge(
    stream: CaseStream,
    kernel: Version,
    settle_ms: float,
    table: Table | None = None,
    moves: tuple[str, ...] = (),
) -> Accounting:
    """Make every check that applies to *stream*'s interface and to *kernel*.

    *settle_ms* is the time that the group was given to come to rest; *moves* names the events that the
    workload brings about. A check that applies but could not be made is in ``missing``, never among the kept.
    """
    table = table or shipped()
    if stream.begin is None:
        return Accounting(checks=(), missing=("everything: the stream has no beginning",))
    if stream.begin.iface not in {row.name for row in table.interfaces}:
        return Accounting(checks=(), missing=(f"everything: no such interface {stream.begin.iface!r}",))
    row = interface(table, stream.begin.iface)
    case = Measured(stream, stream.begin, kernel, settle_ms, table, row, moves)
    checks = []
    missing = []
    short = []
    for rule in table.checks:
        if not _applies(rule, case):
            continue
        try:
            checks.append(MEASURES[rule.measure](rule, case))
        except Unasked:
            continue
        except TooFew as why:
            short.append(f"{rule.name}: {why}")
        except Unmeasured as why:
            missing.append(f"{rule.name}: {why}")
    return Accounting(checks=tuple(checks), missing=tuple(missing), short=tuple(short))


def _applies(rule: Rule, case: Measured) -> bool:
    begin = case.begin
    return (
        begin.iface in rule.iface
        and rule.group in ("any", "kept" if begin.kept else "emptied")
        and rule.own in ("any", "yes" if begin.own else "no")
        and (not rule.since or at_least(case.kernel, rule.since))
        and not (rule.until and at_least(case.kernel, rule.until))
        and not any(number for entry in rule.without for number in case.series(entry))
        and not any(work.facts.get(fact, "0") != "0" for fact in rule.unless for work in case.stream.work)
        and (not rule.where or any(_is_there(sample.files, rule.where) for sample in case.stream.samples))
    )


def _is_there(files: Mapping[str, str], entry: str) -> bool:
    name, _, key = entry.partition(":")
    return name in files and (not key or read(files, entry) is not None)


MEASURES: dict[str, Measure] = {
    "at-stage": levels.at_stage,
    "while-running": levels.while_running,
    "gone": levels.gone,
    "limit-kept": levels.limit_kept,
    "limit-counted": levels.limit_counted,
    "peak-covers": levels.peak_covers,
    "rmdir-in-time": life.rmdir_in_time,
    "no-dying-groups": life.no_dying_groups,
    "page-cgroups-back": life.page_cgroups_back,
    "host-wide": hosts.host_wide,
    "memory-kept": hosts.memory_kept,
    "below-against-parent": parents.below_against_parent,
    "below-while-running": parents.below_while_running,
    "below-in-parent": parents.below_in_parent,
    "only-rise": counts.only_rise,
    "moved": counts.moved,
    "oom-told": counts.oom_told,
    "reach-parent": counts.reach_parent,
    "drift": drift.drift,
}
