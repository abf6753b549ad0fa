# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of a group: removed in time, not dying for ever, its descriptors given back."""

from __future__ import annotations

import errno

from harness.memcg.hosts import root_pages
from harness.memcg.interface import Rule
from harness.memcg.measure import Measured, Unasked, Unmeasured, exact
from harness.memcg.model import Check
from harness.memcg.record import Host

_WRAP = 1 << 64


def rmdir_in_time(rule: Rule, case: Measured) -> Check:
    """rmdir succeeded, within the time that the group was given to come to rest."""
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


def no_dying_groups(rule: Rule, case: Measured) -> Check:
    """The guest has no more groups, dying ones included, than before the case."""
    before, after = _around(case)
    grown = [count for count in _growth(before, after) if count is not None]
    if not grown:
        raise Unmeasured("neither /proc/cgroups nor cgroup.stat says how many groups there are")
    measured = max(0, *grown)
    says = (
        f"{measured} more groups than before (num_cgroups {before.cgroups} -> {after.cgroups}, "
        f"nr_dying_descendants {before.dying} -> {after.dying})"
    )
    return exact(rule, measured, "groups", says, "the group was removed and given the settle time to die")


def _around(case: Measured) -> tuple[Host, Host]:
    before, after = case.stream.before, case.stream.after
    if before is None or after is None:
        raise Unmeasured("the guest's groups were not counted before and after")
    return before, after


def _growth(before: Host, after: Host) -> tuple[int | None, int | None]:
    """How many more groups, and dying groups, there are; None where the interface does not say."""
    pairs = ((before.cgroups, after.cgroups), (before.dying, after.dying))
    groups, dying = (None if min(pair) < 0 else pair[1] - pair[0] for pair in pairs)
    return groups, dying


def page_cgroups_back(rule: Rule, case: Measured) -> Check:
    """Descriptors of charged pages: no more without a page than there were before.

    Each charged page of the guest has one (mem_cgroup_charge_common(), mm/memcontrol.c 2.6.27), so what is
    compared is their number less the pages that the root group is charged for. A constant is of no
    account: SLUB of that time counts from whatever was in its memory.
    """
    before, after = _around(case)
    spare = [_spare(host, case.begin.page_size) for host in (before, after)]
    if spare[0] is None or spare[1] is None:
        raise Unasked
    grown = (spare[1] - spare[0] + _WRAP // 2) % _WRAP - _WRAP // 2
    measured = max(0, grown) * case.begin.page_size
    return case.in_bytes(rule, measured, "page_cgroups without a page came to be, for {}")


def _spare(host: Host, page_size: int) -> int | None:
    text = host.files.get("page_cgroup", "").strip()
    charged = root_pages(host, ("cache", "rss"), page_size)
    return int(text) - charged if text.lstrip("-").isdecimal() and charged is not None else None
