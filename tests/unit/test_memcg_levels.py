# SPDX-License-Identifier: GPL-2.0-only
"""Statistics against lists and against each other, and what is left at rest: fired, and kept quiet."""

from __future__ import annotations

import pytest

from harness.memcg.record import Work
from harness.memcg.stream import CaseStream
from tests.unit.memcg_sample import PAGE, V2627, begin, case, judged, kept, sample, v1, v2

MIB = 1 << 20
WAITING = (2 * 15 + (2 + 2) * 32) * PAGE
"""not yet listed, and under reclaim, on 2 CPUs with 2 workers and 2 nodes"""


def found(files: dict[str, str], name: str, first: str = "v2") -> bool:
    return kept(case(begin(first), [sample("run", files) for _ in range(8)]), name)


@pytest.mark.parametrize(("over", "kept_then"), [(0, True), (WAITING, True), (WAITING + PAGE, False)])
def test_a_page_in_a_statistic_is_on_a_list(over: int, kept_then: bool) -> None:
    sound = {"inactive_anon": 8 * MIB, "shmem": MIB, "inactive_file": 4 * MIB}
    anon = v2(0, None, **sound, anon=7 * MIB + over, file=5 * MIB)
    assert found(anon, "anon-on-lists") is kept_then
    assert found(anon, "statistics-on-lists") is kept_then
    file = v2(0, None, **sound, anon=7 * MIB, file=5 * MIB + over)
    assert found(file, "files-on-lists") is kept_then
    old = v1(inactive_anon=8 * MIB, rss=8 * MIB + over)
    assert found(old, "statistics-on-lists", "v1") is kept_then


def test_anonymous_memory_counted_as_file_is_seen_though_the_sum_is_right() -> None:
    files = v2(inactive_anon=8 * MIB, file=8 * MIB)
    assert found(files, "statistics-on-lists")
    assert not found(files, "files-on-lists")
    assert not found(v2(inactive_file=8 * MIB, anon=8 * MIB), "anon-on-lists")


@pytest.mark.parametrize("key", ["unevictable", "pglazyfree"])
def test_mlock_and_lazily_freed_pages_are_on_other_lists(key: str) -> None:
    files = v2(0, None, inactive_file=8 * MIB, anon=8 * MIB, **{key: 4096})
    stream = case(begin(), [sample("run", files) for _ in range(8)])
    assert judged(stream, "anon-on-lists") is None
    assert judged(stream, "statistics-on-lists") is not None


def test_pages_on_lists_and_in_no_statistic_are_no_fault() -> None:
    files = v2(inactive_anon=20 * MIB, anon=MIB, inactive_file=8 * MIB, file=MIB)
    for name in ("statistics-on-lists", "anon-on-lists", "files-on-lists"):
        assert found(files, name)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("shared-within-file", "shmem"),
        ("mapped-within-file", "file_mapped"),
        ("dirty-within-file", "file_dirty"),
    ],
)
@pytest.mark.parametrize(("over", "kept_then"), [(128, True), (129, False)])
def test_a_part_is_within_the_whole(name: str, key: str, over: int, kept_then: bool) -> None:
    assert found(v2(0, None, file=MIB, **{key: MIB + over * PAGE}), name) is kept_then


@pytest.mark.parametrize(("below", "kept_then"), [(128, True), (129, False)])
def test_memory_and_swap_are_no_less_than_memory(below: int, kept_then: bool) -> None:
    files = v1(8 * MIB) | {"memory.memsw.usage_in_bytes": f"{8 * MIB - below * PAGE}\n"}
    assert found(files, "swap-never-negative", "v1") is kept_then


@pytest.mark.parametrize(("over", "kept_then"), [(0, True), (142, True), (143, False)])
def test_kernel_memory_with_a_name_is_charged(over: int, kept_then: bool) -> None:
    assert found(v2(kernel=MIB, slab=MIB + over * PAGE), "kernel-named-while-running") is kept_then


@pytest.mark.parametrize(("over", "kept_then"), [(14, True), (15, False), (-14, True), (-15, False)])
def test_kernel_memory_at_rest_has_a_name(over: int, kept_then: bool) -> None:
    files = v2(kernel=MIB + over * PAGE, slab=MIB)
    assert kept(case(begin(), [sample("rest", files)]), "kernel-named-at-rest") is kept_then
    assert judged(case(begin(own=1), [sample("rest", files)]), "kernel-named-at-rest") is None


@pytest.mark.parametrize(
    "key", ["anon", "file", "shmem", "file_mapped", "file_dirty", "file_writeback", "swapcached"]
)
def test_no_statistic_is_left_at_rest(key: str) -> None:
    clean = case(begin(), [sample("rest", v2())])
    check = judged(clean, "statistics-gone-at-rest")
    assert check is not None
    assert check.kept
    assert check.says.startswith("emptied, each of 12 statistics is 0 bytes above zero")
    left = judged(case(begin(), [sample("rest", v2(0, None, **{key: PAGE}))]), "statistics-gone-at-rest")
    assert left is not None
    assert not left.kept
    assert f"memory.stat:{key} is 4096 bytes above zero" in left.says


def test_a_statistic_that_wrapped_is_seen() -> None:
    files = v1(rss=(1 << 64) - PAGE)
    check = judged(case(begin("v1"), [sample("rest", files)]), "statistics-gone-at-rest")
    assert check is not None
    assert not check.kept


