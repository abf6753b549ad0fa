# SPDX-License-Identifier: GPL-2.0-only
"""What ``harness apply`` prints."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from harness.report.application import Output, application_answer, render_application
from harness.tree.model import Applied, Conflict, HunkLanding, PatchLanding

CONFLICT = Conflict(
    line=595, count=2, ours=("\tours[red]();", "\tb();"), base=("\tbase();",), theirs=("\ttheirs();",)
)
HUNKS = (
    HunkLanding(file="mm/x.c", hunk=1, status="clean", line=12),
    HunkLanding(
        file="mm/x.c", hunk=2, status="conflict", reason="they differ", line=590, conflicts=(CONFLICT,)
    ),
    HunkLanding(file="mm/\x1b[31m\udcff.c", hunk=1, status="rejected", reason="why", candidates=(3, 9)),
)
LANDINGS = (
    PatchLanding(number=1, subject="first [bold]", status="applied", hunks=HUNKS[:1]),
    PatchLanding(number=2, subject="second", status="rejected", hunks=HUNKS),
    PatchLanding(
        number=3,
        subject="third",
        status="applied",
        provisional=True,
        hunks=(
            HunkLanding(file="mm/y.c", hunk=1, status="fuzz", offset=-2, fuzz=1, reason="ends", line=7),
            HunkLanding(file="mm/y.c", hunk=2, status="repaired", guessed=3, line=9),
        ),
    ),
)
BROKEN = Applied(landings=LANDINGS, prefixes=({}, {"mm/x.c": b""}))
WHOLE = Applied(landings=LANDINGS[:1], prefixes=({}, {"mm/x.c": b""}))
OUTPUT = Output(directory=Path("/home/me/out"), patches=1, changed=("mm/x.c",))


def page(applied: Applied, output: Output | None = None) -> str:
    stream = io.StringIO()
    render_application(applied, Console(file=stream, width=100), output)
    return stream.getvalue()


def test_page_says_what_is_in_the_way() -> None:
    text = page(BROKEN)
    assert text.startswith("DOES NOT APPLY  1 of 3 patches go on")
    assert "first [bold]" in text
    assert "1 clean, 1 conflict, 1 rejected" in text
    assert "1 fuzz, 1 repaired, provisional" in text
    assert "2: CONFLICT  mm/x.c:590 hunk 2" in text
    marked = [line.strip() for line in text.splitlines()]
    first = marked.index("<<<<<<< the tree, line 595")
    assert marked[first : first + 8] == [
        "<<<<<<< the tree, line 595",
        "ours[red]();",
        "b();",
        "||||||| what the patch expected",
        "base();",
        "=======",
        "theirs();",
        ">>>>>>> what the patch wants",
    ]
    assert "3: fuzz  mm/y.c:7 hunk 1  offset -2; fuzz 1; ends" in text
    assert "3 lines guessed" in text
    assert "\x1b" not in text


def test_page_of_a_series_that_applies_and_was_written() -> None:
    text = page(WHOLE, OUTPUT)
    assert text.startswith("applies  all 1 patches go on")
    assert "/home/me/out: 1 patches on it, 1 files changed" in text


def test_many_hunks_are_bounded() -> None:
    hunks = tuple(HunkLanding(file="x.c", hunk=n, status="rejected", reason="why") for n in range(500))
    landing = PatchLanding(number=1, subject="s", status="rejected", hunks=hunks)
    text = page(Applied(landings=(landing,), prefixes=({},)))
    assert "and 460 more hunks" in text
    assert text.count("why") == 40


def test_answer_keeps_the_contract() -> None:
    answer = json.loads(json.dumps(application_answer(BROKEN, OUTPUT)).encode("utf-8"))
    assert answer["applied"] is False
    patch = answer["patches"][1]
    assert (patch["number"], patch["status"], patch["provisional"]) == (2, "rejected", False)
    hunk = patch["hunks"][1]
    assert {key: hunk[key] for key in ("file", "status", "offset", "fuzz", "reason")} == {
        "file": "mm/x.c",
        "status": "conflict",
        "offset": 0,
        "fuzz": 0,
        "reason": "they differ",
    }
    assert hunk["conflicts"][0]["theirs"] == ["\ttheirs();"]
    assert patch["hunks"][2]["candidates"] == [3, 9]
    assert "\\udcff" not in json.dumps(answer, ensure_ascii=True)
    assert answer["output"] == {"directory": "/home/me/out", "patches": 1, "changed": ["mm/x.c"]}
    assert application_answer(WHOLE)["applied"] is True
