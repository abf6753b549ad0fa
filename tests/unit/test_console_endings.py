# SPDX-License-Identifier: GPL-2.0-only
"""Ends that a kernel does not tell of: silent reboots on a console, and what else a machine shows."""

from __future__ import annotations

import pytest

from harness.console.detector import find_reports
from harness.console.endings import Machine, ending

BOOT = (
    "SeaBIOS (version 1.16.2-debian-1.16.2-1)\nBooting from ROM...\n"
    "[    0.000000] Linux version 6.1.192 (root@vm)\n[    1.000000] memcg-harness: ready\n"
)
PLAIN = "Linux version 2.6.27-rc3 (root@vm)\nCommand line: console=ttyS0\n" + "all is well\n" * 300


def titles(console: str) -> list[str]:
    return [report.title for report in find_reports(console)]


def test_one_boot_is_no_reboot() -> None:
    assert titles(BOOT) == []
    assert titles("qemu-system-x86_64: warning: no KVM\n" + BOOT) == []
    assert titles("GRUB loading.\nWelcome to GRUB!\n" + BOOT.partition("\n")[2]) == []
    assert titles(PLAIN) == []
    assert titles("[    0.000000] Initializing cgroup subsys cpuset\n" + BOOT.partition("ROM...\n")[2]) == []


@pytest.mark.parametrize("console", [BOOT, PLAIN])
def test_a_second_boot_out_of_nothing_is_a_silent_reboot(console: str) -> None:
    (report,) = find_reports(console + console)
    assert (report.title, report.kind, report.severity) == ("unexpected kernel reboot", "reboot", "fatal")
    assert report.offset == len(console)


@pytest.mark.parametrize(
    "words",
    [
        "[   15.218082] reboot: Restarting system",
        "Restarting system.",
        "[    9.000000] sysrq: Resetting",
        "[    9.000000] kexec_core: Starting new kernel",
    ],
)
def test_a_reboot_that_was_announced_is_none(words: str) -> None:
    assert titles(f"{BOOT}{words}\n{BOOT}") == []


def test_a_reboot_after_a_panic_is_the_panics() -> None:
    panic = "[    2.000000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x7\n"
    assert titles(BOOT + panic + BOOT) == ["kernel panic: Attempted to kill init!"]


def test_a_reboot_ends_what_was_being_read() -> None:
    warning = "[    2.0]\n[    2.000000] WARNING: at mm/memcontrol.c:7 f+0x1/0x2()\n"
    assert titles(BOOT + warning + BOOT) == ["WARNING at mm/memcontrol.c:7", "unexpected kernel reboot"]


def test_qemu_tells_of_a_triple_fault_on_the_console() -> None:
    assert titles(BOOT + "Triple fault\n" + BOOT) == ["triple fault"]


@pytest.mark.parametrize(
    ("machine", "title"),
    [
        (Machine(runs=True, answers=True), ""),
        (Machine(runs=True, answers=True, heard=False), "lost connection to test machine"),
        (Machine(runs=True, answers=False), "no output from test machine"),
        (Machine(runs=False, answers=False), "unexpected kernel reboot"),
        (Machine(runs=False, answers=False, qemu="CPU Reset (CPU 0)\nTriple fault\n"), "triple fault"),
    ],
)
def test_ends_are_told_apart(machine: Machine, title: str) -> None:
    report = ending(BOOT, (), machine)
    assert (report.title if report else "") == title


def test_an_end_that_the_kernel_told_of_is_not_told_again() -> None:
    gone = Machine(runs=False, answers=False)
    assert ending(BOOT + "[    9.000000] reboot: Power down\n", (), gone) is None
    oops = find_reports("kernel BUG at mm/memcontrol.c:264!\n")
    assert ending(BOOT, oops, gone) is None
