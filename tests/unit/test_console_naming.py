# SPDX-License-Identifier: GPL-2.0-only
"""Titles: forms, where the function is looked for, and what a fingerprint does not depend on."""

from __future__ import annotations

import re

import pytest

from harness.console.detector import find_reports
from harness.console.model import Report
from harness.console.naming import plain
from harness.console.stack import stacks_of
from harness.console.table import shipped

TRACE = "Call Trace:\n dump_stack_lvl+0x1/0x2\n kasan_report+0x1/0x2\n {}+0x10/0x20\n caller+0x1/0x2\n\n"


def one(text: str) -> Report:
    (report,) = find_reports(text)
    return report


@pytest.mark.parametrize(
    ("head", "function", "title"),
    [
        (
            "BUG: KASAN: slab-use-after-free in css_put+0x1/0x2\nRead of size 8 at addr f by task a/1\n",
            "css_put",
            "KASAN: slab-use-after-free Read in css_put",
        ),
        (
            "BUG: KASAN: slab-out-of-bounds in memcpy+0x1/0x2\nWrite of size 8 at addr f by task a/1\n",
            "memcpy",
            "KASAN: slab-out-of-bounds Write in caller",
        ),
        ("BUG: KASAN: double-free or invalid-free in f+0x1/0x2\n\n", "f", "KASAN: invalid-free in f"),
        (
            "UBSAN: shift-out-of-bounds in mm/m.c:7:8\n",
            "mem_cgroup_charge",
            "UBSAN: shift-out-of-bounds in mem_cgroup_charge",
        ),
        ("INFO: trying to register non-static key.\n", "f", "INFO: trying to register non-static key in f"),
        (
            "BUG: using smp_processor_id() in preemptible [00000000] code: a/1\n",
            "f",
            "BUG: using smp_processor_id() in preemptible code in f",
        ),
        ("INFO: task a:1 blocked for more than 120 seconds.\n", "mutex_lock", "INFO: task hung in caller"),
        (
            "BUG: scheduling while atomic: a/1/0x2\n",
            "__x64_sys_read",
            "BUG: scheduling while atomic in sys_read",
        ),
        ("BUG: scheduling while atomic: a/1/0x2\n", "f.constprop.0", "BUG: scheduling while atomic in f"),
        ("BUG: Bad page state in process a  pfn:1\n", "free_swap", "BUG: Bad page state in free_swap"),
    ],
)
def test_titles(head: str, function: str, title: str) -> None:
    assert one(head + TRACE.format(function)).title == title


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ("refcount_t: underflow; use-after-free.\n", "WARNING: refcount bug in caller"),
        ("ODEBUG: free active object\n", "WARNING: ODEBUG bug in caller"),
        ("", "WARNING in charge"),
    ],
)
def test_warnings_that_have_names_of_their_own(what: str, title: str) -> None:
    text = (
        f"------------[ cut here ]------------\n{what}"
        "WARNING: CPU: 0 PID: 1 at mm/m.c:7 charge+0x1/0x2\n"
        "RIP: 0010:charge+0x1/0x2\nCall Trace:\n caller+0x1/0x2\n---[ end trace 0 ]---\n"
    )
    if what:
        text = text.replace("charge+", "refcount_warn_saturate+")
    assert one(text).title == title


STALL = (
    "rcu: INFO: rcu_sched self-detected stall on CPU\nCall Trace:\n <IRQ>\n dump_stack+0x1/0x2\n"
    " hrtimer_interrupt+0x1/0x2\n asm_sysvec_apic_timer_interrupt+0x1/0x2\n </IRQ>\n"
    " try_charge+0x1/0x2\n mem_cgroup_write+0x1/0x2\n vfs_write+0x1/0x2\n do_syscall_64+0x1/0x2\n"
)


def test_a_stall_is_named_after_what_was_called_below_the_tick() -> None:
    report = one(STALL)
    assert report.title == "INFO: rcu detected stall in mem_cgroup_write"
    assert not report.corrupted


