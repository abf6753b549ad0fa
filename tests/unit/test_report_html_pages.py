# SPDX-License-Identifier: GPL-2.0-only
"""The pages of nights and bisections, and the list of all results: what stands in them, links, bounds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from harness.cli import main
from harness.errors import UserError
from harness.pipeline.bisect_model import Told
from harness.report.bisect import read_bisection
from harness.report.html import MOST, file_below, page_below
from harness.report.html_bisect import bisection_page
from harness.report.html_index import found, index
from harness.report.html_night import night_page
from harness.report.html_strip import strips
from harness.report.night import read_night
from harness.verdict import Verdict
from tests.unit.html_page import Page, check_form, check_harmless
from tests.unit.pages_sample import bisection, hostile_bisection, hostile_night, keep_bisection, results


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results(tmp_path_factory.mktemp("results"))


def _last_night(kept: Path) -> Path:
    return max(path.parent.resolve() for path in kept.glob("*/night.json"))


def _read(path: Path) -> Page:
    raw = path.read_bytes()
    check_harmless(raw)
    page = check_form(raw)
    for attributes in page.named("a"):
        reference = attributes["href"] or ""
        assert reference.startswith("#") or (path.parent / unquote(reference)).is_file(), reference
    return page


def test_a_night_says_what_is_new_first_and_leads_to_each_run(kept: Path) -> None:
    directory = _last_night(kept)
    page = _read(directory / "report.html")
    words = page.words()
    parts = (
        "FAIL Night n",
        "new failure 1 case",
        "still failing 1 case",
        "flaky 1 case",
        "fixed 1 case",
        "p / plain",
    )
    at = [words.find(part) for part in parts]
    assert -1 not in at
    assert at == sorted(at)
    assert "flaky, failed in 2 of 4 nights" in words
    assert "slow/s/p/plain: left out: the budget of 120 min was used up" in words
    assert "gone/s/p/plain 0.0 s QEMU: cannot allocate memory" in words
    assert "first bad patch 2: memcg: charge twice, confidence 0.984" in words
    links = [attributes["href"] for attributes in page.named("a")]
    assert "./new%2Cs%2Cp%2Cplain/20261124-020000-bisect-p/report.html" in links
    assert len([one for one in links if one and one.startswith("./new%2Cs%2Cp%2Cplain/run-new")]) == 3


def test_a_night_that_goes_on_says_so_and_what_waits(kept: Path) -> None:
    directory = _last_night(kept)
    night = read_night(directory)
    raw = night_page(directory, replace(night, finished="", outcomes=night.outcomes[:1]))
    page = check_form(raw)
    assert "NOT ENDED" in page.words()
    assert page.words().count("not begun, or not ended") == len(night.entries) - 1


def test_a_night_without_outcomes_and_one_in_which_all_pass(kept: Path) -> None:
    directory = min(path.parent for path in kept.glob("*/night.json"))
    assert "Nothing fails, or began to pass, in this night." in _read(directory / "report.html").words()
    night = replace(read_night(directory), outcomes=(), finished="")
    assert "No entry has ended." in check_form(night_page(directory, night)).words()


def test_a_bisection_has_its_steps_its_patch_and_both_consoles(kept: Path) -> None:
    directory = kept / bisection().run
    page = _read(directory / "report.html")
    words = page.words()
    assert "2/3 memcg: charge twice" in words
    assert "confidence 0.984: the whole series fails in about 80% of tries" in words
    raw = (directory / "report.html").read_text()
    marked = re.findall(r'<ins class="add named">\+(.*)', raw)
    assert [one.strip() for one in marked] == ["VM_BUG_ON(!nr_pages);"], "the line that the console names"
    assert raw.index("VM_BUG_ON") < raw.index("mm/memcontrol.c:264") < raw.index("mem_cgroup_is_root")
    assert "end of the console 01-1/console.log" in words
    assert "all well" in words
    assert "invalid opcode: 0000 [#1] SMP" in words
    assert [attributes.get("class") for attributes in page.named("tr")].count("answer") == 1
    assert "the run of the whole series" in words


def test_a_bisection_without_its_run_has_the_hunk_that_was_kept(tmp_path: Path) -> None:
    hunk = "@@ -263,2 +263,3 @@\n \tbefore();\n+\tbroken();\n \tafter();\n"
    raw = bisection_page(tmp_path, replace(bisection(), hunk=hunk)).decode()
    assert '<ins class="add named">+\tbroken();' in raw
    assert "Its console is gone." in raw
    assert "The patch itself was not kept." in bisection_page(tmp_path, bisection()).decode()


@pytest.mark.parametrize("tries", [0, 3, 6])
def test_a_bisection_that_goes_on(tmp_path: Path, tries: int) -> None:
    known = bisection()
    known = replace(
        known, tries=known.tries[:tries], first_bad=None, finished="", commands=(),
        verdict=Verdict.BROKEN, hunted=known.hunted if tries else None,
    )  # fmt: skip
    words = check_form(bisection_page(tmp_path, known)).words()
    assert "NOT ENDED" in words
    assert "There is no answer to repeat." in words


def test_a_bisection_that_names_several(tmp_path: Path) -> None:
    known = bisection()
    tries = (*known.tries[:6], replace(known.tries[6], number=1, told=Told.SKIP, directory=""))
    known = replace(known, first_bad=None, candidates=(1, 2), tries=tries)
    words = check_form(bisection_page(tmp_path, known)).words()
    assert words.count("may be the first bad patch") == 2


_EVIL = "</script></style></pre><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e\x00"


@pytest.mark.parametrize("text", ["", _EVIL, "x" * 3_000])
def test_hostile_text_stays_text_and_the_pages_bounded(text: str, tmp_path: Path) -> None:
    night = hostile_night(text) if text else hostile_night()
    known = hostile_bisection(text) if text else hostile_bisection()
    for raw in (night_page(tmp_path, night), bisection_page(tmp_path, known)):
        check_harmless(raw)
        page = check_form(raw)
        assert len(raw) < MOST
        assert "more " in page.words()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", raw.decode())
        assert "/etc" not in "".join(attributes["href"] or "" for attributes in page.named("a"))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "x" * 300, "x\0y", "\ud800", ""])
def test_no_link_leads_out_of_the_directory(name: str, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "x").write_text("")
    assert file_below(inner, name) == page_below(inner, name) == ""


def test_the_list_tells_nights_runs_and_bisections_apart(kept: Path) -> None:
    page = _read(index(kept))
    words = page.words()
    assert "4 nights, newest first" in words
    assert "1 run, newest first" in words
    assert "1 bisection, newest first" in words
    assert "patch 2/3 is the first bad one: memcg: charge twice" in words
    links = [attributes["href"] or "" for attributes in page.named("a")]
    assert f"./{_last_night(kept).name}/report.html" in links
    assert f"./{bisection().run}/report.html" in links


def test_cases_have_a_mark_for_each_night_in_letters_too(kept: Path) -> None:
    marks = {one.case.split("/")[0]: one for one in strips(kept).cases}
    letters = {name: "".join(mark.letter for mark in one.stripes) for name, one in marks.items()}
    assert letters == {"new": "pppF", "still": "pFFF", "flaky": "pFpF", "fixed": "pFFp", "gone": "ppBI"}
    assert list(marks) == ["new", "still", "flaky", "fixed", "gone"], "gravest first"
    raw = index(kept).read_text()
    assert re.search(r'<a class="fail" href="[^"]*run-new/report.html" title="[^"]*: fail">F</a>', raw)


def test_a_damaged_history_is_a_remark_and_no_end(tmp_path: Path) -> None:
    keep_bisection(tmp_path / bisection().run)
    (tmp_path / "history.sqlite").write_text("no database " * 100)
    (tmp_path / "20261201-night").mkdir()
    (tmp_path / "20261201-night" / "night.json").write_text("{")
    words = _read(index(tmp_path)).words()
    assert "history.sqlite: damaged" in words
    assert "night.json cannot be read" in words


def test_report_makes_each_page_again(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    night, bisected = _last_night(kept), kept / bisection().run
    for directory, name, files in (
        (night, "night.json", ["junit.xml", "report.html"]),
        (bisected, "bisect.json", ["report.html"]),
    ):
        before = (directory / "report.html").read_bytes()
        (directory / "report.html").unlink()
        assert main(["report", str(directory)]) == 1
        assert (directory / "report.html").read_bytes() == before
        capsys.readouterr()
        assert main(["report", str(directory / name), "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["files"] == [str(directory / one) for one in files]
    (bisected / "report.html").unlink()
    assert main(["report", str(kept), "--json"]) == 0
    assert (bisected / "report.html").is_file()
    said = json.loads(capsys.readouterr().out)
    assert [len(said[kind]) for kind in ("nights", "runs", "bisections")] == [4, 1, 1]
    assert said["nights"][0]["verdict"] == "fail"
    assert said["bisections"][0]["report"] == f"{bisected.name}/report.html"


def test_a_directory_with_nothing_is_refused(tmp_path: Path) -> None:
    assert not found(tmp_path)
    with pytest.raises(UserError):
        read_bisection(tmp_path)
