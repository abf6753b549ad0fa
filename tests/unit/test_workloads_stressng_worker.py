# SPDX-License-Identifier: GPL-2.0-only
"""qemu/extra/stress-ng-worker with a stand-in for stress-ng: what memcg-case is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.paths import QEMU
from harness.process import run

# What stress-ng 0.15 prints, and where its figures go: the last word behind --yaml.
_STAND_IN = """#!/bin/sh
echo "$@" >{asked}
while [ $# -gt 1 ]; do [ "$1" = --yaml ] && figures=$2; shift; done
printf 'metrics:\\n    - stressor: vm\\n      bogo-ops: 42\\n      bogo-ops-per-second: 1.0\\n' >"$figures"
{says}
exit {code}
"""


def _worker(tmp_path: Path, code: int, says: str = "") -> tuple[int, dict[str, str], str]:
    """The worker's exit code and facts, and what the stand-in was asked."""
    asked, program, directory = tmp_path / "asked", tmp_path / "stress-ng", tmp_path / "dir"
    directory.mkdir()
    program.write_text(_STAND_IN.format(asked=asked, says=says, code=code))
    program.chmod(0o755)
    words = f"--bytes 1000 --program {program} --stressor vm --size --vm-bytes"
    words += " --with=--vm-keep --with=--x --with=1"
    words += f" --seconds 7.500 --worker 1 --workers 2 --seed 3 --dir {directory} --group g --iface v2"
    command = ["sh", str(QEMU / "extra" / "stress-ng-worker"), *words.split()]
    done = run(command, cwd=tmp_path, deadline=Deadline.after(20))
    assert not list(directory.iterdir()), "nothing stays charged to the group"
    facts = dict(line.split("=", 1) for line in done.output.splitlines())
    return done.exit, facts, asked.read_text()


def test_options_and_figures(tmp_path: Path) -> None:
    code, facts, asked = _worker(tmp_path, 0)
    assert (code, facts) == (0, {"bogo_ops": "42"})
    assert asked.startswith(
        "--vm 1 --vm-bytes 1000 --vm-keep --x 1 --timeout 7s --verify --oomable --metrics"
    )
    assert " --seed 193 " in asked


@pytest.mark.parametrize(
    ("ended", "says", "code", "facts"),
    [
        (
            2,
            "stress-ng: info:  [1] so far\nstress-ng: fail:  [2] vm: bit error",
            1,
            {"failed": "vm: bit error"},
        ),
        (3, "stress-ng: info:  [1] vm: no memory", 77, {"skip": "vm: no memory"}),
        (4, "stress-ng: info:  [1] vm: not implemented", 77, {"skip": "vm: not implemented"}),
        (1, "stress-ng: unrecognized option", 2, {"error": "stress-ng: unrecognized option"}),
        (7, "stress-ng: error: [1] not trusted", 2, {"error": "not trusted"}),
    ],
)
def test_what_each_exit_code_means(
    tmp_path: Path, ended: int, says: str, code: int, facts: dict[str, str]
) -> None:
    got, told, _asked = _worker(tmp_path, ended, "\n".join(f"echo '{line}'" for line in says.split("\n")))
    assert (got, told) == (code, {"bogo_ops": "42", **facts})


@pytest.mark.parametrize("script", ["run-selftest", "stress-ng-worker"])
def test_scripts_are_scripts(script: str, tmp_path: Path) -> None:
    path = QEMU / "extra" / script
    assert path.stat().st_mode & 0o100
    assert run(["sh", "-n", path], cwd=tmp_path, deadline=Deadline.after(20)).exit == 0
