# SPDX-License-Identifier: GPL-2.0-only
"""report.html: what stands in it and where, that nothing of it runs or fetches, how large it can grow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.analysis.model import Analysis, Finding
from harness.pipeline.model import PatchText, Run
from harness.report.html import MOST, document
from harness.report.html_console import console_excerpt
from harness.verdict import Verdict
from tests.unit.html_page import Page, check_form, check_harmless
from tests.unit.report_sample import BUG, HOSTILE, case, cell, green, hostile, red, run, unfinished

DIFF = """\
--- a/mm/memcontrol.c
+++ b/mm/memcontrol.c
@@ -260,3 +260,4 @@ int mem_cgroup_charge(void)
 \tstruct mem_cgroup *memcg = NULL;
-\tcharge(memcg);
+\tcharge(memcg);
+\tcharge(memcg); /* <b>twice</b> */
 }
"""


def page(value: Run, directory: Path = Path("/nowhere")) -> Page:
    return Page(document(directory, value))


def finding(**more: object) -> Finding:
    fields: dict[str, object] = {
        "rule": "charge-twice",
        "severity": "error",
        "patch": 2,
        "file": "mm/memcontrol.c",
        "line": 262,
        "function": "mem_cgroup_charge",
        "message": "charged twice",
        "why": "",
        **more,
    }
    return Finding(**fields)  # type: ignore[arg-type]


def with_series(*findings: Finding) -> Run:
    return replace(
        red(),
        texts=(PatchText(number=2, author="A U Thor", diff=DIFF),),
        analysis=Analysis(findings=findings),
    )


@pytest.mark.parametrize("sample", [green, red, unfinished, hostile, lambda: run(())])
def test_each_page_is_well_formed_and_its_links_lead_somewhere(sample: object) -> None:
    check_form(document(Path("/nowhere"), sample()))  # type: ignore[operator]


@pytest.mark.parametrize("sample", [red, hostile])
def test_nothing_runs_and_nothing_is_fetched(sample: object) -> None:
    check_harmless(document(Path("/nowhere"), sample()))  # type: ignore[operator]


def test_the_order_of_a_red_run_verdict_then_table_then_failures() -> None:
    made = page(red())
    said = made.words()
    order = [
        "FAIL default",
        "patched-v1 anon fails where the base passes",
        "first bad patch: 2/3",
        "Verdicts v1 v2 case",
        "Not passed FAIL patched-v1 anon",
        "Checks not kept, or close",
        "Series 1/3",
        "Skipped 1 case: the kernel has no tmpfs",
        "Machine and kernels kernel",
        "How to repeat Each step",
        "Files beside this page",
    ]
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    # the patched kernel's failures before the base's, and infra and broken behind them
    places = [
        said.index(f"{word} {name}")
        for word, name in (
            ("FAIL", "patched-v1 anon"),
            ("FAIL", "base-v1 file"),
            ("INFRA", "patched-v2 file"),
            ("BROKEN", "patched-v1 shmem"),
        )
    ]
    assert places == sorted(places)
    for words in (
        "mm/memcontrol.c:264",
        "try_charge mm/memcontrol.c:264 [inlined]",
        "2 CPUs x 64 pages of stock",
    ):
        assert words in said
    assert "make -C '/t/linux 6.1' O=/c/o -j2 bzImage" in said


def test_base_stands_beside_patched_of_the_same_interface() -> None:
    said = page(red()).words()
    assert "v1 v2 case base patched base patched anon pass FAIL pass pass file FAIL FAIL - INFRA" in said


def test_verdicts_that_need_attention_lead_to_their_case() -> None:
    made = page(red())
    assert {"#case-1", "#case-2", "#case-3", "#case-4", "#case-5"} <= {tag["href"] for tag in made.named("a")}


def test_an_unfinished_run_says_so_first() -> None:
    assert "CUT OFF default" in page(unfinished()).words()


def test_a_finding_stands_below_its_line() -> None:
    said = page(with_series(finding())).words()
    assert re.search(r"<b>twice</b> \*/ error charge-twice, mm/memcontrol.c:262 charged twice \}", said)


def test_a_finding_is_found_by_its_words_when_the_line_moved() -> None:
    moved = finding(line=300, source="\tcharge(memcg); /* <b>twice</b> */")
    assert "twice</b> */ error charge-twice, mm/memcontrol.c:300" in page(with_series(moved)).words()


def test_a_finding_on_no_hunk_stands_at_its_patch_with_its_own_lines() -> None:
    far = finding(file="mm/swap.c", line=9, surroundings=("before", "itself", "after"))
    said = page(with_series(far)).words()
    assert "error charge-twice, mm/swap.c:9 charged twice before itself after" in said


def test_a_complaint_is_remarked_at_the_line_of_the_patch_behind_it() -> None:
    report = replace(
        BUG, line=262, condition="VM_BUG_ON(!memcg)", patches=(2,), because="patch 2 wrote this line"
    )
    cells = (
        cell(
            "patched-v1", (case("anon", Verdict.FAIL, "BUG", "patched-v1", reports=(report,)),), Verdict.FAIL
        ),
    )
    made = page(replace(with_series(), cells=cells, reports=(report,)))
    said = made.words()
    assert (
        "twice</b> */ error console, mm/memcontrol.c:262 kernel BUG in mem_cgroup_charge: VM_BUG_ON(!memcg)"
        in said
    )
    assert "blamed patch 2 (patch 2 wrote this line)" in said


def test_the_console_is_shown_with_what_came_before(tmp_path: Path) -> None:
    log = tmp_path / "patched-v1" / "console.log"
    log.parent.mkdir()
    before = b"".join(b"[ 1.%d] line %d\r\n" % (number, number) for number in range(30))
    log.write_bytes(before + BUG.text.replace("\n", "\r\n").encode() + b"\r\nlater\r\n")
    report = replace(BUG, offset=len(before))
    shown = console_excerpt(tmp_path, red().cells[1].console, report, 10_000)
    assert shown.log == "patched-v1/console.log"
    assert shown.before.split("\n")[0] == "[ 1.18] line 18"
    assert shown.before.split("\n")[-1] == "[ 1.29] line 29"
    assert shown.report == BUG.text
    assert shown.after.split("\n")[0] == "later"


def test_the_console_of_a_second_guest_is_found(tmp_path: Path) -> None:
    directory = tmp_path / "patched-v1"
    directory.mkdir()
    (directory / "console.log").write_bytes(b"x" * 500)
    (directory / "console-2.log").write_bytes(b"early\n" + BUG.text.encode())
    shown = console_excerpt(tmp_path, red().cells[1].console, replace(BUG, offset=6), 10_000)
    assert shown.log == "patched-v1/console-2.log"
    assert shown.before == "early"


def test_a_console_that_is_gone_leaves_the_report() -> None:
    shown = console_excerpt(Path("/nowhere"), red().cells[1].console, BUG, 10_000)
    assert (shown.log, shown.before, shown.report) == ("", "", BUG.text)


def test_hostile_text_is_text_and_no_character_is_unseen() -> None:
    raw = document(Path("/nowhere"), hostile()).decode()
    assert "\u202e" not in raw
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]", raw)
    assert "\\u202eevil" in raw


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', HOSTILE]
)
def test_markup_in_any_place_stays_text(text: str) -> None:
    value = hostile()
    value = replace(
        value,
        reason=text,
        plan=text,
        tree=text,
        texts=(PatchText(number=2, author=text, diff=DIFF.replace("memcontrol.c", f"m{text}.c")),),
        analysis=Analysis(
            findings=(finding(message=text, file=text, surroundings=(text,), rule=text),), tools=(text,)
        ),
        commands=tuple(replace(one, command=text, step=text) for one in value.commands),
        machine={text: text},
    )
    made = page(value)
    assert made.unbalanced == []
    assert not {name for name, _ in made.tags} & {"script", "img"}


def test_a_huge_run_stays_below_the_limit_and_says_what_is_missing() -> None:
    loud = replace(BUG, text="<&\"'>" * 200_000, fingerprint="")
    bad = tuple(
        case(f"w{number}", Verdict.FAIL, "<" * 1000, "patched-v1", reports=(loud,) * 20)
        for number in range(300)
    )
    diff = DIFF + "".join(DIFF.replace("260", str(1000 + 10 * number)) for number in range(20_000))
    value = replace(
        run((cell("patched-v1", bad, Verdict.FAIL),), Verdict.FAIL),
        texts=(PatchText(number=1, author="", diff=diff, left_out=7),),
    )
    raw = document(Path("/nowhere"), value)
    assert len(raw) < MOST
    said = Page(raw).words()
    assert "more cases that did not pass are left out here; run.json has them" in said
    assert "more console reports of this case are left out" in said
    assert "more hunks are left out" in said
    assert "did not keep the last 7 bytes of this patch" in said


def test_the_same_run_gives_the_same_bytes() -> None:
    assert document(Path("/nowhere"), red()) == document(Path("/nowhere"), red())
