# SPDX-License-Identifier: GPL-2.0-only
"""The whole guest: what the root group's statistics say of all groups against /proc/meminfo."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.memcg.interface import Rule, pairs
from harness.memcg.measure import Measured, Unasked, Unmeasured, worst
from harness.memcg.model import Check
from harness.memcg.record import Host

_KILOBYTES = re.compile(r"(?m)^([A-Za-z()_]{1,40}): +(\d{1,15}) kB$")


def host_wide(rule: Rule, case: Measured) -> Check:
    """Pages that the root group's hierarchical statistics have against those that the nodes count.

    Each is counted in both at the same place (__mod_lruvec_state(), mm/memcontrol.c 6.1), whoever is
    charged. Of the moments before, at rest and after, the one that is farthest off is told.
    """
    hosts = (case.stream.before, case.stream.emptied, case.stream.after)
    told = [host for host in hosts if host is not None and host.files]
    if not told:
        raise Unasked
    found = [(_apart(rule, host, case.begin.page_size), host.stage) for host in told]
    measured, stage = worst(found)
    names = " and ".join(rule.meminfo)
    return case.in_bytes(
        rule, measured, f"{stage or 'always'}, {rule.against} is {{}} {names} of /proc/meminfo"
    )


def _apart(rule: Rule, host: Host, page_size: int) -> int:
    pages = root_pages(host, rule.counters, page_size)
    lines = _lines(host)
    if pages is None or not set(rule.meminfo) <= set(lines):
        raise Unmeasured(f"stage {host.stage!r}: the root group or /proc/meminfo does not say")
    return pages * page_size - sum(lines[name] for name in rule.meminfo)


def memory_kept(rule: Rule, case: Measured) -> Check:
    """Memory that is neither free nor in any of the kinds that /proc/meminfo names: no more than before.

    Pages on the CPUs' own free lists (per_cpu_pages) are free, though MemFree does not have them.
    """
    before, after = case.stream.before, case.stream.after
    if before is None or after is None or "pcp" not in before.files:
        raise Unasked
    kept = [_kept(rule, host, case.begin.page_size) for host in (before, after)]
    return case.in_bytes(
        rule, max(0, kept[1] - kept[0]), "memory that nobody names is {} what it was before the case"
    )


def _kept(rule: Rule, host: Host, page_size: int) -> int:
    lines = _lines(host)
    free = host.files.get("pcp", "").strip()
    missing = sorted({"MemTotal", "MemFree"} - set(lines))
    if missing or not free.isdecimal():
        raise Unmeasured(f"stage {host.stage!r}: /proc/meminfo or /proc/zoneinfo does not say")
    named = sum(lines.get(name, 0) for name in rule.meminfo)
    return lines["MemTotal"] - lines["MemFree"] - int(free) * page_size - named


def _lines(host: Host) -> dict[str, int]:
    """What /proc/meminfo has, in bytes."""
    return {name: int(number) * 1024 for name, number in _KILOBYTES.findall(host.files.get("meminfo", ""))}


def root_pages(host: Host, counters: Iterable[str], page_size: int) -> int | None:
    """Pages that the root group's memory.stat has under *counters*; None where one of them is missing."""
    statistics = pairs(host.files.get("memory.stat", ""))
    found = [statistics.get(name) for name in counters]
    return None if None in found else sum(number or 0 for number in found) // page_size
