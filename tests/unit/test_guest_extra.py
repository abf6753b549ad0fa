# SPDX-License-Identifier: GPL-2.0-only
"""Further files for a guest: the archive, and a program with its libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.extra import pack_extra
from harness.guest.extra_libraries import with_libraries
from harness.process import run


def _unpack(archive: Path, into: Path) -> Path:
    into.mkdir()
    done = run(["cpio", "-idm", "--quiet", "-F", archive], cwd=into, deadline=Deadline.after(20))
    assert done.exit == 0, done.output
    return into


def test_files_are_where_they_belong_and_can_be_run(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"one")
    archive = pack_extra({"/extra/a/one": tmp_path / "one"}, tmp_path, Deadline.after(20))
    root = _unpack(archive, tmp_path / "root")
    assert (root / "extra" / "a" / "one").read_bytes() == b"one"
    assert (root / "extra" / "a" / "one").stat().st_mode & 0o777 == 0o755
    assert archive.stat().st_size % 4 == 0


def test_the_same_contents_are_packed_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"one")
    first = pack_extra({"/x": tmp_path / "one"}, tmp_path, Deadline.after(20))
    made = first.stat().st_mtime_ns
    assert pack_extra({"/x": tmp_path / "two"}, tmp_path, Deadline.after(20)) == first
    assert first.stat().st_mtime_ns == made
    (tmp_path / "two").write_bytes(b"two")
    assert pack_extra({"/x": tmp_path / "two"}, tmp_path, Deadline.after(20)) != first
    assert pack_extra({"/y": tmp_path / "one"}, tmp_path, Deadline.after(20)) != first


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="none: cannot go into the guest: No such file"):
        pack_extra({"/x": tmp_path / "none"}, tmp_path, Deadline.after(20))


def _tools(directory: Path, monkeypatch: pytest.MonkeyPatch, ldd: str) -> Path:
    """A program and an ``ldd`` that says *ldd* of it, first in PATH."""
    for name, text in (("program", "#!/bin/sh\n"), ("ldd", f"#!/bin/sh\n{ldd}\n")):
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return directory / "program"


def test_libraries_and_loader_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "linux-vdso.so.1 (0x00007ffc0)",
        "libx.so.1 => /lib/x/libx.so.1 (0x00007f00)",
        "/lib64/ld-linux-x86-64.so.2 (0x00007f01)",
    ]
    program = _tools(tmp_path, monkeypatch, "".join(f"echo '\t{line}'\n" for line in lines))
    files = with_libraries("program", Deadline.after(20))
    assert files == {
        str(program): program,
        "/lib/x/libx.so.1": Path("/lib/x/libx.so.1"),
        "/lib64/ld-linux-x86-64.so.2": Path("/lib64/ld-linux-x86-64.so.2"),
    }


def test_a_static_program_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _tools(tmp_path, monkeypatch, "echo '\tnot a dynamic executable' >&2; exit 1")
    assert with_libraries("program", Deadline.after(20)) == {str(program): program}


def test_a_library_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tools(tmp_path, monkeypatch, "echo '\tlibx.so.1 => not found'")
    with pytest.raises(InfraError, match=r"libx\.so\.1 is not found"):
        with_libraries("program", Deadline.after(20))


def test_an_ldd_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tools(tmp_path, monkeypatch, "echo no loader; exit 1")
    with pytest.raises(InfraError, match="ldd failed with 1: no loader"):
        with_libraries("program", Deadline.after(20))


def test_a_program_that_is_not_there_is_no_error() -> None:
    assert with_libraries("no-such-program-here", Deadline.after(20)) == {}
