# SPDX-License-Identifier: GPL-2.0-only
"""Which functions a title passes over, by stems and by kind, and the wording of titles."""

from __future__ import annotations

import pytest

from harness.console.detector import find_reports
from harness.console.naming import plain
from harness.console.table import shipped


def title(text: str) -> str:
    (report,) = find_reports(text)
    return report.title


def trace(*functions: str) -> str:
    return "Call Trace:\n" + "".join(f" {name}+0x1/0x2\n" for name in functions) + "\n"


@pytest.mark.parametrize(
    "function",
    [
        *("__asan_load8", "kasan_check_range", "print_report", "warn_slowpath_fmt", "check_panic_on_warn"),
        *("lockdep_rcu_suspicious", "reacquire_held_locks", "exc_invalid_op", "do_error_trap", "el1_abort"),
        *("do_raw_write_unlock", "rwsem_down_write_slowpath", "__mutex_lock_common", "down", "osq_lock"),
        *("raw_atomic64_fetch_add", "my_test_bit", "refcount_warn_saturate", "__list_del_entry_valid"),
        *("rb_erase", "memcpy_orig", "strnlen_user", "_copy_from_iter", "__get_user_nocheck_4", "vsnprintf"),
        *(
            "devm_kzalloc",
            "__kmalloc_node",
            "kmem_cache_free",
            "alloc_pages_mpol",
            "kfree",
            "sk_skb_kfree_skb",
        ),
        *("iput", "queue_work_on", "__flush_workqueue", "__wake_up_common", "kobject_put", "device_del"),
        *("usb_submit_urb", "readl", "crc32c", "dput", "_dev_warn"),
    ],
)
def test_stems_of_those_that_work_for_others(function: str) -> None:
    assert shipped().passed_over(function)


@pytest.mark.parametrize(
    "function",
    [
        *("shrink_slabs", "try_charge", "do_wp_page", "vfree_atomic", "mutexed", "lower_group_write"),
        *("group_read", "shutdown_write", "iputs", "slowdown_write", "handle_mm_fault", "countdown"),
        *("page_ref_put", "queue_rq", "destroy_super_work", "rotate", "reap_objects", "kfree_rcu_work"),
    ],
)
def test_a_stem_hides_no_more_than_it_means(function: str) -> None:
    assert not shipped().passed_over(function)


HUNG = "INFO: task a:1 blocked for more than 120 seconds.\n"


@pytest.mark.parametrize(
    ("functions", "named"),
    [
        (("__schedule", "schedule_timeout", "do_wait_for_common", "remove_it", "vfs_rmdir"), "remove_it"),
        (
            ("schedule", "rwsem_down_read_slowpath", "io_wait_event", "__lock_parent", "rename_it"),
            "rename_it",
        ),
        (("schedule", "mutex_lock_nested", "rtnl_lock_killable", "device_up"), "rtnl_lock_killable"),
        (("schedule", "wait_gp", "__synchronize_srcu", "unregister_it"), "synchronize_rcu"),
        (("schedule", "wait_gp", "synchronize_net", "rtnl_lock"), "synchronize_rcu"),
    ],
)
def test_a_hung_task_goes_by_what_waits_or_by_where_many_do(functions: tuple[str, ...], named: str) -> None:
    assert title(HUNG + trace(*functions)) == f"INFO: task hung in {named}"


SOFT = "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [a:1]\nRIP: 0010:spin_here+0x1/0x2\n"


@pytest.mark.parametrize(
    ("functions", "named"),
    [
        (("walk", "reclaim_all", "write_iter", "vfs_write", "ksys_write", "do_syscall_64"), "write_iter"),
        (("walk", "flush_all", "smp_call_function_many_cond", "on_each_cpu"), "smp_call_function"),
        (("walk", "drain_work_fn", "process_one_work", "worker_thread", "kthread"), "drain_work_fn"),
        (("call_timer_fn", "__run_timers"), "spin_here"),
    ],
)
def test_a_lockup_is_named_after_what_was_called(functions: tuple[str, ...], named: str) -> None:
    assert title(SOFT + trace(*functions)) == f"BUG: soft lockup in {named}"


def test_a_stall_without_a_tick_is_told_by_the_stalled_cpus_own_stack() -> None:
    stall = "rcu: INFO: rcu_sched self-detected stall on CPU\n"
    stack = trace("walk", "write_iter", "vfs_write")
    assert title(f"{stall}RIP: 0010:f+0x1/0x2\n{stack}") == "INFO: rcu detected stall in write_iter"
    assert title(stall + stack) == "INFO: rcu detected stall in corrupted"
    waits = trace("schedule", "rcu_gp_kthread", "kthread")
    late = f"{stall}{waits}NMI backtrace for cpu 0\nRIP: 0010:f+0x1/0x2\n{stack}"
    assert title(late) == "INFO: rcu detected stall in corrupted"


def test_a_bad_page_is_named_after_who_gave_it_back() -> None:
    stack = trace("dump_stack", "bad_page", "free_pcp_prepare", "free_unref_page_list", "shrink_folio_list")
    assert (
        title("BUG: Bad page state in process a  pfn:1\n" + stack)
        == "BUG: Bad page state in shrink_folio_list"
    )


