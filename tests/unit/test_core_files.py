# SPDX-License-Identifier: GPL-2.0-only
"""Files that are whole or not there; locks that die with their owner; verdicts that add up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.files import locked, make_directory, require_space, write_whole
from harness.verdict import Verdict, exit_code, gravest


def test_write_whole_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    write_whole(path, b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")

    def no_space(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(InfraError, match="No space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_cannot_be_is_the_users_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="results"):
        make_directory(tmp_path / "file" / "sub", "the results directory")


def test_no_space_is_said_beforehand(tmp_path: Path) -> None:
    require_space(tmp_path, 1, "x")
    with pytest.raises(UserError, match="GiB are free"):
        require_space(tmp_path, 1 << 60, "the tree's copy")


def test_a_lock_is_exclusive_and_dies_with_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.deadline import Deadline\n"
        "from harness.files import locked\n"
        "with locked(Path(sys.argv[1]), Deadline.after(5), 'x'):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"held\n"
        with (
            pytest.raises(InfraError, match="in use by another run"),
            locked(path, Deadline.after(0), "the tree"),
        ):
            pass
        owner.kill()
    with locked(path, Deadline.after(10), "the tree"):
        pass


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], Verdict.BROKEN),
        (["skip"], Verdict.SKIP),
        (["skip", "pass"], Verdict.PASS),
        (["pass", "broken"], Verdict.BROKEN),
        (["broken", "infra"], Verdict.INFRA),
        (["infra", "fail", "pass"], Verdict.FAIL),
    ],
)
def test_gravest(parts: list[str], whole: Verdict) -> None:
    assert gravest(map(Verdict, parts)) is whole


def test_exit_codes() -> None:
    assert [exit_code(verdict) for verdict in Verdict] == [0, 1, 1, 0, 3]
