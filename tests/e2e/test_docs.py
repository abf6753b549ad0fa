# SPDX-License-Identifier: GPL-2.0-only
"""Every command of docs/nightly.md and docs/jenkins.md with a real kernel, in the order of the page.

Only the plans are others: one workload of two seconds, on a fault that it finds.
"""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import xmlschema

from harness.paths import PROJECT
from tests.docs_pages import Page, harness_words, run

pytestmark = pytest.mark.e2e

_FAULT = PROJECT / "patches" / "faults" / "charge-last-of-stock.patch"
_SCHEMA = PROJECT / "tests" / "data" / "junit" / "jenkins-junit.xsd"
_NIGHT = "results/20261129-020000-night-nightly"
_CODES = {"nightly": 1, "run": 1, "resume": 1, "history": 0, "doctor": 0}
_SECONDS = 2400.0


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A clone's form; plans of the names that the pages have."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "results").mkdir()
    shutil.copy(_FAULT, tmp_path / "leak.patch")
    plan = {"name": "short", "tree": "debian", "ifaces": ["v1"], "workloads": ["anon"], "seconds": 2,
            "findings": "report", "blame": False}  # fmt: skip
    night = {"name": "n", "trees": ["debian"], "series": [{"series": "../leak.patch", "name": "leak"}],
             "plans": ["default.yaml"]}  # fmt: skip
    for name, value in (("default.yaml", plan), ("nightly.yaml", night)):
        (tmp_path / "configs" / name).write_text(json.dumps(value))  # JSON is YAML
    return tmp_path


def _failures(report: Path) -> list[tuple[str, str]]:
    xmlschema.XMLSchema(str(_SCHEMA)).validate(str(report))
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 -- our own
    return [
        (one.get("classname", ""), one.get("name", "")) for one in cases if one.find("failure") is not None
    ]


def _run(command: str, workspace: Path) -> None:
    """Run one command of a page; the results are the workspace's."""
    words = harness_words(command)
    name = words.split(" ")[0]
    more = f"--results {workspace / 'results'}" if name in ("nightly", "run", "history") else ""
    where = workspace if words or not command.startswith("make ") else PROJECT
    replaced = {_NIGHT: str(workspace / "results" / "latest")}
    given = {"SERIES": "leak.patch", "TREE": "debian"}
    done = run(command, where, replaced, seconds=_SECONDS, more=more, **given)
    wanted = (0, 1) if name == "analyze" else (_CODES.get(name, 0),)
    assert done.returncode in wanted, (command, done.stdout, done.stderr)


def test_each_command_of_the_nightly_page(workspace: Path) -> None:
    for command in Page("nightly.md").commands():
        _run(command, workspace)
        failures = _failures(workspace / "results/latest/junit.xml")
        assert ("memcg.debian.v1.anon", "patched plain leak short drift") in failures
        assert {name for _class, name in failures if name.startswith("base")} == set()
    assert len(list((workspace / "results").glob("*-night-n"))) == 3
    assert "FAIL  " in (workspace / "results/nightly.log").read_text()


def test_each_command_of_the_jenkins_page(workspace: Path) -> None:
    page = Page("jenkins.md")
    of_series = ("memcg.v6_1.v1.anon", "patched plain short drift")
    for command in (one for one in page.commands() if not harness_words(one).startswith("resume")):
        _run(command, workspace)
        words = harness_words(command)
        if words.startswith("nightly"):
            report = workspace / "results/latest/junit.xml"
            assert ("memcg.debian.v1.anon", "patched plain leak short drift") in _failures(report)
            (again,) = [one for one in page.commands() if harness_words(one).startswith("resume")]
            _run(again, workspace)
        elif words.startswith("run"):
            report = workspace / "results/latest/junit.xml"
            assert of_series in _failures(report)
            for path in re.findall(r"\[\[ATTACHMENT\|(.*?)\]\]", report.read_text()):
                assert Path(path).is_file()
        elif words.startswith("analyze"):
            assert json.loads((workspace / "findings.sarif").read_text())["version"] == "2.1.0"
