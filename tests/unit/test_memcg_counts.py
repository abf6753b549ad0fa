# SPDX-License-Identifier: GPL-2.0-only
"""Events, hosts and groups below: each check made to fire, and to stay quiet."""

from __future__ import annotations

import pytest

from harness.memcg.record import Host, Work
from harness.tree.model import Version
from tests.unit.memcg_sample import (
    PAGE,
    V61,
    V2627,
    accounting,
    begin,
    case,
    judged,
    kept,
    sample,
    text,
    v1,
    v2,
)

LIMIT = 32 << 20
MIB = 1 << 20


def work(**facts: str) -> Work:
    return Work(worker=0, exit=0, signal=0, facts=facts)


@pytest.mark.parametrize(("count", "kept_then"), [(1, True), (0, False)])
@pytest.mark.parametrize("iface", ["v1", "v2"])
def test_what_the_workload_makes_happen_is_counted(iface: str, count: int, kept_then: bool) -> None:
    files = v2(events={"max": count}) if iface == "v2" else v1(failcnt=count)
    stream = case(begin(iface), [sample("exit", files)])
    assert kept(stream, "events-moved", moves=("limit",)) is kept_then


def test_one_event_of_two_that_stood_still_is_named() -> None:
    stream = case(begin(), [sample("exit", v2(events={"max": 1}))])
    check = judged(stream, "events-moved", moves=("limit", "oom-kill"))
    assert check is not None
    assert (check.kept, check.measured) == (False, 1)
    assert check.says == "not counted: oom-kill (memory.events:oom_kill)"


def test_an_event_that_the_interface_does_not_count_is_not_asked_for() -> None:
    stream = case(begin("v1"), [sample("exit", v1())])
    assert judged(stream, "events-moved", moves=("high",)) is None
    assert judged(stream, "events-moved", kernel=V2627, moves=("oom-kill",)) is None


def test_an_event_that_there_is_none_of_is_missing() -> None:
    stream = case(begin(), [sample("exit", v2())])
    missing = accounting(stream, moves=("limt",)).missing
    assert "events-moved: configs/memcg.yaml has no event 'limt'" in missing


@pytest.mark.parametrize(("counted", "saw", "kept_then"), [(3, "3", True), (2, "3", False), (4, "3", False)])
@pytest.mark.parametrize("iface", ["v1", "v2"])
def test_oom_kills_are_what_the_workers_saw(iface: str, counted: int, saw: str, kept_then: bool) -> None:
    files = v2(events={"oom_kill": counted}) if iface == "v2" else v1(oom_kill=counted)
    stream = case(begin(iface), [sample("exit", files)], [work(oom_kills=saw), work()])
    assert kept(stream, "events-counted") is kept_then


def test_nobody_who_saw_none_is_asked() -> None:
    stream = case(begin(), [sample("exit", v2(events={"oom_kill": 1}))], [work(), work()])
    assert judged(stream, "events-counted") is None
    own = case(begin("v1", own=1), [sample("exit", v1())], [work(oom_kills="3")])
    assert judged(own, "events-counted") is None


@pytest.mark.parametrize(("mine", "kept_then"), [(5, True), (6, True), (4, False)])
def test_events_reach_the_parent(mine: int, kept_then: bool) -> None:
    below = {"a": v2(events={"max": 2}), "b": v2(events={"max": 3}), "b__c": v2(events={"max": 3})}
    stream = case(begin(own=1), [sample("exit", v2(events={"max": mine}), 0.0, **below)])
    assert kept(stream, "events-reach-parent") is kept_then


def test_an_event_lost_one_level_down_is_named() -> None:
    below = {"b": v2(events={"oom": 1}), "b__c": v2(events={"oom": 3})}
    check = judged(
        case(begin(own=1), [sample("exit", v2(events={"oom": 3}), 0.0, **below)]), "events-reach-parent"
    )
    assert check is not None
    assert check.measured == 2
    assert check.says == "memory.events:oom of b is 1, of those below it 3"


@pytest.mark.parametrize(("counted", "kept_then"), [(0, False), (1, True)])
@pytest.mark.parametrize("iface", ["v1", "v2"])
def test_a_group_that_stays_full_met_its_limit(iface: str, counted: int, kept_then: bool) -> None:
    files = v2(LIMIT, events={"max": counted}) if iface == "v2" else v1(LIMIT, failcnt=counted)
    full = [sample("run", files) for _ in range(3)]
    assert kept(case(begin(iface), full), "limit-counted") is kept_then
    assert judged(case(begin(iface), full[:2]), "limit-counted") is None