def test_what_is_left_in_a_group_that_was_kept_is_its_own() -> None:
    stream = case(begin(kept=1), [sample("rest", v2(file=PAGE))])
    assert judged(stream, "statistics-gone-at-rest") is None


def test_a_group_is_born_empty() -> None:
    assert kept(case(begin(), [sample("born", v2())]), "empty-at-birth")
    assert not kept(case(begin(), [sample("born", v2(PAGE))]), "empty-at-birth")
    assert not kept(case(begin("v1"), [sample("born", v1(PAGE))]), "empty-at-birth", V2627)


@pytest.mark.parametrize(("paged", "kept_then"), [(0, True), (1, False), (-128, True), (-129, False)])
def test_each_page_that_came_in_went_out(paged: int, kept_then: bool) -> None:
    files = v1(pgpgin=5000 + paged, pgpgout=5000)
    assert kept(case(begin("v1"), [sample("rest", files)]), "paged-in-at-rest") is kept_then


def test_huge_pages_come_in_once_and_go_out_in_pieces() -> None:
    samples = [sample("run", v1(rss_huge=2 * MIB)), sample("rest", v1(pgpgin=5, pgpgout=900))]
    assert judged(case(begin("v1"), samples), "paged-in-at-rest") is None


def test_v1_with_groups_below_is_held_against_the_lists_of_all() -> None:
    files = v1(8 * MIB, total_inactive_anon=8 * MIB)
    own = case(begin("v1", own=1), [sample("exit", files)])
    assert kept(own, "parts-at-rest")
    assert not kept(case(begin("v1"), [sample("exit", files)]), "parts-at-rest")
    late = v1(8 * MIB, total_inactive_anon=8 * MIB - (128 + 30 + 384 + 1) * PAGE)
    assert not kept(case(begin("v1", own=1), [sample("exit", late)]), "parts-at-rest")


@pytest.mark.parametrize(("moved", "asked"), [("7", False), ("0", True)])
def test_charges_that_move_with_their_task_are_made_twice_meanwhile(moved: str, asked: bool) -> None:
    work = Work(worker=0, exit=0, signal=0, facts={"charges_moved": moved})
    samples = [sample("run", v1(8 * MIB, total_inactive_anon=8 * MIB)) for _ in range(8)]
    check = judged(case(begin("v1", own=1), samples, [work]), "parts-while-running")
    assert (check is not None) is asked


def _moved(over: int, samples: int = 2, *, gone_between: bool = False) -> CaseStream:
    """A group below that has *over* bytes in its statistics and not on its lists."""
    below = v2(inactive_anon=MIB, anon=MIB + over)
    some = [sample("run", v2(), float(at), a=below) for at in range(samples)]
    if gone_between:
        some.insert(1, sample("run", v2(), 0.5))
    return case(begin(own=1), some)


@pytest.mark.parametrize(("over", "kept_then"), [(0, True), (WAITING, True), (WAITING + PAGE, False)])
def test_statistics_that_stay_in_the_group_a_page_left_are_seen(over: int, kept_then: bool) -> None:
    assert kept(_moved(over), "statistics-on-lists-below") is kept_then
    check = judged(_moved(4 * MIB), "statistics-on-lists-below")
    assert check is not None
    assert "statistics of a stays" in check.says


def test_a_group_below_that_was_never_there_twice_running_is_not_asked() -> None:
    assert judged(_moved(4 * MIB, samples=1), "statistics-on-lists-below") is None
    assert judged(_moved(4 * MIB, gone_between=True), "statistics-on-lists-below") is None
    assert judged(case(begin(), [sample("run", v2())] * 3), "statistics-on-lists-below") is None


@pytest.mark.parametrize(("parents", "kept_then"), [(8 * MIB, True), (9 * MIB, True), (4 * MIB, False)])
def test_what_is_below_is_in_the_parents_statistics(parents: int, kept_then: bool) -> None:
    below = v2(inactive_anon=4 * MIB)
    some = [sample("run", v2(inactive_anon=parents), float(at), a=below, b=below) for at in range(6)]
    assert kept(case(begin(own=1), some), "statistics-below-in-parent") is kept_then
    assert judged(case(begin(own=1), some[:5]), "statistics-below-in-parent") is None


def test_what_comes_in_between_two_reads_is_not_lost() -> None:
    some = [
        sample("run", v2(inactive_anon=at * MIB), float(at), a=v2(inactive_anon=at * MIB + MIB // 2))
        for at in range(6)
    ]
    assert kept(case(begin(own=1), some), "statistics-below-in-parent")


@pytest.mark.parametrize("fact", ["actions", "bogo_ops", "parts_dropped"])
def test_huge_pages_that_were_split_between_samples_go_out_in_pieces(fact: str) -> None:
    """As mixed, stress-ng and thp say what they did."""
    rest = [sample("rest", v1(MIB, pgpgin=1, pgpgout=0))]
    told = (Work(worker=0, exit=0, signal=0, facts={fact: "3"}),)
    assert not kept(case(begin("v1"), rest), "paged-in-at-rest")
    assert judged(case(begin("v1"), rest, told), "paged-in-at-rest") is None
