# SPDX-License-Identifier: GPL-2.0-only
"""Ends that a kernel does not tell of: silent reboots on a console, and what else a machine shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.console.detector import find_reports
from harness.console.endings import Ending, Machine, Word, ending

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


_OFF = Machine(runs=False, answers=False, reason="guest-shutdown")
_GONE = Machine(runs=False, answers=False, reason="guest-reset")
_TRIPLE = replace(_GONE, qemu="CPU Reset (CPU 0)\nTriple fault\n")


@pytest.mark.parametrize(
    ("machine", "word", "says"),
    [
        (
            Machine(runs=True, answers=True, heard=False),
            "console-lost",
            "the console was lost: SSH still answers, but nothing more came",
        ),
        (Machine(runs=True, answers=False, quiet=9.0), "hung", "hung: neither console nor SSH"),
        (
            Machine(runs=True, answers=False, quiet=0.1),
            "hung",
            "hung: SSH does not answer, though the console still talks",
        ),
        (_GONE, "rebooted", "the guest rebooted without a word"),
        (replace(_GONE, reason=""), "rebooted", "the guest rebooted without a word"),
        (_OFF, "powered-off", "the guest powered off without a word"),
        (_TRIPLE, "triple-fault", "triple fault"),
    ],
)
def test_ends_are_told_apart(machine: Machine, word: Word, says: str) -> None:
    assert ending(BOOT, (), machine) == Ending(word, says)


def test_a_guest_that_is_well_has_not_ended() -> None:
    assert ending(BOOT, (), Machine(runs=True, answers=True)) is None


def test_an_end_that_the_kernel_announced_is_no_silent_one() -> None:
    off, restart = "[    9.000000] reboot: Power down\n", "[    9.000000] sysrq: Resetting\n"
    assert ending(BOOT + off, (), _OFF) == Ending("powered-off", "the guest powered off and said so")
    for machine in (_GONE, _TRIPLE):  # reboot=t restarts by a triple fault
        assert ending(BOOT + restart, (), machine) == Ending("rebooted", "the guest rebooted and said so")


def test_an_end_that_a_report_tells_of_is_not_told_again() -> None:
    oops = find_reports("kernel BUG at mm/memcontrol.c:264!\n")
    assert ending(BOOT, oops, _GONE) is None
    assert ending(BOOT, oops, _TRIPLE) is None