@pytest.mark.parametrize(("peak", "kept_then"), [(4 * MIB, True), (3 * MIB, True), (3 * MIB - PAGE, False)])
def test_the_high_water_mark_covers_what_was_seen(peak: int, kept_then: bool) -> None:
    files = v2(4 * MIB) | {"memory.peak": f"{peak}\n"}
    check = judged(case(begin(), [sample("run", files)]), "peak-kept")
    assert check is not None
    assert check.kept is kept_then
    old = v1(4 * MIB) | {"memory.max_usage_in_bytes": f"{4 * MIB - PAGE}\n"}
    assert not kept(case(begin("v1"), [sample("run", old)]), "peak-kept", V2627)


def group(lists: int, own_stock: int = 0) -> dict[str, str]:
    return v2(lists + own_stock * PAGE, inactive_file=lists, file=lists)


@pytest.mark.parametrize(
    ("stock", "kept_then"), [(0, True), (158, True), (159, False), (-1, False), (-40, False)]
)
def test_a_parent_is_charged_for_those_below_it(stock: int, kept_then: bool) -> None:
    """10 MiB in each child, with 20 and 30 pages of stock; 4 MiB of the parent's own."""
    below = {"a": group(10 * MIB, 20), "b": group(10 * MIB, 30)}
    stream = case(begin(own=1), [sample("exit", group(24 * MIB, 50 + stock), 0.0, **below)])
    check = judged(stream, "below-against-parent")
    assert check is not None
    assert (check.kept, check.measured) == (kept_then, stock * PAGE)


def test_a_parent_without_children_is_not_asked() -> None:
    assert judged(case(begin(own=1), [sample("exit", group(MIB))]), "below-against-parent") is None


def test_children_that_are_gone_when_the_workload_ends_are_not_asked() -> None:
    stream = case(begin(own=1), [sample("run", group(MIB), a=group(MIB)), sample("exit", group(0))])
    assert judged(stream, "below-against-parent") is None
    assert judged(stream, "events-reach-parent") is None
    cut = case(begin(own=1), [sample("run", group(MIB), a=group(MIB))])
    assert [why for why in accounting(cut).missing if why.startswith("below-against-parent: no sample")]


def test_what_rcu_frees_between_two_reads_is_in_no_two_samples() -> None:
    """A child that was read 3 pages later than its parent, once."""
    torn, calm = (
        sample("exit", group(2 * MIB), a=group(2 * MIB, 3)),
        sample("exit", group(2 * MIB), a=group(2 * MIB)),
    )
    for samples, measured in (([torn, calm], 0), ([torn, torn], -3 * PAGE)):
        check = judged(case(begin(own=1), samples), "below-against-parent")
        assert check is not None
        assert check.measured == measured


def test_a_charge_that_is_lost_two_levels_down() -> None:
    below = {"a": group(MIB), "a__b": group(MIB, 40)}
    check = judged(case(begin(own=1), [sample("exit", group(MIB), 0.0, **below)]), "below-against-parent")
    assert check is not None
    assert (check.kept, check.measured) == (False, -40 * PAGE)
    assert "usage of a is" in check.says


def host(stage: str, anon: int, told: int, **files: str) -> Host:
    """/proc/meminfo with *told* pages of anonymous memory, the root's statistics with *anon*."""
    zero = "Cached: 0 kB\nBuffers: 0 kB\nMapped: 0 kB\nShmem: 0 kB\n"
    meminfo = f"MemTotal:    100000 kB\nAnonPages:   {told * 4} kB\n{zero}"
    stat = {"anon": anon * PAGE, "file": 0, "file_mapped": 0, "shmem": 0}
    kept_files = {"meminfo": meminfo, "memory.stat": text(stat), **files}
    return Host(stage=stage, ms=0, cgroups=1, dying=0, files=kept_files)


