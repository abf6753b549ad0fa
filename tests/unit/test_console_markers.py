# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

from harness.console.detector import find_reports
from harness.console.markers import by_case

WARNING = (
    "[    2.000000] WARNING: at mm/memcontrol.c:{} f{}+0x1/0x2()\n[    2.000001] ---[ end trace 0 ]---\n"
)


def test_reports_go_to_the_case_that_began_last() -> None:
    console = (
        WARNING.format(1, 1)
        + "[    3.000000] memcg-harness: case anon begin\n"
        + WARNING.format(2, 2)
        + "[    4.000000] memcg-harness: case anon end\n"
        + WARNING.format(3, 3)
        + "memcg-harness: case file begin\nümläut\n"
        + WARNING.format(4, 4)
    )
    cases = by_case(console, find_reports(console))
    assert {name: [report.function for report in found] for name, found in cases.items()} == {
        "": ["f1"],
        "anon": ["f2", "f3"],
        "file": ["f4"],
    }


def test_a_marker_ends_a_report_that_never_ended() -> None:
    console = "kernel BUG at a.c:1!\nmemcg-harness: case shm begin\nKernel panic - not syncing: x\n"
    reports = find_reports(console)
    assert [report.kind for report in reports] == ["bug"], "the panic that follows belongs to the BUG"
    assert "memcg-harness" not in reports[0].text


def test_names_that_are_none_of_ours_begin_nothing() -> None:
    console = "memcg-harness: case ../x begin\nkernel BUG at a.c:1!\n"
    assert list(by_case(console, find_reports(console))) == [""]


def test_no_reports_no_cases() -> None:
    assert by_case("memcg-harness: case anon begin\n", ()) == {}
