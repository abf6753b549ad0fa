# SPDX-License-Identifier: GPL-2.0-only
"""The compiler and what else a build needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.build import toolchain
from harness.build.toolchain import find_toolchain
from harness.deadline import Deadline
from harness.errors import UserError


def _without(monkeypatch: pytest.MonkeyPatch, *gone: str) -> None:
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name in gone else real(name))


def test_the_compiler_answers_with_its_version() -> None:
    found = find_toolchain("gcc", Deadline.after(30))
    assert "gcc" in found.version.lower()
    assert "ld" in found.linker.lower()
    assert found.version in found.identity()


def test_everything_missing_is_named_with_the_line_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "flex", "lz4")
    with pytest.raises(UserError, match=r"needs flex, lz4; apt-get install -y flex lz4$"):
        find_toolchain("gcc", Deadline.after(30))


def test_a_compiler_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="needs gcc-99; apt-get install -y gcc-99"):
        find_toolchain("gcc-99", Deadline.after(30))


def test_a_missing_elf_header_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_ELF_HEADER", toolchain.Need("no-such.h", "libelf-dev", "objtool"))
    with pytest.raises(UserError, match=r"needs no-such\.h; apt-get install -y libelf-dev"):
        find_toolchain("gcc", Deadline.after(30))


@pytest.mark.parametrize("name", ["", "-x", "gcc; reboot", "$(id)", "ccache gcc"])
def test_what_is_no_program_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="not the name of a program"):
        find_toolchain(name, Deadline.after(30))


def test_ccache_changes_the_command_and_not_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "ccache")
    plain = find_toolchain("gcc", Deadline.after(30))
    cached = replace(plain, ccache=True)
    assert plain.variables() == ("CC=gcc", "HOSTCC=gcc")
    assert cached.variables() == ("CC=ccache gcc", "HOSTCC=ccache gcc")
    assert plain.identity() == cached.identity()


def test_flags_are_part_of_the_command_and_of_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "ccache")
    plain = find_toolchain("gcc", Deadline.after(30))
    flagged = replace(plain, cc_flags=("-fno-pie",), host_flags=("-fcommon",))
    assert flagged.variables() == ("CC=gcc -fno-pie", "HOSTCC=gcc -fcommon")
    assert flagged.identity() != plain.identity()


def test_versions_are_numbers() -> None:
    tools = find_toolchain("gcc", Deadline.after(30)).tools
    assert tools["gcc"] >= (4, 9) and tools["make"] >= (4, 0) and tools["perl"] >= (5, 20)


def test_a_compiler_that_fails_is_said_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "brokencc"
    broken.write_text('#!/bin/sh\ncase "$1" in --version) echo sorry; exit 1;; esac\n')
    broken.chmod(0o755)
    with pytest.raises(UserError, match="--version: exit code 1: sorry"):
        find_toolchain(str(broken), Deadline.after(30))
