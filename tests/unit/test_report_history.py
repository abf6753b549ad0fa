# SPDX-License-Identifier: GPL-2.0-only
"""The history's tables: brought up step by step, refused when newer or damaged; and what is said of it."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli import main
from harness.errors import InfraError, UserError
from harness.pipeline.night import begin
from harness.pipeline.night_plan import NightPlan
from harness.pipeline.night_sum import night_code
from harness.report import history as room
from harness.report.history import NAME, open_history
from harness.report.night import night_answer, read_night, render_night
from harness.verdict import Verdict
from tests.unit.night_sample import Fake, around, entry, run_of, site

_PLAN = NightPlan(name="n", trees=("debian",), plans=("p.yaml",))


def _nights(tmp_path: Path, *verdicts: Verdict) -> Path:
    directory = tmp_path
    with open_history(tmp_path, new=True) as history:
        for verdict in verdicts:
            fake = Fake(a=run_of("r", base=verdict, tree=f"tree-{verdict}"))
            _night, directory = begin(
                _PLAN, tmp_path / "n.yaml", [entry("a")], site(tmp_path), around(history, fake)
            )
    return directory


def test_older_tables_are_brought_up_with_what_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nights(tmp_path, Verdict.PASS)
    steps = (*room._STEPS, "ALTER TABLE nights ADD COLUMN machine TEXT NOT NULL DEFAULT 'here'")
    monkeypatch.setattr(room, "_STEPS", steps)
    with open_history(tmp_path, new=False) as history:
        assert len(history.nights()) == 1
    with sqlite3.connect(tmp_path / NAME) as raw:
        assert raw.execute("SELECT machine FROM nights").fetchall() == [("here",)]
        assert raw.execute("PRAGMA user_version").fetchone() == (len(steps),)


def test_a_step_that_fails_leaves_the_tables_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nights(tmp_path, Verdict.PASS)
    monkeypatch.setattr(room, "_STEPS", (*room._STEPS, "CREATE TABLE half (x); SELECT x FROM nowhere"))
    with pytest.raises(InfraError, match="nowhere"), open_history(tmp_path, new=False):
        pass
    monkeypatch.undo()
    with open_history(tmp_path, new=False) as history:
        assert len(history.nights()) == 1
    with sqlite3.connect(tmp_path / NAME) as raw:
        assert not raw.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall()


def test_newer_tables_and_what_is_none_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "--results", str(tmp_path)]) == 2
    assert "no history yet" in capsys.readouterr().err
    _nights(tmp_path, Verdict.PASS)
    with sqlite3.connect(tmp_path / NAME) as raw:
        raw.execute("PRAGMA user_version = 99")
    assert main(["history", "--results", str(tmp_path)]) == 2
    assert "of version 99; this harness knows up to" in capsys.readouterr().err
    (tmp_path / NAME).write_bytes(b"not a database" * 99)
    assert main(["history", "--results", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "damaged" in line


def test_two_may_bring_it_up_at_once(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def one() -> None:
        try:
            with open_history(tmp_path, new=True) as history:
                history.nights()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_history_on_the_terminal_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _nights(tmp_path, Verdict.PASS, Verdict.FAIL, Verdict.FAIL)
    assert main(["history", "--results", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("FAIL  ")
    assert "still failing" in said
    assert "tree-pass" in said.replace("\n", "")
    assert main(["history", "--results", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["nights"]) == 3
    (change,) = answer["changed"]
    assert change["standing"] == "still failing"
    assert change["last_good"]["tree_fingerprint"] == "tree-pass"
    assert change["first_bad"]["night"] == answer["nights"][1]["night"]
    assert {one["workload"] for one in answer["cases"]} == {"anon", "run"}
    assert main(["history", "--results", str(tmp_path), "--case", "anon"]) == 0
    assert capsys.readouterr().out.count("tree-fail") >= 2
    assert main(["history", "--results", str(tmp_path), "--case", "nothing"]) == 2


def test_the_nights_summary_says_its_verdict_first(tmp_path: Path) -> None:
    directory = _nights(tmp_path, Verdict.PASS, Verdict.FAIL)
    night = read_night(directory)
    out = io.StringIO()
    render_night(night, Console(file=out, width=100))
    assert out.getvalue().startswith("FAIL  1 new failure")
    answer = night_answer(night, directory)
    assert next(iter(answer)) == "verdict"
    assert list(answer)[-1] == "directory"
    assert answer["changed"]["new"][0]["case"] == "a/none/p/plain/base/v1/anon"
    assert night_code(night) == 1


@pytest.mark.parametrize("data", [None, b"{", b"{}", b"\xff"])
def test_a_night_that_is_damaged_is_refused_in_one_line(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "night.json").write_bytes(data)
    with pytest.raises(UserError, match=r"night\.json"):
        read_night(tmp_path)
