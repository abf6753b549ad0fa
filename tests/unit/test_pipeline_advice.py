# SPDX-License-Identifier: GPL-2.0-only
"""A series that does not go on: the commit of the history at hand on which it would."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.deadline import Deadline
from harness.events import silent
from harness.pipeline.advice import better_base
from harness.series.read import read_series
from harness.tree.model import Tree, Version

FIRST = "".join(f"line {number};\n" for number in range(1, 41))
LATER = FIRST.replace("line 20;", "other 20;").replace("line 21;", "other 21;")


def _git(repository: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", *who, *words], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _repository(tmp_path: Path) -> tuple[Path, Path, str]:
    """A repository of two commits, a patch made on the first, and the first's id."""
    repository = tmp_path / "linux"
    (repository / "mm").mkdir(parents=True)
    _git(repository, "init", "-q")
    file = repository / "mm/m.c"
    file.write_text(FIRST)
    _git(repository, "add", ".")
    _git(repository, "commit", "-qm", "first")
    first = _git(repository, "rev-parse", "HEAD")
    file.write_text(FIRST.replace("line 20;", "patched 20;"))
    patch = tmp_path / "p.patch"
    diff = subprocess.run(["git", "diff"], cwd=repository, capture_output=True, text=True, check=True)
    patch.write_text(
        "\n".join(line for line in diff.stdout.splitlines() if not line.startswith("index")) + "\n"
    )
    file.write_text(LATER)
    _git(repository, "commit", "-qam", "later")
    return repository, patch, first


def _tree(repository: Path, kind: str, origin: str) -> Tree:
    version = Version(2, 6, 27, text="2.6.27")
    return Tree(name="linux", version=version, origin=origin, kind=kind, fingerprint="f", source=repository)


def test_the_commit_that_a_series_was_made_on_is_named(tmp_path: Path) -> None:
    repository, patch, first = _repository(tmp_path)
    series = read_series(patch)
    for kind, origin in (("git", str(repository)), ("commit", f"{repository}@HEAD")):
        said = better_base(series, _tree(repository, kind, origin), silent, Deadline.after(60))
        assert f"goes on best on {first[:12]}" in said
        assert "with 1 of 1 hunks" in said
        assert f"--git {repository}" in said


def test_without_a_history_nothing_is_said(tmp_path: Path) -> None:
    repository, patch, _first = _repository(tmp_path)
    series = read_series(patch)
    for kind in ("directory", "tarball"):
        tree = _tree(repository, kind, str(repository))
        assert better_base(series, tree, silent, Deadline.after(60)) == ""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert better_base(series, _tree(empty, "git", str(empty)), silent, Deadline.after(60)) == ""
