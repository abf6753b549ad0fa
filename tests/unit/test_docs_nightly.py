# SPDX-License-Identifier: GPL-2.0-only
"""Each command, unit and cron line of docs/nightly.md is one that works."""

from __future__ import annotations

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

_PAGE = (PROJECT / "docs" / "nightly.md").read_text(encoding="utf-8")
_HOME = "/opt/memcg-harness"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)


def _commands() -> list[str]:
    indented = re.findall(r"^    (harness .*)$", _PAGE, re.MULTILINE)
    started = re.findall(rf"^ExecStart={_HOME}/\.venv/bin/(harness .*)$", _PAGE, re.MULTILINE)
    cron = [line.split(" && ")[1].split(" >>")[0] for line in _blocks("cron")[0].splitlines()]
    return [*indented, *started, *(line.removeprefix(".venv/bin/") for line in cron)]


def test_the_page_has_what_it_is_for() -> None:
    assert len(_commands()) == 7
    assert len(_blocks("ini")) == 2


@pytest.mark.parametrize("command", _commands())
def test_a_command_is_one(command: str) -> None:
    options = _parser().parse_args(shlex.split(command)[1:])
    if "nightly" in command.split():
        assert load_night(PROJECT / options.plan)[1]


def test_every_key_of_a_plan_is_explained() -> None:
    table = _PAGE.split("## The plan")[1].split("## What it does")[0]
    assert [name for name in NightPlan.__struct_fields__ if f"`{name}`" not in table] == []


def test_the_plan_of_addresses_is_one(tmp_path: Path) -> None:
    (block,) = _blocks("yaml")
    (tmp_path / "night.yaml").write_text(block.replace("[mmotm", f"[{PROJECT}/configs/mmotm"))
    entries = load_night(tmp_path / "night.yaml")[1]
    assert [entry.name for entry in entries] == [
        "v2.6.27-rc3/none/mmotm-2-6-27/see+plain",
        "v2.6.27-rc3/mmotm/mmotm-2-6-27/see+plain",
    ]


def test_the_cron_line_has_a_time_and_a_directory() -> None:
    (line,) = _blocks("cron")[0].splitlines()
    assert re.fullmatch(rf"(?:[\d*/,-]+ ){{5}} cd {_HOME} && .* >>results/nightly\.log 2>&1", line)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    names = re.findall(r"`/etc/systemd/system/(\S+)`:", _PAGE)
    home = str(Path(sys.executable).parent.parent.parent)
    paths = []
    for name, text in zip(names, _blocks("ini"), strict=True):
        path = tmp_path / name
        path.write_text(text.replace(_HOME, home).replace("User=memcg", "User=root"))
        paths.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "memcg-nightly" in line]
    assert not said, said
    assert done.returncode == 0 or not said
