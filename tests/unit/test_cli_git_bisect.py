# SPDX-License-Identifier: GPL-2.0-only
"""``harness run --git-bisect`` below a real ``git bisect run``; only what a kernel comes to is made up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.verdict import GIT_BISECT_END, GIT_BISECT_SKIP, Verdict, git_bisect_code

_DRIVER = """
import sys
from pathlib import Path

from harness import cli_kernel
from harness.cli import main
from harness.errors import InfraError, NoBase
from harness.pipeline.model import Run
from harness.verdict import Verdict


def execute(request, around):
    assert request.fail_fast
    directory = request.results / "run"
    directory.mkdir(parents=True, exist_ok=True)
    around.publisher.begin(directory)
    word = Path("outcome").read_text().strip()
    if word == "unbuildable":
        raise NoBase("it does not build")
    if word == "down":
        raise InfraError("no QEMU")
    return Run(run="1", verdict=Verdict(word), reason="made up", plan="p", started="now")


cli_kernel.execute = execute
sys.exit(main(["run", sys.argv[1], "--git-bisect", "--tree", ".", "--results", sys.argv[2]]))
"""


def _git(repository: Path, *words: str) -> str:
    argv = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
    done = subprocess.run(argv, cwd=repository, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _bisected(tmp_path: Path, outcomes: list[str]) -> str:
    """What ``git bisect run`` says of commits with these *outcomes*, the first good and the last bad."""
    repository = tmp_path / "repository"
    repository.mkdir()
    _git(repository, "init", "--quiet")
    (tmp_path / "driver.py").write_text(_DRIVER)
    (tmp_path / "plan.yaml").write_text("name: p\n")
    for number, outcome in enumerate(outcomes):
        (repository / "outcome").write_text(outcome)
        (repository / "number").write_text(f"{number}")
        _git(repository, "add", ".")
        _git(repository, "commit", "--quiet", "--message", f"commit {number}")
    _git(repository, "bisect", "start", "HEAD", f"HEAD~{len(outcomes) - 1}")
    driver = [sys.executable, str(tmp_path / "driver.py"), str(tmp_path / "plan.yaml")]
    return _git(repository, "bisect", "run", *driver, str(tmp_path / "results"))


@pytest.mark.slow
def test_git_finds_the_first_bad_commit(tmp_path: Path) -> None:
    said = _bisected(tmp_path, ["pass", "pass", "unbuildable", "pass", "fail", "broken", "fail"])
    assert "is the first bad commit" in said
    assert "commit 4" in said


@pytest.mark.slow
def test_git_ends_where_the_machine_fails(tmp_path: Path) -> None:
    said = _bisected(tmp_path, ["pass", "down", "down", "fail"])
    assert "is the first bad commit" not in said
    assert "128" in said
    assert "no QEMU" in said


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.PASS, 0),
        (Verdict.FAIL, 1),
        (Verdict.BROKEN, GIT_BISECT_SKIP),
        (Verdict.SKIP, GIT_BISECT_SKIP),
        (Verdict.INFRA, GIT_BISECT_END),
    ],
)
def test_what_git_is_told(verdict: Verdict, code: int) -> None:
    assert git_bisect_code(verdict) == code
