# SPDX-License-Identifier: GPL-2.0-only
"""Reports as mails have them: decoded, without time stamps. They are called what the console's are."""

from __future__ import annotations

import re

import pytest

from harness.console.detector import find_reports
from harness.console.model import Report

USE_AFTER_FREE = """
BUG: KASAN: slab-use-after-free in css_get include/linux/cgroup.h:300 [inline]
BUG: KASAN: slab-use-after-free in refill_stock mm/memcontrol.c:2200 [inline]
BUG: KASAN: slab-use-after-free in uncharge_one+0x1c/0x90 mm/memcontrol.c:2250
Read of size 8 at addr ff11000001234560 by task anon/71

CPU: 0 PID: 71 Comm: anon Not tainted 6.1.0 #1
Call Trace:
 <TASK>
 __dump_stack lib/dump_stack.c:88 [inline]
 dump_stack_lvl+0x34/0x48 lib/dump_stack.c:106
 kasan_report+0xab/0x120 mm/kasan/report.c:495
 css_get include/linux/cgroup.h:300 [inline]
 refill_stock mm/memcontrol.c:2200 [inline]
 uncharge_one+0x1c/0x90 mm/memcontrol.c:2250
 exit_mmap+0x101/0x300 mm/mmap.c:3100
 </TASK>
"""

WARNING = """
WARNING: mm/page_counter.c:60 at lower_it mm/page_counter.c:60 [inline], CPU#0: init/36
WARNING: mm/page_counter.c:60 at cancel_pages+0x30/0x42 mm/page_counter.c:75, CPU#0: init/36
RIP: 0010:lower_it mm/page_counter.c:60 [inline]
RIP: 0010:cancel_pages+0x30/0x42 mm/page_counter.c:75
Call Trace:
 uncharge_one+0x1c/0x90 mm/memcontrol.c:2250
"""

CIRCULAR = """
WARNING: possible circular locking dependency detected
6.1.0 #1 Not tainted
anon/71 is trying to acquire lock:
ff11000001234560 (&stock){+.+.}-{2:2}, at: spin_lock include/linux/spinlock.h:350 [inline]
ff11000001234560 (&stock){+.+.}-{2:2}, at: drain_it+0x21/0x80 mm/memcontrol.c:2100

but task is already holding lock:
ff11000001234600 (&other){+.+.}-{2:2}, at: offline_it+0x10/0x70 mm/memcontrol.c:4100

stack backtrace:
Call Trace:
 drain_it+0x21/0x80 mm/memcontrol.c:2100
"""


def one(text: str) -> Report:
    (report,) = find_reports(text)
    return report


def printed(decoded: str) -> str:
    """What the kernel had printed before it was decoded."""
    lines = (line for line in decoded.splitlines() if "[inline]" not in line)
    stamped = (re.sub(r" \S+\.[ch]:\d+(?=$|,)", "", line) for line in lines)
    return "".join(f"[   14.{at:06}][   T71] {line}\n" for at, line in enumerate(stamped))


@pytest.mark.parametrize(
    ("decoded", "title"),
    [
        (USE_AFTER_FREE, "KASAN: slab-use-after-free Read in uncharge_one"),
        (WARNING, "WARNING in cancel_pages"),
        (CIRCULAR, "possible deadlock in drain_it"),
    ],
    ids=["kasan", "warning", "lockdep"],
)
def test_a_decoded_report_is_called_as_the_kernel_printed_it(decoded: str, title: str) -> None:
    mailed, heard = one(decoded), one(printed(decoded))
    assert "[inline]" not in heard.text
    assert (mailed.title, mailed.corrupted) == (title, False)
    assert (mailed.title, mailed.fingerprint) == (heard.title, heard.fingerprint)


def test_inlined_calls_stay_in_the_stack() -> None:
    functions = [frame.function for frame in one(USE_AFTER_FREE).stack]
    assert functions[-4:] == ["css_get", "refill_stock", "uncharge_one", "exit_mmap"]


def test_a_second_report_of_the_kind_is_its_own() -> None:
    twice = USE_AFTER_FREE + USE_AFTER_FREE.replace("uncharge_one", "charge_one")
    assert [report.function for report in find_reports(twice)] == ["uncharge_one", "charge_one"]


def test_an_empty_line_among_registers_does_not_end_a_stack() -> None:
    text = (
        "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\nCall Trace:\n __schedule+0x1/0x2\n"
        " asm_sysvec_apic_timer_interrupt+0x1/0x2\nRIP: 0010:strlen+0x1/0x2\n"
        "RSP: 0018:ff11 EFLAGS: 00000206\n\nRAX: 12359ecc66e39e00 RBX: 0000000000000206\n"
        " seq_path+0x1/0x2\n __x64_sys_getcwd+0x1/0x2\n do_syscall_64+0x1/0x2\n"
    )
    assert one(text).title == "INFO: rcu detected stall in sys_getcwd"


def test_a_mails_own_words_are_no_report() -> None:
    head = (
        "Hello,\n\nthe following issue was found on:\n\nHEAD commit:    0123456789ab Merge tag 'mm'\n"
        "console output: see below\nIMPORTANT: if you fix the issue, please say so.\n"
        "Subject: KASAN: slab-use-after-free Read in somewhere_else\n\n"
    )
    report = one(head + USE_AFTER_FREE)
    assert report.title == "KASAN: slab-use-after-free Read in uncharge_one"
    assert report.offset > len(head)