@pytest.mark.parametrize(
    ("off", "kept_then"), [(0, True), (884, True), (-884, True), (885, False), (-885, False)]
)
@pytest.mark.parametrize("stage", ["before", "rest", "after"])
def test_all_groups_together_against_the_nodes(stage: str, off: int, kept_then: bool) -> None:
    hosts = {name: host(name, 5000, 5000) for name in ("before", "rest", "after")}
    hosts[stage] = host(stage, 5000 + off, 5000)
    check = judged(case(begin(), [], (), **hosts), "host-anon")
    assert check is not None
    assert (check.kept, check.measured) == (kept_then, off * PAGE)
    assert check.terms.startswith("2 nodes x 2 CPUs x 125 pages") or check.terms.startswith("2 CPUs x 192")


def test_an_older_stream_says_nothing_of_the_host() -> None:
    bare = Host(stage="before", ms=0, cgroups=1, dying=0)
    found = accounting(case(begin(), [], before=bare, after=bare))
    assert not [check for check in found.checks if check.name.startswith("host")]
    assert not [why for why in found.missing if why.startswith("host")]


def test_a_host_that_does_not_say_is_missing() -> None:
    silent = Host(stage="after", ms=0, cgroups=1, dying=0, files={"meminfo": "nonsense"})
    missing = accounting(case(begin(), [], after=silent)).missing
    assert len([why for why in missing if why.startswith("host-")]) == 4


def with_memory(stage: str, free: int, pcp: int, anon: int, vmalloc: int = 0) -> Host:
    """A guest of 100,000 pages, so many of them free, on the CPUs' own lists, and in use by name."""
    lines = {"MemTotal": 100_000, "MemFree": free, "AnonPages": anon, "VmallocUsed": vmalloc}
    meminfo = "".join(f"{name}: {pages * 4} kB\n" for name, pages in lines.items())
    return Host(stage=stage, ms=0, cgroups=1, dying=0, files={"meminfo": meminfo, "pcp": f"{pcp}"})


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        (with_memory("after", 90_000, 100, 5_000), 0),
        (with_memory("after", 85_000, 5_100, 5_000), 0),
        (with_memory("after", 89_000, 100, 5_500, 500), 0),
        (with_memory("after", 88_720, 100, 5_000), 1280),
        (with_memory("after", 88_719, 100, 5_000), 1281),
        (with_memory("after", 95_000, 100, 5_000), 0),
    ],
)
def test_memory_that_is_neither_free_nor_named_is_lost(after: Host, lost: int) -> None:
    check = judged(
        case(begin(), [], before=with_memory("before", 90_000, 100, 5_000), after=after), "memory-not-lost"
    )
    assert check is not None
    assert (check.measured, check.kept) == (lost * PAGE, lost <= 1280)


@pytest.mark.parametrize("pcp", ["", "x"])
def test_free_lists_that_cannot_be_read_are_missing(pcp: str) -> None:
    odd = Host(
        stage="before",
        ms=0,
        cgroups=1,
        dying=0,
        files={"meminfo": "MemTotal: 1 kB\nMemFree: 1 kB\n", "pcp": pcp},
    )
    found = accounting(case(begin(), [], before=odd, after=odd))
    assert [why for why in found.missing if why.startswith("memory-not-lost")]


def of_2008(stage: str, page_cgroups: int, charged: int) -> Host:
    stat = text({"cache": charged * PAGE, "rss": 0})
    return Host(
        stage=stage, ms=0, cgroups=1, dying=-1, files={"memory.stat": stat, "page_cgroup": f"{page_cgroups}"}
    )


POISON = 0x6B6B6B6B6B6B6B6B
"""where 2.6.27-rc3's SLUB starts to count when it poisons: the counter was not set"""


@pytest.mark.parametrize("start", [0, POISON])
@pytest.mark.parametrize(("more", "kept_then"), [(0, True), (204, True), (205, False), (-300, True)])
def test_descriptors_are_given_back(start: int, more: int, kept_then: bool) -> None:
    """The root group grew by 50 pages in between, which have descriptors by right."""
    hosts = {
        "before": of_2008("before", start + 1000, 900),
        "after": of_2008("after", start + 1050 + more, 950),
    }
    stream = case(begin("v1"), [], (), **hosts)
    assert kept(stream, "page-cgroups-back", V2627) is kept_then
    assert judged(stream, "page-cgroups-back", V61) is None
    assert judged(stream, "page-cgroups-back", Version(2, 6, 29)) is None