def test_a_stack_of_another_task_is_not_the_reports() -> None:
    report = one("FAULT" + "\n" + "INFO: trying to register non-static key.\n" + TRACE.format("f"))
    assert report.function == "f"
    muddled = one(
        "INFO: trying to register non-static key.\nFAULT_INJECTION: forcing a failure.\n" + TRACE.format("f")
    )
    assert muddled.title == "INFO: trying to register non-static key in corrupted"
    assert muddled.corrupted


def test_a_warning_without_a_stack_was_cut_off() -> None:
    report = one("WARNING: CPU: 0 PID: 1 at mm/m.c:7 charge+0x1/0x2\n")
    assert (report.title, report.function, report.corrupted) == ("WARNING in corrupted", "charge", True)


def test_no_function_of_the_controller_is_passed_over() -> None:
    names = (
        "mem_cgroup_charge try_charge_memcg page_counter_uncharge uncharge_batch lock_page_memcg "
        "refill_stock lock_page_cgroup mem_cgroup_css_online css_put obj_cgroup_charge_pages "
        "swap_cgroup_record mem_cgroup_from_task __mod_memcg_lruvec_state free_hot_cold_page "
        "mem_cgroup_read_u64 mem_cgroup_write memcg_slab_post_alloc_hook memcg_create_kmem_cache "
        "mem_cgroup_wait_acct_move page_counter_memparse lookup_page_cgroup"
    )
    assert [name for name in names.split() if shipped().passed_over(name)] == []


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("f.part.0.cold", "f"),
        ("SyS_read", "read"),
        ("__arm64_sys_read", "sys_read"),
        ("__se_compat_sys_ioctl", "sys_ioctl"),
        ("_Z6chargePv", "charge"),
        ("mem_cgroup_charge", "mem_cgroup_charge"),
    ],
)
def test_functions_as_their_source_names_them(printed: str, meant: str) -> None:
    assert plain(printed) == meant


@pytest.mark.parametrize(
    "line",
    [
        " [<ffffffff8029ac4e>] charge+0x3e/0x60",
        "[<ffffffff8029ac4e>] charge+0x3e/0x60 mm/memcontrol.c:7",
        " charge+0x3e/0x60 [memcg]",
        "[c0000000016a3530] [c0000000005f8868] charge+0x3e/0x60",
        " <IRQ>  [<ffffffff8029ac4e>] charge+0x3e/0x60",
    ],
)
def test_forms_of_a_frame(line: str) -> None:
    (frame,) = stacks_of(["Call Trace:", line]).traces[0]
    assert (frame.function, frame.at, frame.size) == ("charge", 0x3E, 0x60)


def test_arm_names_caller_and_called() -> None:
    stacks = stacks_of(["Backtrace: ", "[<802b3ffc>] (charge) from [<802e1324>] (write+0x6c/0x120)"])
    assert [frame.function for frame in stacks.traces[0]] == ["charge", "write"]


def test_a_doubted_frame_counts_only_where_a_kernel_doubts_all() -> None:
    doubted = ["Call Trace:", " [<ffffffff8029ac4e>] ? charge+0x3e/0x60"]
    assert stacks_of(doubted).traces == [[]]
    guesser = stacks_of(["Call Trace:", " ? dump_stack_lvl+0x19/0x23", " ? charge+0x3e/0x60"])
    assert [frame.function for frame in guesser.traces[0]] == ["dump_stack_lvl", "charge"]
    old = stacks_of(["Pid: 71, comm: anon Not tainted 2.6.27-rc3 #1", *doubted])
    assert [frame.function for frame in old.traces[0]] == ["charge"]


