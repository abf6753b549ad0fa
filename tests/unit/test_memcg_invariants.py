# SPDX-License-Identifier: GPL-2.0-only
"""Each check on real streams (kernel 6.1.192, 2 CPUs, 64 MiB) that keep it, and edited to its boundary."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.memcg.invariants import Accounting, judge
from harness.memcg.model import Check
from harness.memcg.record import Begin, Host, Sample, Step, Work
from harness.memcg.stream import CaseStream, read_records
from harness.tree.model import Version

DATA = Path(__file__).parent.parent / "data" / "memcg"
V61 = Version(6, 1, 192)
V2627 = Version(2, 6, 27)
V2633 = Version(2, 6, 33)
SETTLE = 15_000.0
PAGE = 4096
USAGE = {"v1": "memory.usage_in_bytes", "v2": "memory.current"}
PEAK = {"v1": "memory.max_usage_in_bytes", "v2": "memory.peak"}
NAMES = ["6.1-v1-anon-fork", "6.1-v1-shm", "6.1-v2-file"]


def stream(name: str) -> CaseStream:
    return read_records((DATA / f"{name}.jsonl").read_bytes().splitlines())


def check(accounting: Accounting, name: str) -> Check:
    return next(each for each in accounting.checks if each.name == name)


def iface(case: CaseStream) -> str:
    assert case.begin is not None
    return case.begin.iface


def edited(case: CaseStream, stage: str, change: Callable[[dict[str, str]], dict[str, str]]) -> CaseStream:
    samples = tuple(
        replace(sample, files=change(dict(sample.files))) if sample.stage == stage else sample
        for sample in case.samples
    )
    return replace(case, samples=samples)


def shifted(case: CaseStream, stage: str, file: str, by: int) -> CaseStream:
    return edited(case, stage, lambda files: files | {file: f"{int(files[file]) + by}\n"})


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_kernel_keeps_everything(name: str) -> None:
    accounting = judge(stream(name), V61, SETTLE)
    assert accounting.missing == ()
    assert [each.name for each in accounting.checks if not each.kept] == []
    common = {
        "empty-at-birth", "parts-at-rest", "parts-while-running", "usage-at-rest", "swap-at-rest",
        "limit-kept", "rmdir-in-time", "no-dying-groups", "counters-only-rise", "peak-kept",
        "statistics-on-lists", "shared-within-file", "mapped-within-file", "dirty-within-file",
        "statistics-gone-at-rest",
    }  # fmt: skip
    v1 = {"paged-in-at-rest", "swap-never-negative"}
    v2 = {"anon-on-lists", "files-on-lists", "kernel-named-at-rest", "kernel-named-while-running"}
    # Some streams are too short for a drift, some groups do not stay full.
    made = {each.name for each in accounting.checks} - {
        "limit-counted",
        "drift-of-parts",
        "drift-of-paged-in",
    }
    assert made == common | (v1 if "v1" in name else v2)
    for each in accounting.checks:
        assert each.kept == (abs(each.measured - each.expected) <= each.tolerance)


@pytest.mark.parametrize(
    ("name", "stage", "target"),
    [
        (name, stage, target)
        for name in NAMES
        for stage, target in [("exit", "parts-at-rest"), ("rest", "usage-at-rest")]
    ],
)
def test_usage_above_its_parts_to_the_page(name: str, stage: str, target: str) -> None:
    case = stream(name)
    now = check(judge(case, V61, SETTLE), target)
    room = int(now.tolerance - now.measured)
    file = USAGE[iface(case)]
    at = check(judge(shifted(case, stage, file, room), V61, SETTLE), target)
    assert at.kept
    assert at.measured == at.tolerance == now.tolerance
    beyond = check(judge(shifted(case, stage, file, room + PAGE), V61, SETTLE), target)
    assert not beyond.kept
    assert "beyond" in beyond.says


@pytest.mark.parametrize("name", NAMES)
def test_nothing_excuses_usage_below_its_parts(name: str) -> None:
    case = stream(name)
    now = check(judge(case, V61, SETTLE), "parts-at-rest")
    below = shifted(case, "exit", USAGE[iface(case)], -int(now.measured) - PAGE)
    after = check(judge(below, V61, SETTLE), "parts-at-rest")
    assert (after.kept, after.measured, after.tolerance) == (False, -PAGE, 0)


def test_the_terms_are_what_6_1_allows_on_two_cpus() -> None:
    terms = check(judge(stream("6.1-v2-file"), V61, SETTLE), "parts-at-rest").terms
    assert terms == (
        "2 CPUs x 64 pages of stock in use + 2 CPUs x 15 pages of pages not yet listed = 158 pages x 4096"
    )


def test_the_stock_was_half_as_large_before_6_1() -> None:
    terms = check(judge(stream("6.1-v2-file"), Version(5, 19, 0), SETTLE), "parts-at-rest").terms
    assert terms.startswith("2 CPUs x 32 pages of stock in use")


def told(case: CaseStream, **facts: str) -> str:
    """The terms of the check that goes on while workers run, when each of two also states *facts*."""
    work = tuple(Work(worker=worker, exit=0, signal=0, facts=facts) for worker in range(2))
    return check(judge(replace(case, work=work), V61, SETTLE), "parts-while-running").terms


def test_what_workers_say_of_themselves_is_allowed_for() -> None:
    case = stream("6.1-v2-file")
    assert "2 workers x 64 pages of charges under way" in told(case)
    assert "22 workers x 64 pages of charges under way" in told(case, tasks="11")
    assert "600 pages of the workers x 1 pages of pages under migration" in told(case, isolated="300")
    assert "migration" not in told(case)


def test_huge_pages_are_allowed_for_where_there_were_some() -> None:
    case = stream("6.1-v2-file")

    def huge(files: dict[str, str]) -> dict[str, str]:
        return files | {"memory.stat": files["memory.stat"].replace("anon_thp 0", "anon_thp 2097152")}

    assert "huge pages under way" not in told(case)
    assert "x 512 pages of huge pages under way" in told(edited(case, "run", huge))


def test_stock_that_was_not_drained_is_allowed_in_full() -> None:
    case = stream("6.1-v2-file")
    drained = check(judge(case, V61, SETTLE), "usage-at-rest")
    steps = tuple(replace(step, errno=16) if step.action == "drain" else step for step in case.steps)
    full = check(judge(replace(case, steps=steps), V61, SETTLE), "usage-at-rest")
    assert "(after drain)" in drained.terms
    assert (drained.tolerance, full.tolerance) == (21 * PAGE, 2 * 64 * PAGE)


@pytest.mark.parametrize("name", NAMES)
def test_a_difference_while_running_counts_when_it_lasts(name: str) -> None:
    case = stream(name)
    file = USAGE[iface(case)]
    lasting = check(judge(shifted(case, "run", file, 16 << 20), V61, SETTLE), "parts-while-running")
    assert not lasting.kept
    assert lasting.measured >= 16 << 20
    runs = [at for at, sample in enumerate(case.samples) if sample.stage == "run"]
    torn = list(case.samples)
    for at in runs[::7]:
        files = torn[at].files
        torn[at] = replace(torn[at], files=files | {file: str(int(files[file]) + (16 << 20))})
    assert check(judge(replace(case, samples=tuple(torn)), V61, SETTLE), "parts-while-running").kept


def steady(apart: int, step: int = 0) -> CaseStream:
    """Ten samples of v1 with usage *apart* pages above its parts, growing by *step* pages."""
    samples = tuple(
        Sample(
            stage="run",
            ms=100.0 * at,
            files={
                "memory.usage_in_bytes": str((10_000 + at * step + apart) * PAGE),
                "memory.stat": f"inactive_anon {(10_000 + at * step) * PAGE}\nactive_anon 0\n",
                "memory.kmem.usage_in_bytes": "0",
            },
        )
        for at in range(10)
    )
    begin = Begin(
        iface="v1", group="g", cpus=2, nodes=2, page_size=PAGE, limit=1 << 30, seconds=1, workers=2, seed=1
    )
    return CaseStream(begin=begin, samples=samples)


@pytest.mark.parametrize(
    ("apart", "step", "kept"),
    [
        (414, 0, True),
        (415, 0, False),
        (0, 0, True),
        (-1, 0, False),
        (-50, 50, True),
        (-51, 50, False),
        (465, 50, False),
    ],
)
def test_parts_while_running_to_the_page(apart: int, step: int, kept: bool) -> None:
    found = check(judge(steady(apart, step), V61, SETTLE), "parts-while-running")
    assert (found.measured, found.kept) == (apart * PAGE, kept)


def test_what_lasts_is_the_least_of_its_side() -> None:
    def by_turns(*apart: int) -> Check:
        samples = tuple(
            replace(
                sample,
                files=sample.files | {"memory.usage_in_bytes": str((10_000 + apart[at % len(apart)]) * PAGE)},
            )
            for at, sample in enumerate(steady(0).samples)
        )
        return check(judge(replace(steady(0), samples=samples), V61, SETTLE), "parts-while-running")

    assert by_turns(-60, -55).measured == -55 * PAGE
    assert by_turns(900, 800).measured == 800 * PAGE
    assert by_turns(-9000, 9000).measured == 0


def test_swap_that_cannot_be_told_is_missing() -> None:
    def without_usage(files: dict[str, str]) -> dict[str, str]:
        return {name: text for name, text in files.items() if name != USAGE["v1"]}

    accounting = judge(edited(stream(NAMES[0]), "rest", without_usage), V61, SETTLE)
    assert [why for why in accounting.missing if why.startswith("swap-at-rest: swap cannot be read")]


@pytest.mark.parametrize("name", NAMES)
def test_swap_is_given_back_to_the_page(name: str) -> None:
    case = stream(name)
    file = "memory.memsw.usage_in_bytes" if iface(case) == "v1" else "memory.swap.current"
    assert not check(judge(shifted(case, "rest", file, PAGE), V61, SETTLE), "swap-at-rest").kept
    kept = replace(case, steps=tuple(step for step in case.steps if step.action != "swapoff"))
    cached = 2 * 64 * PAGE
    assert check(judge(shifted(kept, "rest", file, cached), V61, SETTLE), "swap-at-rest").kept
    assert not check(judge(shifted(kept, "rest", file, cached + PAGE), V61, SETTLE), "swap-at-rest").kept


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("files", [USAGE, PEAK])
def test_the_limit_is_kept_to_the_page(name: str, files: dict[str, str]) -> None:
    case = stream(name)
    assert case.begin is not None
    file = files[case.begin.iface]
    slack = (2 + 2) * 64 * PAGE

    def seen(most: int) -> CaseStream:
        return edited(case, "exit", lambda old: old | {file: str(most)})

    assert check(judge(seen(case.begin.limit + slack), V61, SETTLE), "limit-kept").kept
    assert not check(judge(seen(case.begin.limit + slack + PAGE), V61, SETTLE), "limit-kept").kept


@pytest.mark.parametrize(
    ("errno", "took", "kept"),
    [(0, SETTLE, True), (0, SETTLE + 1, False), (16, 1.0, False), (9999, 1.0, False)],
)
def test_rmdir_succeeds_in_time(errno: int, took: float, kept: bool) -> None:
    case = stream(NAMES[0])
    step = Step(action="rmdir", ms=1.0, took_ms=took, errno=errno)
    found = check(judge(replace(case, steps=(*case.steps, step)), V61, SETTLE), "rmdir-in-time")
    assert found.kept is kept
    assert ("EBUSY" in found.says) is (errno == 16)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ((3, 0), (3, 0), True),
        ((3, 0), (4, 0), False),
        ((3, 0), (3, 1), False),
        ((3, 2), (3, 1), True),
        ((-1, 0), (-1, 1), False),
    ],
)
def test_no_group_stays_dying(before: tuple[int, int], after: tuple[int, int], kept: bool) -> None:
    case = replace(
        stream(NAMES[0]),
        before=Host(stage="before", ms=0, cgroups=before[0], dying=before[1]),
        after=Host(stage="after", ms=0, cgroups=after[0], dying=after[1]),
    )
    assert check(judge(case, V61, SETTLE), "no-dying-groups").kept is kept


@pytest.mark.parametrize(("name", "key"), [(NAMES[0], "pgpgin"), (NAMES[2], "pgfault")])
def test_counters_only_rise(name: str, key: str) -> None:
    case = stream(name)

    def lowered(files: dict[str, str]) -> dict[str, str]:
        return files | {"memory.stat": re.sub(rf"(?m)^{key} \d+", f"{key} 1", files["memory.stat"])}

    found = check(judge(edited(case, "rest", lowered), V61, SETTLE), "counters-only-rise")
    assert not found.kept
    assert f"memory.stat:{key} fell from" in found.says


def test_what_could_not_be_checked_is_missing_and_no_pass() -> None:
    case = stream("6.1-v2-file")
    cut = replace(case, samples=case.at("born") + case.at("run")[:3], steps=(), after=None, complete=False)
    accounting = judge(cut, V61, SETTLE)
    assert {reason.partition(":")[0] for reason in accounting.missing} == {
        "parts-at-rest", "usage-at-rest", "swap-at-rest", "rmdir-in-time", "no-dying-groups",
        "statistics-gone-at-rest", "kernel-named-at-rest",
    }  # fmt: skip
    assert {reason.partition(":")[0] for reason in accounting.short} == {
        "parts-while-running", "statistics-on-lists", "anon-on-lists", "files-on-lists", "shared-within-file",
        "mapped-within-file", "dirty-within-file", "kernel-named-while-running",
    }  # fmt: skip
    assert {each.name for each in accounting.checks} == {
        "empty-at-birth", "limit-kept", "counters-only-rise", "peak-kept",
    }  # fmt: skip


@pytest.mark.parametrize("text", [None, "", "nonsense", "anon 5\n"])
def test_statistics_that_cannot_be_read_are_missing(text: str | None) -> None:
    def broken(files: dict[str, str]) -> dict[str, str]:
        files.pop("memory.stat")
        return files if text is None else files | {"memory.stat": text}

    accounting = judge(edited(stream("6.1-v2-file"), "exit", broken), V61, SETTLE)
    assert [
        reason for reason in accounting.missing if reason.startswith("parts-at-rest: lists cannot be read")
    ]


def test_a_kernel_that_cannot_name_its_kernel_memory_is_not_asked() -> None:
    accounting = judge(stream("6.1-v2-file"), Version(5, 10, 0), SETTLE)
    assert accounting.missing == ()
    assert {"parts-at-rest", "usage-at-rest"}.isdisjoint(each.name for each in accounting.checks)


def test_swap_is_not_asked_for_where_it_is_not_accounted() -> None:
    case = stream(NAMES[0])
    for stage in ("born", "run", "exit", "rest"):
        case = edited(
            case, stage, lambda files: {name: text for name, text in files.items() if "memsw" not in name}
        )
    accounting = judge(case, V61, SETTLE)
    assert accounting.missing == ()
    assert "swap-at-rest" not in {each.name for each in accounting.checks}


def test_a_stream_without_beginning() -> None:
    assert judge(CaseStream(), V61, SETTLE) == Accounting(
        checks=(), missing=("everything: the stream has no beginning",)
    )


def of_2008(usage: int, lists: int, rss: int | None = None, paged: int | None = None) -> CaseStream:
    """What 2.6.27 says after a workload: no kernel memory, no swap accounting, two lists."""
    most = usage // 4096

    def sample(stage: str, usage: int, lists: int) -> Sample:
        counted = lists if rss is None or not lists else rss
        pages = most if paged is None else paged
        out = 5 if usage else pages + 5
        stat = f"cache 0\nrss {counted}\npgpgin {pages + 5}\npgpgout {out}\nactive {lists}\ninactive 0\n"
        files = {
            "memory.usage_in_bytes": f"{usage}\n",
            "memory.stat": stat,
            "memory.max_usage_in_bytes": f"{16 << 20}\n",
            "memory.failcnt": "3\n",
        }
        return Sample(stage=stage, ms=1.0, files=files)

    return replace(
        steady(0),
        begin=replace(steady(0).begin, limit=16 << 20),  # type: ignore[type-var]  # steady() has a begin
        samples=(
            *(sample("run", usage, lists) for _ in range(8)),
            sample("exit", usage, lists),
            sample("rest", 0, 0),
        ),
    )


def test_2008_allows_nothing_at_rest() -> None:
    sound = judge(of_2008(10 << 20, 10 << 20), V2627, SETTLE)
    assert [each.name for each in sound.checks if not each.kept] == []
    assert check(sound, "parts-at-rest").tolerance == 0
    assert check(sound, "usage-at-rest").tolerance == 0
    assert check(sound, "statistics-at-rest").tolerance == 0
    assert "failcnt-only-rises" in {each.name for each in sound.checks}


def test_the_imbalance_that_the_2008_series_shows() -> None:
    accounting = judge(of_2008(10_375_168, 15_794_176), V2627, SETTLE)
    assert {each.name for each in accounting.checks if not each.kept} == {
        "parts-at-rest",
        "parts-while-running",
        "statistics-at-rest",
    }


def test_statistics_that_run_away_from_sound_lists_are_seen() -> None:
    accounting = judge(of_2008(10 << 20, 10 << 20, rss=15_794_176), V2627, SETTLE)
    assert {each.name for each in accounting.checks if not each.kept} == {"statistics-at-rest"}
    assert "below cache and rss of memory.stat" in check(accounting, "statistics-at-rest").says


def test_a_page_that_was_counted_in_and_never_out_is_seen() -> None:
    accounting = judge(of_2008(10 << 20, 10 << 20, paged=(10 << 20) // 4096 + 1), V2627, SETTLE)
    assert {each.name for each in accounting.checks if not each.kept} == {"paged-in-at-rest"}
    assert check(accounting, "paged-in-at-rest").measured == -4096


def test_later_kernels_are_not_held_to_the_counters_of_2008() -> None:
    names = {each.name for each in judge(of_2008(10 << 20, 10 << 20), V2633, SETTLE).checks}
    assert not {"statistics-at-rest", "paged-in-at-rest"} & names


def test_a_group_that_was_removed_full_is_not_asked_to_be_empty() -> None:
    """Page cache that somebody still uses may keep it on 6.1; in 2008 rmdir took every page out."""
    at_rest = {"usage-at-rest", "swap-at-rest", "no-dying-groups"}
    case = stream(NAMES[0])
    assert case.begin is not None
    kept = replace(case, begin=replace(case.begin, kept=1))
    assert at_rest <= {each.name for each in judge(case, V61, SETTLE).checks}
    modern = judge(kept, V61, SETTLE)
    assert not at_rest & {each.name for each in modern.checks}
    assert "rmdir-in-time" in {each.name for each in modern.checks}
    assert modern.missing == ()
    of_that_time = judge(kept, V2627, SETTLE)
    assert at_rest & {each.name for each in of_that_time.checks} == {"no-dying-groups"}


def looked_at(*apart: int) -> CaseStream:
    """A healthy case whose looks after the workload have usage so far above what it was."""
    case = stream("6.1-v1-shm")
    look = case.at("exit")[-1]
    usage = USAGE["v1"]
    looks = [
        replace(look, files=look.files | {usage: f"{int(look.files[usage]) + more}\n"}) for more in apart
    ]
    before = [sample for sample in case.samples if sample.stage in ("born", "run")]
    return replace(case, samples=(*before, *looks, *case.at("rest")))


@pytest.mark.parametrize(
    ("apart", "kept_then"),
    [
        ((8 << 20, 0, 0), True),  # torn by what RCU freed between two reads
        ((0, 8 << 20, 0), True),
        ((8 << 20, 8 << 20, -(8 << 20)), True),
        ((8 << 20, 8 << 20, 8 << 20), False),
        ((-(8 << 20), -(8 << 20), -(8 << 20)), False),
    ],
)
def test_what_is_lost_is_in_every_look_after_the_workload(apart: tuple[int, ...], kept_then: bool) -> None:
    assert check(judge(looked_at(*apart), V61, SETTLE), "parts-at-rest").kept is kept_then
