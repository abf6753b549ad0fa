# SPDX-License-Identifier: GPL-2.0-only
"""Files in a parcel: the same name for the same content, holes stay holes, damaged ones are not kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InfraError
from harness.pipeline.cluster_parcel import keep, name_of, pack, place


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    program, disk, empty = (tmp_path / name for name in ("program", "disk.img", "empty"))
    program.write_bytes(b"\x7fELF" + bytes(range(256)) * 1000)
    program.chmod(0o755)
    with disk.open("wb") as stream:
        stream.seek(5 << 20)
        stream.write(b"ext2")
        stream.truncate(64 << 20)
    empty.touch()
    return program, disk, empty


def test_what_arrives_is_what_was_sent(files: tuple[Path, ...], tmp_path: Path) -> None:
    parcel = pack(files)
    name = name_of(parcel)
    assert len(parcel) < 1 << 20
    keep(tmp_path / "cache", name, parcel)
    keep(tmp_path / "cache", name, parcel)
    there = place(tmp_path / "cache", name)
    assert {path.name for path in there.iterdir()} == {path.name for path in files}
    for path in files:
        copy = there / path.name
        assert copy.read_bytes() == path.read_bytes()
        assert bool(copy.stat().st_mode & 0o100) == (path.name == "program")
    assert (there / "disk.img").stat().st_blocks * 512 < 1 << 20
    assert pack([there / path.name for path in files]) == parcel


def test_a_damaged_parcel_is_not_kept(files: tuple[Path, ...], tmp_path: Path) -> None:
    parcel = pack(files)
    with pytest.raises(InfraError, match="was damaged on its way"):
        keep(tmp_path / "cache", name_of(parcel), parcel[:-1])
    assert not place(tmp_path / "cache", name_of(parcel)).exists()


def test_nor_is_half_of_one(files: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = pack(files)
    name = name_of(parcel)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as room:
        room.setattr("os.fsync", full)
        with pytest.raises(InfraError, match=f"{name}: cannot be written: No space left on device"):
            keep(tmp_path / "cache", name, parcel)
    (tmp_path / "cache" / "received" / ".coming-killed").mkdir()
    keep(tmp_path / "cache", name, parcel)
    assert [path.name for path in (tmp_path / "cache" / "received").iterdir() if path.is_dir()] == [name]