FAULT = (
    "[   14.117201] kernel BUG at mm/memcontrol.c:264!\n"
    "[   14.117202] CPU: 1 PID: 71 Comm: anon Tainted: G        W          6.1.0 #1\n"
    "[   14.117203] RIP: 0010:mem_cgroup_charge+0x1c2/0x2a0\n"
    "[   14.117204] Call Trace:\n"
    "[   14.117205]  do_wp_page+0x1f1/0x710\n"
    "[   14.117206]  handle_mm_fault+0x1/0x2\n"
    "[   14.117207] ---[ end trace 1a2b3c4d5e6f7081 ]---\n"
)


@pytest.mark.parametrize(
    "variant",
    [
        FAULT.replace("0x1c2/0x2a0", "0x99/0x1b0"),
        re.sub(r"\[   14\.", "[ 1234.", FAULT),
        FAULT.replace("CPU: 1 PID: 71", "CPU: 0 PID: 9"),
        FAULT.replace("] ", "][   T71] "),
        FAULT.replace("] ", "] [    C0] "),
        re.sub(r"\[   14\.\d+\] ", "", FAULT),
        FAULT.replace("kernel BUG", "\x1b[1;31mkernel BUG").replace("!\n", "!\x1b[0m\r\n"),
        FAULT.replace("[   14.117206]  handle_mm_fault+0x1/0x2\n", ""),
        FAULT.replace("[   14.117205]  do_wp_page+0x1f1/0x710\n", ""),
        FAULT.replace("1a2b3c4d5e6f7081", "0000000000000000"),
        "".join(
            f"{line}\n[   14.2{at:05}][  T99] other: {at}\n"
            for at, line in enumerate(FAULT.replace("] ", "][   T71] ").splitlines())
        ),
    ],
    ids=[
        "offset",
        "time",
        "cpu",
        "caller",
        "cpu-caller",
        "no-stamps",
        "escapes",
        "lost-line",
        "lost-frame",
        "marker",
        "interleaved",
    ],
)
def test_one_fault_has_one_fingerprint(variant: str) -> None:
    first, second = one(FAULT), one(variant)
    assert (first.title, first.fingerprint) == (second.title, second.fingerprint)


def test_the_stack_begins_where_it_happened_and_says_so_once() -> None:
    twice = FAULT.replace(
        "[   14.117207]", "[   14.117206] RIP: 0010:mem_cgroup_charge+0x1c2/0x2a0\n[   14.117207]"
    )
    for text in (FAULT, twice):
        functions = [frame.function for frame in one(text).stack]
        assert functions == ["mem_cgroup_charge", "do_wp_page", "handle_mm_fault"]


def test_other_faults_have_other_fingerprints() -> None:
    others = [FAULT, FAULT.replace("mem_cgroup_charge", "uncharge"), STALL]
    assert len({one(text).fingerprint for text in others}) == len(others)


def test_the_first_bad_report_is_the_cause_and_taint_is_read() -> None:
    oom = "[   13.000000] Memory cgroup out of memory: Killed process 35 (init)\n"
    note, bug, again = find_reports(oom + FAULT + FAULT.replace("mem_cgroup_charge", "uncharge"))
    assert [report.cause for report in (note, bug, again)] == [False, True, False]
    assert (bug.tainted, bug.after) == ("GW", True)
    assert not one(FAULT.replace("Tainted: G        W         ", "Not tainted")).after
    assert one(FAULT.replace("G        W         ", "[W]=WARN, [O]=OOT_MODULE")).tainted == "WO"


def test_reports_of_two_callers_are_kept_apart() -> None:
    first = FAULT.replace("] ", "][   T71] ").splitlines()
    second = FAULT.replace("] ", "][   T72] ").replace("mem_cgroup_charge", "uncharge").splitlines()
    mixed = "\n".join(line for pair in zip(first, second, strict=True) for line in pair)
    reports = find_reports(mixed + "\n")
    assert [report.function for report in reports] == ["mem_cgroup_charge", "uncharge"]
    assert "T72" not in reports[0].text
