# SPDX-License-Identifier: GPL-2.0-only
"""--cluster: what is wrong with it is one line, and without it nothing of dask is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.paths import CONFIGS, PROJECT

_LOCAL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import harness.cli
from tests.unit.cluster_sample import Played, run_all
assert harness.cli.main(["run", "/nowhere/plan.yaml"]) == 2
assert len(run_all(Played(), Path(sys.argv[2]))) == 4
foreign = {"dask", "distributed", "tornado", "msgpack", "cloudpickle"}
print(sorted(name for name in sys.modules if name.partition(".")[0] in foreign))
"""


def test_without_it_nothing_of_dask_is_imported(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _LOCAL, str(PROJECT), str(tmp_path / "cells")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("command", ["run", "bisect", "nightly"])
def test_an_address_that_is_none(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = CONFIGS / ("nightly.yaml" if command == "nightly" else "default.yaml")
    assert main([command, str(plan), "--results", str(tmp_path), "--cluster", "nonsense"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "harness: --cluster nonsense: no scheduler's address; give tcp://HOST:8786 or tls://HOST:8786"
    ]
    assert not list(tmp_path.glob("[!.]*-*"))


def test_no_dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("", "_worker"):
        monkeypatch.delitem(sys.modules, f"harness.pipeline.cluster{name}", raising=False)
    words = ["run", str(CONFIGS / "default.yaml"), "--results", str(tmp_path), "--cluster", "tcp://h:8786"]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "harness: --cluster: dask.distributed is not installed; 'make install' brings it, "
        "else pip install '.[cluster]' in the checkout\n"
    )
