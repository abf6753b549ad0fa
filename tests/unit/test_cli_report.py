# SPDX-License-Identifier: GPL-2.0-only
"""``harness report``: a kept run's reports made again, runs listed, bad input refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.cli import main
from harness.pipeline.model import Run
from harness.report.runfile import write_run
from tests.unit.report_sample import green, red


def kept(results: Path, run: Run) -> Path:
    directory = results / run.run
    directory.mkdir(parents=True)
    write_run(directory, run)
    return directory


def test_all_reports_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = kept(tmp_path, red())
    assert main(["report", str(directory), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["run"], said["verdict"]) == (red().run, "fail")
    assert said["files"] == [str(directory / name) for name in ("junit.xml", "repeat.sh", "report.html")]
    assert all(Path(name).is_file() for name in said["files"])


def test_the_run_is_named_by_its_file_too_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = kept(tmp_path, green())
    assert main(["report", str(directory / "run.json")]) == 0
    assert "report.html" in capsys.readouterr().out
    assert (directory / "report.html").is_file()


def test_runs_are_listed_newest_first_once_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(tmp_path, replace(green(), run="20261123-060000-a"))
    newest = kept(tmp_path, replace(red(), run="20261124-060000-b", reason="<script>"))
    kept(tmp_path / "20261122-faults", replace(green(), run="20261122-060000-c"))
    (tmp_path / "latest").symlink_to(newest.name)
    (tmp_path / "20261121-broken").mkdir()
    (tmp_path / "20261121-broken" / "run.json").write_text("{")
    assert main(["report", str(newest), "--json"]) == 1
    capsys.readouterr()
    assert main(["report", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["directory"] for one in said["runs"]] == [
        "20261124-060000-b",
        "20261123-060000-a",
        "20261122-faults/20261122-060000-c",
        "20261121-broken",
    ]
    page = (tmp_path / "index.html").read_text()
    assert 'href="./20261124-060000-b/report.html"' in page
    assert "run.json cannot be read" in page
    assert "<script>" not in page


@pytest.mark.parametrize("where", ["../out.svg", "/tmp/out.svg"])
def test_a_run_that_names_files_outside_is_refused(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = red()
    cells = (replace(bad.cells[0], cases=(replace(bad.cells[0].cases[0], drift=where),)),)
    assert main(["report", str(kept(tmp_path, replace(bad, cells=cells)))]) == 2
    assert "outside of the run's directory" in capsys.readouterr().err


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert main(["report", str(tmp_path / "nothing")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert not list(tmp_path.iterdir())
