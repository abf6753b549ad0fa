# SPDX-License-Identifier: GPL-2.0-only
"""Each command of docs/jenkins.md works, and leaves what the steps behind it read; here without a guest."""

from __future__ import annotations

import json
import os
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.cli import _parser
from harness.paths import PROJECT
from harness.pipeline.plan import load_plan
from harness.report.junit import suites_of
from harness.report.junitnames import scope_of_run
from harness.verdict import Verdict
from tests.docs_pages import Page, harness_words, run
from tests.unit.docs_toy import BAD, toy_workspace
from tests.unit.report_sample import red
from tests.unit.report_sample import run as made_up

_PAGE = Page("jenkins.md")
_NIGHT, _SERIES = _PAGE.blocks("groovy")


def _step(job: str, word: str) -> str:
    """The one shell step of *job* that calls ``harness`` with *word*."""
    (command,) = [one for one in _PAGE.shell_steps() if one in job and harness_words(one).startswith(word)]
    return command


def test_the_page_has_what_it_is_for() -> None:
    assert len(_PAGE.commands()) == 9
    for job in (_NIGHT, _SERIES):
        assert job.count("{") == job.count("}")
        assert job.count("(") == job.count(")")
        assert job.count("[") == job.count("]")


@pytest.mark.parametrize("command", [one for one in _PAGE.commands() if harness_words(one)])
def test_a_command_is_one(command: str) -> None:
    options = _parser().parse_args(shlex.split(harness_words(command)))
    if "run" in command.split():
        assert load_plan(PROJECT / options.plan)


@pytest.mark.parametrize("job", [_NIGHT, _SERIES], ids=["night", "series"])
def test_a_failing_kernel_ends_no_stage_and_the_shell_puts_parameters_in(job: str) -> None:
    steps = re.findall(r"\bsh\b.*", job)
    for step in steps:
        assert re.fullmatch(r"sh(?:\(returnStatus: true, script:)? '[^']*'\)?", step), step
        works = any(f"harness {word}" in step for word in ("nightly", "run", "analyze"))
        assert ("returnStatus: true" in step) is works
    assert len(re.findall(r"if \(code > 1\) \{\s+error\(", job)) == job.count("returnStatus")
    for word in re.findall(r"\$\w+", "".join(steps)):
        assert f'"{word}"' in job, "one word, whatever it holds"
    stages = job.split("stage(")[1:]
    for publisher in ("junit ", "recordIssues "):
        for stage in stages:
            if publisher in stage:
                assert publisher in stage.split("always {")[1]


@pytest.mark.slow
def test_the_job_of_a_night_reads_what_the_command_leaves(tmp_path: Path, toy_source: Path) -> None:
    workspace = toy_workspace(tmp_path, toy_source)
    more = f"--results {workspace / 'results'}"
    done = run(_step(_NIGHT, "nightly"), workspace, {}, seconds=120, more=more)
    assert done.returncode == 1, done.stderr
    (report,) = re.findall(r"testResults: '(\S+)'", _NIGHT)
    root = ET.parse(workspace / report).getroot()  # noqa: S314 -- our own
    assert root.get("failures") == "1"
    (pages,) = re.findall(r"artifacts: '(\S+)'", _NIGHT)
    found = (workspace / "results/latest").resolve().rglob(pages.rpartition("/")[2])
    assert len(list(found)) == 2, "the night's, and its entry's"
    (again,) = [one for one in _PAGE.commands() if "resume" in one]
    done = run(again, workspace, {}, seconds=60)
    assert done.returncode == 1, done.stderr


@pytest.mark.parametrize(
    "series", [BAD, f"../other place/$(touch {BAD}.ran)/{BAD}"], ids=["plain", "hostile"]
)
@pytest.mark.slow
def test_the_job_of_a_series_reads_what_the_commands_leave(
    tmp_path: Path, toy_source: Path, series: str
) -> None:
    workspace = toy_workspace(tmp_path, toy_source)
    (workspace / series).parent.mkdir(parents=True, exist_ok=True)
    (workspace / BAD).rename(workspace / series)
    given = {"SERIES": series, "TREE": str(toy_source)}
    (findings,) = re.findall(r"pattern: '(\S+)'", _SERIES)
    (workspace / findings).write_text("of the build before")
    (away,) = [one for one in _PAGE.shell_steps() if one.startswith("rm ")]
    run(away, workspace, {}, seconds=10)
    assert not (workspace / findings).exists()
    done = run(_step(_SERIES, "analyze"), workspace, {}, seconds=120, **given)
    assert done.returncode in (0, 1), done.stderr
    assert json.loads((workspace / findings).read_text())["version"] == "2.1.0"
    more = f"--results {workspace / 'results'}"
    done = run(_step(_SERIES, "run"), workspace, {}, seconds=120, more=more, **given)
    assert done.returncode == 1, done.stderr
    (report,) = re.findall(r"testResults: '(\S+)'", _SERIES)
    root = ET.parse(workspace / report).getroot()  # noqa: S314 -- our own
    assert [node.get("classname") for node in root.iter("testcase") if node.find("failure") is not None] == [
        "memcg.v6_1.build"
    ]
    assert (workspace / "results/latest/report.html").is_file()
    assert not list(tmp_path.rglob("*.ran"))


@pytest.mark.slow
def test_what_cannot_be_read_is_no_failing_kernel(tmp_path: Path, toy_source: Path) -> None:
    """Exit 2 or 3: the stage ends; no report of the build before is taken for this one's."""
    workspace = toy_workspace(tmp_path, toy_source)
    for word, more in (("analyze", ""), ("run", f"--results {workspace / 'results'}")):
        done = run(
            _step(_SERIES, word), workspace, {}, seconds=60, more=more, SERIES="gone", TREE=str(toy_source)
        )
        assert done.returncode == 2, done.stderr
    assert not (workspace / "results/latest").exists()
    assert not (workspace / "findings.sarif").exists()
    assert _PAGE.text.count("skipOldReports: true") == 2


@pytest.mark.slow
def test_the_doctor_says_what_is_missing(tmp_path: Path) -> None:
    (command,) = [one for one in _PAGE.commands() if "doctor" in one]
    assert run(
        command, tmp_path, {}, seconds=120, XDG_CACHE_HOME=os.environ["XDG_CACHE_HOME"]
    ).returncode in (0, 3)


def test_the_names_are_those_of_the_page() -> None:
    """Every class of a run is a row of its table."""
    rows = re.findall(r"^\| `memcg\.TREE\.(\S+)`", _PAGE.text, re.MULTILINE)
    forms = [re.compile("memcg.v6_1." + re.sub(r"[A-Z]+", "[^.]+", row).replace(".", r"\.")) for row in rows]
    for value in (red(), made_up((), Verdict.FAIL)):
        for suite in suites_of(Path("/x"), value, scope_of_run(value)):
            for case in suite.cases:
                assert any(form.fullmatch(case.classname) for form in forms), case.classname
