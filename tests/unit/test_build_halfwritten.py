# SPDX-License-Identifier: GPL-2.0-only
"""Targets that a killed build left half written."""

from __future__ import annotations

import os
from pathlib import Path

from harness.build.halfwritten import remove_half_written


def _file(path: Path, time: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, (time, time))
    return path


def test_only_what_is_younger_than_its_cmd_goes(tmp_path: Path) -> None:
    began = 1000.0
    _file(tmp_path / "mm/.done.o.cmd", 1002)
    done = _file(tmp_path / "mm/done.o", 1001)
    _file(tmp_path / "mm/.cut.o.cmd", 900)
    cut = _file(tmp_path / "mm/cut.o", 1003)
    first = _file(tmp_path / "mm/first.o", 1003)
    _file(tmp_path / ".vmlinux.cmd", 900)
    image = _file(tmp_path / "vmlinux", 1003)
    older = _file(tmp_path / "mm/older.o", 950)
    config = _file(tmp_path / ".config", 1003)
    assert remove_half_written(tmp_path, began) == 3
    assert [path.exists() for path in (done, cut, first, image, older, config)] == [
        True, False, False, False, True, True,
    ]  # fmt: skip
