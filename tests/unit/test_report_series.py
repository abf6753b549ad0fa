# SPDX-License-Identifier: GPL-2.0-only
"""Series, repairs and bases on the terminal and as JSON: the contract's keys, and nobody else's markup."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from rich.console import Console

from harness.report.base import base_answer, render_base
from harness.report.series import render_repairs, render_series, repair_answer, series_answer
from harness.series.model import DamagedFile, FileChange, Patch, Series
from harness.series.repair import GuessedLine, Repair
from harness.tree.base import Candidate
from harness.tree.base_score import HunkScore
from harness.tree.base_virtual import LeftOut, Virtual
from tests.unit.report_sample import HOSTILE

XTERM = {"TERM": "xterm"}
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

CHANGE = FileChange(
    path="mm/memcontrol.c", kind="modified", old_path="mm/memcontrol.c", added=5, removed=3, hunks=2
)
ADDED = msgspec.structs.replace(
    CHANGE, path="include/linux/page_cgroup.h", kind="added", added=100, removed=0
)
PATCH = Patch(
    number=1,
    total=3,
    subject="memcg: atomic flags",
    author="A Uthor <a@example.org>",
    message_id="1@example.org",
    diff=b"secret",
    files=(CHANGE, ADDED),
    origin="series.mbox",
)
DAMAGED = msgspec.structs.replace(
    PATCH,
    number=3,
    subject="memcg: lockless",
    diff=b"",
    damaged=(DamagedFile(path="mm/memcontrol.c", kind="modified", hunks=()),),
)
SERIES = Series(name="s", version=2, patches=(PATCH, DAMAGED), missing=(2,), notes=("left out: a reply",))

GUESS = GuessedLine(
    file="mm/memcontrol.c", hunk=4, line=7, text="+\t\tgoto retry;", confidence=0.55, reason="like 612"
)
SURE = msgspec.structs.replace(GUESS, line=9, text="+\treturn 0;", confidence=0.99)
REPAIRS = (
    Repair(patch=DAMAGED, status="flagged", lines_recovered=40, lines_guessed=2, guesses=(SURE, GUESS)),
    Repair(patch=PATCH, status="refused", reason="hunk 3 stands nowhere"),
)

HUNK = HunkScore(patch=1, file="mm/memcontrol.c", hunk=6, status="rejected")
FUZZY = HunkScore(patch=4, file="mm/memcontrol.c", hunk=5, status="fuzzy", offset=14, fuzz=2)
LEFT_OUT = LeftOut(commit="31a78f23bac0" + "0" * 28, subject="mm owner: fix race", files=("mm/memcontrol.c",))
CANDIDATE = Candidate(
    commit="47c59803becb" + "0" * 28,
    describe="v2.6.27-12-g47c59803becb",
    date="2008-10-20T08:52:38-07:00",
    subject="devcgroup: remove spin_lock()",
    applied=False,
    clean=14,
    offset=24,
    fuzzy=3,
    rejected=4,
    first="64d6519dda39" + "0" * 28,
    last="47c59803becb" + "0" * 28,
    reason="context",
    differing=(HUNK, FUZZY),
    virtual=Virtual(
        commits=(LEFT_OUT, msgspec.structs.replace(LEFT_OUT, changes="2 of 5")),
        clean=35,
        offset=5,
        fuzzy=3,
        rejected=2,
        differing=(HUNK,),
    ),
)


def page(render: Callable[[Any, Console], object], value: object, width: int = 100, **options: Any) -> str:
    stream = io.StringIO()
    render(value, Console(file=stream, width=width, _environ=XTERM, **options))
    return stream.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_series_as_json() -> None:
    answer = json.loads(msgspec.json.encode(series_answer(SERIES)))
    assert (answer["name"], answer["version"], answer["missing"]) == ("s", 2, [2])
    assert answer["notes"] == ["left out: a reply"]
    first, last = answer["patches"]
    assert {key: first[key] for key in ("number", "total", "subject", "author", "message_id", "damaged")} == {
        "number": 1,
        "total": 3,
        "subject": "memcg: atomic flags",
        "author": "A Uthor <a@example.org>",
        "message_id": "1@example.org",
        "damaged": False,
    }
    assert (
        first["files"][0].items() >= {"path": "mm/memcontrol.c", "added": 5, "removed": 3, "hunks": 2}.items()
    )
    assert last["damaged"] is True
    assert "secret" not in str(answer)


def test_a_series_on_the_terminal() -> None:
    text = words(page(render_series, SERIES))
    assert "s v2 2 patches" in text
    assert "1/3 memcg: atomic flags A Uthor mm/memcontrol.c 5 3" in text
    assert "include/linux/page_cgroup.h added 100 0" in text
    assert "3/3 memcg: lockless DAMAGED" in text
    assert "MISSING: patch 2" in text
    assert "note: left out: a reply" in text


def test_a_whole_series_has_nothing_to_complain_about() -> None:
    text = page(render_series, Series(name="s", version=1, patches=(PATCH,)))
    assert not re.search("MISSING|DAMAGED|note:", text)
    assert "1 patch\n" in text


def test_repairs_as_json() -> None:
    flagged, refused = json.loads(msgspec.json.encode(repair_answer(REPAIRS)))["patches"]
    assert (flagged["number"], flagged["status"]) == (3, "flagged")
    assert (flagged["lines_recovered"], flagged["lines_guessed"]) == (40, 2)
    assert flagged["guesses"][1] == {
        "file": "mm/memcontrol.c",
        "hunk": 4,
        "line": 7,
        "text": "+\t\tgoto retry;",
        "confidence": 0.55,
        "reason": "like 612",
    }
    assert (refused["status"], refused["reason"]) == ("refused", "hunk 3 stands nowhere")


def test_guesses_are_shown_with_their_white_space_the_least_sure_first() -> None:
    text = page(render_repairs, REPAIRS)
    assert "FLAGGED  3/3 memcg: lockless" in text
    assert "40 lines recovered, 2 guessed" in text
    assert "+               goto retry;" in text
    assert text.index("55 %") < text.index("99 %")
    assert "REFUSED  1/3" in text
    assert "hunk 3 stands nowhere" in text
    assert "No patch is damaged" in page(render_repairs, ())


def test_many_guesses_are_counted() -> None:
    many = msgspec.structs.replace(REPAIRS[0], guesses=(GUESS,) * 1000)
    text = page(render_repairs, (many,))
    assert text.count("goto retry") == 60
    assert "and 940 more" in text


def test_candidates_as_json() -> None:
    (one,) = json.loads(msgspec.json.encode(base_answer((CANDIDATE,))))["candidates"]
    assert (
        one.items()
        >= {
            "commit": CANDIDATE.commit,
            "describe": "v2.6.27-12-g47c59803becb",
            "applied": False,
            "clean": 14,
            "offset": 24,
            "fuzzy": 3,
            "rejected": 4,
            "reason": "context",
        }.items()
    )
    assert [entry["changes"] for entry in one["virtual"]["commits"]] == ["all", "2 of 5"]


def test_candidates_on_the_terminal() -> None:
    text = words(page(render_base, (CANDIDATE,) * 12, 120))
    assert "does not apply whole best base: v2.6.27-12-g47c59803becb" in text
    assert "from 64d6519dda39 to 47c59803becb" in text
    assert "v2.6.27-12-g47c59803becb 2008-10-20 14 24 3 4 devcgroup: remove" in text
    said = msgspec.structs.replace(CANDIDATE, reason="base-commit trailer")
    assert "14 24 3 4 base-commit trailer devcg" in words(page(render_base, (said, CANDIDATE), 120))
    assert "and 2 worse ones" in text
    assert "rejected patch 1 mm/memcontrol.c #6" in text
    assert "fuzzy patch 4 mm/memcontrol.c #5 fuzz 2, offset 14" in text
    assert "31a78f23bac0 mm owner: fix race" in text
    assert "change 2 of 5 in mm/memcontrol.c" in text
    assert "35 clean, 5 offset, 3 fuzzy, 2 rejected" in text
    assert "No commit touches" in page(render_base, ())
    good = msgspec.structs.replace(CANDIDATE, applied=True, differing=(), virtual=None)
    assert "applies best base" in words(page(render_base, (good,)))


def hostile() -> list[tuple[object, object]]:
    change = msgspec.structs.replace(CHANGE, path=HOSTILE)
    patch = msgspec.structs.replace(
        PATCH, subject=HOSTILE * 50, author=HOSTILE, files=(change,) * 30, fixes=HOSTILE
    )
    series = Series(name=HOSTILE, version=1, patches=(patch,), notes=(HOSTILE,) * 500, base_commit=HOSTILE)
    guess = msgspec.structs.replace(GUESS, file=HOSTILE, text=HOSTILE * 999, reason=HOSTILE)
    repair = Repair(patch=patch, status="flagged", guesses=(guess,), reason=HOSTILE)
    hunk = msgspec.structs.replace(HUNK, file=HOSTILE)
    left_out = msgspec.structs.replace(LEFT_OUT, subject=HOSTILE, files=(HOSTILE,), changes="1 of 2")
    assert CANDIDATE.virtual is not None
    virtual = msgspec.structs.replace(CANDIDATE.virtual, commits=(left_out,))
    candidate = msgspec.structs.replace(
        CANDIDATE, describe=HOSTILE, subject=HOSTILE, differing=(hunk,) * 99, virtual=virtual
    )
    return [(render_series, series), (render_repairs, (repair,)), (render_base, (candidate,) * 99)]


@pytest.mark.parametrize(("render", "value"), hostile(), ids=["series", "repairs", "base"])
def test_text_of_others_is_shown_not_obeyed(render: Callable[[Any, Console], object], value: object) -> None:
    for width, terminal in ((80, False), (300, False), (300, True)):
        raw = page(render, value, width, force_terminal=terminal)
        text = ESCAPE.sub("", raw)
        assert max(map(len, text.splitlines())) <= (120 if terminal else 100)
        assert len(text.splitlines()) < 700
        for bad in ("\x1b", "\x00", "\u202e", "\x07"):
            assert bad not in text
    assert "[bold]" in text.replace("\n", "")


@pytest.mark.parametrize("answer", ["series", "repairs", "base"])
def test_hostile_text_is_still_json(answer: str) -> None:
    make = {"series": series_answer, "repairs": repair_answer, "base": base_answer}[answer]
    value = hostile()[["series", "repairs", "base"].index(answer)][1]
    msgspec.json.encode(make(value))  # type: ignore[operator]
