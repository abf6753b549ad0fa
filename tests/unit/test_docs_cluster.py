# SPDX-License-Identifier: GPL-2.0-only
"""Each command of docs/cluster.md is one that works; test_pipeline_cluster.py starts those for tcp://."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import dask.config
import pytest

from harness.events import silent
from harness.guest.machine import Spec
from harness.paths import PROJECT
from harness.pipeline.cluster import opened
from tests.docs_pages import Page, run
from tests.unit.cluster_sample import free_port, running, until
from tests.unit.docs_toy import BAD, toy_workspace

_PAGE = Page("cluster.md")
_NIGHT = "results/20261129-020000-night-nightly"
_COMMANDS = re.findall(r"^    (\S.*)$", _PAGE.text, re.MULTILINE)


def test_the_page_has_what_it_is_for() -> None:
    assert [command.split()[0] for command in _COMMANDS] == [
        *["dask"] * 2,
        *["harness"] * 3,
        *["dask"] * 2,
        "harness",
    ]


def test_the_extra_is_one() -> None:
    assert "pip install '.[cluster]'" in _PAGE.text
    known = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [one.partition("==")[0] for one in known["cluster"]] == ["distributed"]


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's certificates in a directory, and its settings in force."""
    make, settings = _PAGE.blocks("sh")
    for line in make.splitlines():
        subprocess.run(shlex.split(line), cwd=tmp_path, check=True, capture_output=True)
    for line in settings.splitlines():
        name, _is, value = line.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, str(tmp_path / value) if value.endswith((".pem", ".key")) else value)
    dask.config.refresh()
    yield tmp_path
    monkeypatch.undo()
    dask.config.refresh()


def _here(start: str, port: int) -> list[str]:
    """The page's commands that begin with *start*, for this machine."""
    found = [one for one in _COMMANDS if one.startswith(start)]
    return [one.replace("build.example", "127.0.0.1").replace("8786", str(port)) for one in found]


def _workspace(tmp_path: Path, toy_source: Path) -> Path:
    """A clone's form, where nothing comes as far as a guest: the series does not build."""
    workspace = toy_workspace(tmp_path, toy_source)
    plan = workspace / "configs" / "default.yaml"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), "series": f"../{BAD}"}))
    return workspace


def _works(command: str, workspace: Path) -> None:
    """A command of ``harness`` finds a worker, and then that the series does not build."""
    night = str(workspace / "results" / "latest")
    more = "" if " resume " in command else f"--results {workspace / 'results'}"
    done = run(command, workspace, {_NIGHT: night}, seconds=60, more=more)
    assert done.returncode == 1, done.stderr


@pytest.mark.slow
def test_each_command_runs(tmp_path: Path, toy_source: Path) -> None:
    port, workspace = free_port(), _workspace(tmp_path, toy_source)
    scheduler, worker = (_here(f"dask {one}", port)[0] for one in ("scheduler", "worker"))
    with running(scheduler, worker, directory=tmp_path):
        with opened(f"tcp://127.0.0.1:{port}", silent) as there:
            until(there.roster.stated, "a worker")
        for command in _here("harness", port)[:-1]:
            _works(command, workspace)


@pytest.mark.slow
def test_tls(certificates: Path, toy_source: Path) -> None:
    port, workspace = free_port(), _workspace(certificates, toy_source)
    scheduler, worker = (_here(f"dask {one}", port)[1] for one in ("scheduler", "worker"))
    (command,) = _here("harness", port)[-1:]
    with running(scheduler, worker, directory=certificates):
        with opened(f"tls://127.0.0.1:{port}", silent) as there:
            until(there.roster.stated, "a worker")
            there.require(Spec())
        _works(command, workspace)
