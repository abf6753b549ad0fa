# SPDX-License-Identifier: GPL-2.0-only
"""Consoles in tests/data/console, each headed by title | kind | severity | function | file:line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.console.detector import MOST, Detector, find_reports
from harness.console.lines import LONGEST
from harness.console.model import Report
from harness.console.table import load_heads
from harness.errors import UserError

DATA = Path(__file__).parent.parent / "data" / "console"
CONSOLES = sorted(DATA.glob("*.txt"))


def recorded(path: Path) -> tuple[list[str], bytes]:
    head, _, body = (
        path.read_bytes().partition(b"\n\n")
        if path.read_bytes()[:1] == b"#"
        else (b"", b"", path.read_bytes())
    )
    return [line.removeprefix("# ") for line in head.decode().splitlines()], body


def summary(report: Report) -> str:
    place = f"{report.file}:{report.line}" if report.file else ""
    fields = (report.title, report.kind, report.severity, report.function, place)
    return re.sub(r" +", " ", " | ".join(fields)).strip()


@pytest.mark.parametrize("path", CONSOLES, ids=lambda path: path.stem)
def test_recorded_console(path: Path) -> None:
    expected, body = recorded(path)
    reports = find_reports(body.decode("utf-8", "replace"))
    assert [summary(report) for report in reports] == expected


def test_there_are_real_and_clean_consoles() -> None:
    assert recorded(DATA / "6.1-clean-boot.txt")[0] == []
    assert len(CONSOLES) > 20


@pytest.mark.parametrize("path", CONSOLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_pieces_give_what_the_whole_gives(path: Path, size: int) -> None:
    _, body = recorded(path)
    detector = Detector()
    pieces: list[Report] = []
    for at in range(0, len(body), size):
        pieces += detector.feed(body[at : at + size])
    pieces += detector.finish()
    whole = Detector()
    assert tuple(pieces) == whole.feed(body) + whole.finish()


def test_each_example_is_found_by_its_own_row() -> None:
    heads = load_heads()
    for row in heads.table.rows:
        found = heads.find(row.example)
        assert found is not None
        assert found[0].name == row.name


def test_offset_is_where_the_report_begins() -> None:
    _, body = recorded(DATA / "6.1-vm-bug-on-folio.txt")
    (report,) = find_reports(body.decode())
    assert body[report.offset :].split(b"\n")[0].endswith(b"VM_BUG_ON_FOLIO(folio_memcg(folio))")
    assert "VM_BUG_ON_FOLIO(folio_memcg(folio))" in report.text


def test_a_fatal_report_is_known_at_its_first_line() -> None:
    detector = Detector()
    assert detector.feed("[    1.0]\n[    5.000000] ------------[ cut here ]------------\n") == ()
    assert detector.pending is not None
    assert detector.pending.severity == "bad"
    detector.feed("[    5.000000] kernel BUG at mm/memcontrol.c:264!\n")
    assert detector.pending.severity == "fatal"
    assert detector.pending.title == "kernel BUG at mm/memcontrol.c:264!"


def test_bug_without_instruction_pointer_is_named_by_its_place() -> None:
    (report,) = find_reports("kernel BUG at mm/memcontrol.c:264!\n")
    assert report.title == "kernel BUG at mm/memcontrol.c:264!"
    assert report.corrupted


def test_two_reports_back_to_back_are_two() -> None:
    _, body = recorded(DATA / "2.6.27-warning.txt")
    assert len(find_reports(body.decode() * 2)) == 2


@pytest.mark.parametrize(
    "line",
    [
        "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
        "rcu: INFO: rcu_sched self-detected stall on CPU",
        "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-... } 26 jiffies s: 1",
        "INFO: rcu_sched_state detected stall on CPU 0 (t=6000 jiffies)",
        "INFO: rcu_bh_state detected stalls on CPUs/tasks: { 1} (detected by 0, t=6002 jiffies)",
        "INFO: RCU detected CPU 0 stall (t=1000 jiffies)",
        "INFO: RCU detected CPU stalls: 1 (detected by 0, t=1002 jiffies)",
        "RCU detected CPU stalls: 1 (detected by 0, t=750/750)",
        "INFO: rcu_tasks detected stalls on tasks:",
    ],
)
def test_every_wording_of_an_rcu_stall(line: str) -> None:
    (report,) = find_reports(f"[   60.000001] {line}\n")
    assert report.title == "INFO: rcu detected stall in corrupted"


@pytest.mark.parametrize(
    "line",
    [
        "Kernel command line: console=ttyS0 oops=panic panic=-1",
        "Spectre V2 : WARNING: Unprivileged eBPF is enabled",
        "WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!",
        "init[36] general protection fault ip:40285f sp:7ffe error:0",
        "traps: anon[71] general protection ip:40285f sp:7ffe error:0",
        "rcu: RCU event tracing is enabled.",
        "rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.",
        "NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.",
        "debug: BUG: is only said here",
        "x86/fpu: Supporting XSAVE feature 0x001: 'x87 floating point registers'",
    ],
)
def test_harmless_lines_are_no_reports(line: str) -> None:
    assert find_reports(f"[    1.000000] {line}\n{line}\n") == ()


HUNG = (
    "INFO: task rmdir:88 blocked for more than 120 seconds.\n"
    "Call Trace:\n schedule+0x29/0x70\n rmdir_now+0x1/0x2\nNMI backtrace for cpu 0\n"
)


def test_a_panic_soon_after_a_report_is_its_consequence() -> None:
    (report,) = find_reports(HUNG + "quiet\n" * 5 + "Kernel panic - not syncing: hung_task: x\n")
    assert (report.title, report.severity) == ("INFO: task hung in rmdir_now", "fatal")


def test_a_panic_long_after_a_report_is_its_own() -> None:
    reports = find_reports(HUNG + "quiet\n" * 30 + "Kernel panic - not syncing: No working init found.\n")
    assert [report.kind for report in reports] == ["hung", "panic"]
    assert reports[0].severity == "bad"


def test_an_oops_in_the_stack_of_another_report_is_its_own() -> None:
    text = "kernel BUG at a.c:1!\nOops: invalid opcode: 0000 [#1] SMP\nCall Trace:\n f+0x1/0x2\n"
    text += "Oops: 0000 [#2] SMP\n"
    assert [report.kind for report in find_reports(text)] == ["bug", "oops"]


def test_text_is_bounded_and_printable() -> None:
    noise = "".join(f"[    5.000000] \x1b[31mline {n} {'x' * 3000}\x07\n" for n in range(500))
    (report,) = find_reports("[    5.000000] Kernel panic - not syncing: \x1b[1mx\x07y\n" + noise)
    assert report.title == "kernel panic: xy"
    assert len(report.text) <= 16 * 1024
    assert report.text.replace("\n", "").isprintable()
    (report,) = find_reports("Kernel panic - not syncing: x\n" + "short\n" * 500)
    assert len(report.text.splitlines()) == 200


def test_a_line_without_end_is_cut_and_the_next_is_read() -> None:
    detector = Detector()
    for _ in range(1000):
        assert detector.feed(b"A" * 100_000) == ()
    assert len(detector._lines._kept) == LONGEST
    detector.feed(b"\nkernel BUG at mm/memcontrol.c:264!\n")
    assert detector.pending is not None
    assert detector.pending.offset == 100_000_001


def test_a_flood_of_reports_is_bounded() -> None:
    assert len(find_reports("BUG: Bad rss-counter state mm:0 type:0 val:1\n" * (MOST + 50))) == MOST


REST = (
    "skip: []\nkeep: k\ndispatch: []\nticks: []\nnames: []\nmuddle: m\n"
    "boots: {firmware: f, kernel: k, announced: a, words: [f], title: t}\n"
)


def test_notes_by_the_hundred_hide_nothing() -> None:
    notes = "Memory cgroup out of memory: Killed process 35 (init)\n" * (MOST * 3)
    reports = find_reports(notes + "kernel BUG at mm/memcontrol.c:264!\n")
    assert [report.severity for report in reports] == ["note"] * MOST + ["fatal"]


def test_a_pattern_that_is_none_is_the_users_error(tmp_path: Path) -> None:
    table = tmp_path / "console.yaml"
    table.write_text(
        f"{REST}rows:\n"
        "- {name: a, kind: k, severity: bad, pattern: '(', title: t, ends: line, word: e, example: e}\n"
    )
    with pytest.raises(UserError, match=r"console.yaml: row 'a': '\(' is no pattern"):
        load_heads(table)


def test_a_name_that_is_no_row_is_the_users_error(tmp_path: Path) -> None:
    table = tmp_path / "console.yaml"
    table.write_text(
        f"{REST}rows:\n"
        "- {name: a, kind: k, severity: bad, pattern: x, title: t, ends: line, word: e, example: e,"
        " takes: [b]}\n"
    )
    with pytest.raises(UserError, match="row 'a': 'b' is no row"):
        load_heads(table)
