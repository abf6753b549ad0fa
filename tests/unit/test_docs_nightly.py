# SPDX-License-Identifier: GPL-2.0-only
"""Each command, unit and cron line of docs/nightly.md is one that works; here without a guest."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import _parser
from harness.paths import PROJECT
from harness.pipeline.night_plan import NightPlan, load_night
from tests.docs_pages import HOME, Page, harness_words, run
from tests.unit.docs_toy import toy_workspace

_PAGE = Page("nightly.md")
_NIGHT = "results/20261129-020000-night-nightly"


def test_the_page_has_what_it_is_for() -> None:
    assert len(_PAGE.commands()) == 7
    assert len(_PAGE.blocks("ini")) == 2


@pytest.mark.parametrize("command", _PAGE.commands())
def test_a_command_is_one(command: str) -> None:
    words = shlex.split(harness_words(command))
    options = _parser().parse_args(words)
    if words[0] == "nightly":
        assert load_night(PROJECT / options.plan)[1]


@pytest.mark.slow
def test_each_command_runs(tmp_path: Path, toy_source: Path) -> None:
    """On the toy kernel, with a series that does not build: the night has a verdict, and boots nothing."""
    workspace = toy_workspace(tmp_path, toy_source)
    results = workspace / "results"
    run_once: list[str] = []
    for command in _PAGE.commands():
        words = harness_words(command)
        more = "" if words.startswith("resume") else f"--results {results}"
        replaced = {_NIGHT: str(results / "latest"), "--case anon": "--case run"}
        done = run(command, workspace, replaced, seconds=120, more=more)
        assert done.returncode == (0 if words.startswith("history") else 1), (command, done.stderr)
        run_once.append(words)
        if "--json" in words:
            assert len(json.loads(done.stdout)["nights"]) == 1
    assert len(list(results.glob("*-night-toy"))) == 3, run_once
    assert "\nFAIL  " in (results / "nightly.log").read_text()
    assert (results / "latest/junit.xml").is_file()


def test_every_key_of_a_plan_is_explained() -> None:
    table = _PAGE.text.split("## The plan")[1].split("## What it does")[0]
    assert [name for name in NightPlan.__struct_fields__ if f"`{name}`" not in table] == []


def test_the_plan_of_addresses_is_one(tmp_path: Path) -> None:
    (block,) = _PAGE.blocks("yaml")
    (tmp_path / "night.yaml").write_text(block.replace("[mmotm", f"[{PROJECT}/configs/mmotm"))
    entries = load_night(tmp_path / "night.yaml")[1]
    assert [entry.name for entry in entries] == [
        "v2.6.27-rc3/none/mmotm-2-6-27/see+plain",
        "v2.6.27-rc3/mmotm/mmotm-2-6-27/see+plain",
    ]


def test_the_cron_line_has_a_time_and_a_directory() -> None:
    (line,) = _PAGE.blocks("cron")[0].splitlines()
    assert re.fullmatch(rf"(?:[\d*/,-]+ ){{5}} cd {HOME} && .* >>results/nightly\.log 2>&1", line)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    names = re.findall(r"`/etc/systemd/system/(\S+)`:", _PAGE.text)
    home = str(Path(sys.executable).parent.parent.parent)
    paths = []
    for name, text in zip(names, _PAGE.blocks("ini"), strict=True):
        path = tmp_path / name
        path.write_text(text.replace(HOME, home).replace("User=memcg", "User=root"))
        paths.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "memcg-nightly" in line]
    assert not said, said
    assert done.returncode == 0 or not said