def lock(name: str) -> str:
    return f"ff11 (&l){{+.+.}}-{{2:2}}, at: {name}+0x1/0x2\n"


@pytest.mark.parametrize(
    ("what", "first", "named"),
    [
        ("possible recursive locking detected", "spin_lock_nested", "spin_lock_nested"),
        ("possible irq lock inversion dependency detected", "list_del_locked", "list_del_locked"),
        ("possible circular locking dependency detected", "process_one_work", "offline_it"),
        ("possible circular locking dependency detected", "drain_it", "drain_it"),
    ],
)
def test_lockdep_itself_says_which_lock(what: str, first: str, named: str) -> None:
    text = f"WARNING: {what}\na/1 is trying to acquire lock:\n{lock(first)}"
    text += f"\nbut task is already holding lock:\n{lock('offline_it')}\n{trace('dump_stack', 'caller')}"
    assert title(text) == f"possible deadlock in {named}"


def warned(place: str, function: str, *functions: str) -> str:
    first = f"WARNING: CPU: 0 PID: 1 at {place} {function}+0x1/0x2\nRIP: 0010:{function}+0x1/0x2\n"
    return first + trace(*functions) + "---[ end trace 0 ]---\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (warned("mm/util.c:600", "kvmalloc_node", "kvmalloc_array", "f"), "WARNING: kmalloc bug in f"),
        (
            warned("kernel/locking/lockdep.c:9", "__lock_acquire", "lock_sock", "f"),
            "WARNING: locking bug in f",
        ),
        (warned("kernel/locking/lockdep.c:9", "hash_keys", "f"), "WARNING in hash_keys"),
        (
            warned("lib/debugobjects.c:9", "debug_print_object", "free_work_x", "f"),
            "WARNING: ODEBUG bug in f",
        ),
        (
            warned("lib/refcount.c:9", "refcount_warn_saturate", "kobject_put", "f"),
            "WARNING: refcount bug in f",
        ),
        (
            warned("fs/proc/generic.c:9", "proc_register", "proc_create_data", "f"),
            "WARNING: proc registration bug in f",
        ),
        (
            "list_add corruption. next is bad\n" + warned("lib/list_debug.c:9", "__list_add_valid", "f"),
            "WARNING in f",
        ),
        (
            "list_add corruption. next is bad\nkernel BUG at lib/list_debug.c:9!\nRIP: 0010:g+0x1/0x2\n"
            + trace("__list_add_valid", "f"),
            "BUG: corrupted list in f",
        ),
        (
            "kernel BUG at net/core/skbuff.c:9!\nRIP: 0010:skb_panic+0x1/0x2\n" + trace("skb_push", "f"),
            "kernel BUG in f",
        ),
        (
            "BUG: KASAN: double-free in kfree+0x1/0x2\nFree of addr ff11 by task a/1\n" + trace("vfree", "f"),
            "KASAN: invalid-free in f",
        ),
        (
            "BUG: Bad page cache in process a  pfn:1\npage last allocated via order 0\n alloc_x+0x1/0x2\n"
            " f+0x1/0x2\n" + trace("g"),
            "BUG: Bad page cache in f",
        ),
        (
            "BUG: memory leak\n  backtrace (crc 12ab):\n    my_alloc_thing+0x1/0x2\n    f+0x1/0x2\n",
            "memory leak in f",
        ),
        ("Oops: int3: 0000 [#1] SMP\nRIP: 0010:bpf_prog_67a7f92a6a5e5f13+0x1/0x2\n", "int3 in bpf_prog_ADDR"),
        ("Kernel panic - not syncing: panic_on_warn set ...\n", "kernel panic: panic_on_warn set"),
        (
            "Kernel panic - not syncing: KASAN: panic_on_warn set ...\n",
            "kernel panic: KASAN: panic_on_warn set ...",
        ),
        (
            "WARNING: kernel stack regs at (____ptrval____) in a:1 has bad 'bp' value (____ptrval____)\n",
            "WARNING: kernel stack regs has bad value",
        ),
    ],
)
def test_the_fields_wording(text: str, named: str) -> None:
    assert title(text) == named


def test_a_stack_below_the_instruction_pointer_needs_no_header() -> None:
    text = (
        "WARNING: CPU: 0 PID: 1 at lib/kobject.c:9 kobject_get+0x1/0x2\nepc : kobject_get+0x1/0x2\n"
        "[<ffffffff800b66fa>] kobject_get+0x1/0x2\n[<ffffffff800b66fb>] f+0x1/0x2\n---[ end trace 0 ]---\n"
    )
    assert title(text.replace("lib/kobject.c", "lib/other.c")) == "WARNING in f"


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("__x64_sys_io_uring_enter", "sys_io_uring_enter"),
        ("__se_sys_io_uring_enter", "io_uring_enter"),
        ("__do_sys_clone3", "clone3"),
        ("____sys_sendmsg", "sendmsg"),
        ("ksys_read", "read"),
        ("compat_SyS_ioctl", "ioctl"),
        ("C_SYSC_ioctl", "ioctl"),
    ],
)
def test_system_calls_as_titles_have_them(printed: str, meant: str) -> None:
    assert plain(printed) == meant
