# SPDX-License-Identifier: GPL-2.0-only
"""When there is no use in waiting on for a guest."""

from __future__ import annotations

import threading

import pytest

from harness.pipeline import life
from harness.pipeline.life import Watch

_BUG = b"[    9.100000] kernel BUG at mm/memcontrol.c:264!\n"
_WARNING = b"[    9.100000] WARNING: CPU: 0 PID: 7 at mm/memcontrol.c:2222 drain_stock+0x1/0x2\n"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_DOOM", 0.0)


def test_a_fatal_report_that_has_only_begun_ends_the_wait() -> None:
    watch = Watch(threading.Event())
    watch.feed(b"[    1.000000] memcg-harness: ready\n")
    assert watch.give_up() == ""
    watch.feed(_BUG)
    assert watch.give_up() == "a fatal kernel report"


def test_a_warning_does_not() -> None:
    watch = Watch(threading.Event())
    watch.feed(
        _WARNING + b"[    9.200000] ---[ end trace 0 ]---\n[   10.000000] memcg-harness: case anon end\n"
    )
    assert watch.give_up() == ""


def test_a_login_is_not_waited_for_once_the_kernel_has_complained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_LOGIN", 0.0)
    watch = Watch(threading.Event())
    assert watch.login()() == ""
    watch.feed(_WARNING)
    assert watch.login()() == "a kernel report, and no answer over SSH"
    monkeypatch.setattr(life, "_LOGIN", 60.0)
    assert watch.login()() == ""


def test_nor_is_a_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_COMPLAINT", 0.0)
    watch = Watch(threading.Event())
    assert watch.boot() == ""
    watch.feed(_WARNING)
    assert watch.boot() == "a kernel report, and the guest does not become ready"


def test_a_case_that_falls_silent_after_a_report_is_given_up() -> None:
    """A CPU that spins in the kernel is reported, and neither dies nor lets the case end."""
    watch = Watch(threading.Event())
    assert watch.case(500.0) == ""
    watch.feed(_WARNING)
    assert watch.case(1.0) == ""
    assert watch.case(30.0) == "a kernel report, and no more samples"


def test_an_interrupt_does() -> None:
    cancelled = threading.Event()
    watch = Watch(cancelled)
    cancelled.set()
    assert watch.give_up() == "interrupted"


def test_a_case_that_says_nothing_for_long_is_late_also_on_a_silent_kernel() -> None:
    watch = Watch(threading.Event())
    assert watch.samples(59.0, 1.0) == ""
    assert watch.samples(61.0, 1.0) == "timed out"
    assert watch.samples(61.0, 1.5) == ""
    watch.feed(_WARNING)
    assert watch.samples(30.0, 1.0) == "a kernel report, and no more samples"
