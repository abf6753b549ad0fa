# SPDX-License-Identifier: GPL-2.0-only
"""The guest's programs on the host: the workloads for a moment, and what memcg-case refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from harness import paths
from harness.deadline import Deadline
from harness.memcg.record import Begin, End, Fault, Record
from harness.process import run

pytestmark = pytest.mark.skipif(shutil.which("musl-gcc") is None, reason="no musl-gcc here")

SECONDS = "0.2"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them, built as the image builds them (warnings are errors)."""
    directory = tmp_path_factory.mktemp("programs")
    done = run(
        ["make", "-j2", "-f", paths.QEMU / "src" / "Makefile"],
        cwd=directory,
        deadline=Deadline.after(60),
        env={"MAKEFLAGS": ""},
    )
    assert done.exit == 0, done.output
    return directory


@pytest.mark.parametrize(
    ("name", "did"),
    [
        ("anon", {"pages_touched", "pages_dropped"}),
        ("anon-fork", {"forks", "pages_touched"}),
        ("file", {"bytes_written", "bytes_read"}),
        ("remap", {"pieces_grown", "pieces_shrunk", "pieces_moved", "pages_dropped"}),
        ("cow", {"pages_copied", "forks", "pages_dropped", "bytes_written"}),
        ("lru", {"pages_read_twice", "pages_locked", "pages_unlocked", "locked_pages_seen"}),
        ("swap", {"pages_touched", "forks", "pages_dropped"}),
    ],
)
def test_workload_does_its_work(programs: Path, tmp_path: Path, name: str, did: set[str]) -> None:
    command: list[str | Path] = [
        programs / name,
        "--seconds",
        SECONDS,
        "--dir",
        tmp_path,
        "--bytes",
        "1048576",
    ]
    done = run([*command, "--worker", "1", "--seed", "5"], cwd=tmp_path, deadline=Deadline.after(20))
    facts = dict(line.split("=", 1) for line in done.output.splitlines())
    assert done.exit == 0, done.output
    assert facts["verify_errors"] == "0"
    assert facts["seed"] == "5"
    assert did <= facts.keys()
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_mixed_adds_up_what_its_children_say(programs: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [programs / "mixed", "--seconds", SECONDS, "--dir", tmp_path, "anon", "cow"]
    done = run(command, cwd=tmp_path, deadline=Deadline.after(20))
    facts = dict(line.split("=", 1) for line in done.output.splitlines())
    assert done.exit == 0, done.output
    assert (facts["actions"], facts["tasks"]) == ("2", "4")
    assert int(facts["pages_touched"]) > 0
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_mixed_with_a_child_that_is_not_there_is_broken(programs: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [programs / "mixed", "--seconds", SECONDS, "--dir", tmp_path, "none"]
    done = run(command, cwd=tmp_path, deadline=Deadline.after(20))
    assert done.exit == 2
    assert "none_error=exec" in done.output


def test_workload_without_its_directory_is_broken(programs: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [programs / "file", "--seconds", SECONDS, "--dir", tmp_path / "none"]
    done = run(command, cwd=tmp_path, deadline=Deadline.after(20))
    assert done.exit == 2
    assert "error=" in done.output


def test_shm_off_a_tmpfs_is_skipped(programs: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [programs / "shm", "--seconds", SECONDS, "--dir", "/proc"]
    done = run(command, cwd=tmp_path, deadline=Deadline.after(20))
    assert done.exit == 77
    assert "CONFIG_TMPFS" in done.output


def _case(programs: Path, tmp_path: Path, options: str) -> tuple[int, list[Record]]:
    command: list[str | Path] = [programs / "memcg-case", *options.split()]
    command += ["--mount", tmp_path, "--dir", tmp_path, "--", programs / "anon"]
    done = run(command, cwd=tmp_path, deadline=Deadline.after(20))
    lines = [line for line in done.output.splitlines() if line.startswith("{")]
    return done.exit, [msgspec.json.decode(line, type=Record) for line in lines]


def test_case_touches_nothing_where_no_cgroups_are(programs: Path, tmp_path: Path) -> None:
    """It would drop caches and cycle swap of the whole machine; a mistaken --mount must not get there."""
    options = "--iface v2 --group t --limit 4096 --seconds 0.2 --interval 50 --workers 2 --seed 3"
    code, (begin, fault, end) = _case(programs, tmp_path, options)
    assert code == 1
    assert isinstance(begin, Begin)
    assert (begin.iface, begin.group, begin.limit, begin.workers, begin.seed) == ("v2", "t", 4096, 2, 3)
    assert isinstance(fault, Fault)
    assert fault.action == "mount"
    assert isinstance(end, End)
    assert not list(tmp_path.iterdir())


def test_case_with_wrong_arguments_says_so(programs: Path, tmp_path: Path) -> None:
    assert _case(programs, tmp_path, "--iface v2 --group a/b --seconds 1 --workers 1") == (2, [])
    assert _case(programs, tmp_path, "--iface v2 --group a --seconds 1 --workers 65") == (2, [])
