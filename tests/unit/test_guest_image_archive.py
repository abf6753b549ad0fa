# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs and the disks, made of stand-in programs."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.guest.image_archive import SCRATCH_BYTES, make_scratch, make_swap, pack, stage


def _stand_ins(base: Path) -> dict[str, Path]:
    overlay, userland, programs = base / "overlay", base / "userland", base / "programs"
    (overlay / "etc").mkdir(parents=True)
    (overlay / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    userland.mkdir()
    (userland / "busybox").write_bytes(b"busybox")
    (userland / "links").write_text("sh busybox\n")
    programs.mkdir()
    (programs / "init").write_bytes(b"init")
    (programs / "memcg-case").write_bytes(b"case")
    return {"overlay": overlay, "userland": userland, "programs": programs}


def _make(base: Path, parts: dict[str, Path]) -> bytes:
    base.mkdir()
    stage(base / "tree", **parts)
    pack(base / "tree", base / "initramfs.cpio.gz", Deadline.after(20))
    return (base / "initramfs.cpio.gz").read_bytes()


def _entries(archive: bytes) -> dict[str, tuple[int, int, int, int, bytes]]:
    """Mode, uid, gid, mtime and contents by name (newc: Documentation/driver-api/early-userspace)."""
    raw, at = gzip.decompress(archive), 0
    found: dict[str, tuple[int, int, int, int, bytes]] = {}
    while True:
        assert raw[at : at + 6] == b"070701"
        fields = [int(raw[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        size, length = fields[6], fields[11]
        name = raw[at + 110 : at + 110 + length - 1].decode()
        data = (at + 110 + length + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name] = (fields[1], fields[2], fields[3], fields[5], raw[data : data + size])
        at = (data + size + 3) & ~3


def test_contents_owner_modes(tmp_path: Path) -> None:
    entries = _entries(_make(tmp_path / "one", _stand_ins(tmp_path)))
    assert {entry[1:4] for entry in entries.values()} == {(0, 0, 0)}, "root's, of 1970"
    assert entries["init"] == (0o100755, 0, 0, 0, b"init")
    assert entries["bin/memcg-case"][0] == 0o100755
    assert entries["bin/sh"][0] == 0o120777
    assert entries["bin/sh"][4] == b"busybox"
    assert entries["etc/passwd"][0] == 0o100644
    assert entries["root/.ssh"][0] == 0o040700
    assert {"dev", "proc", "sys", "tmp", "etc/dropbear"} <= set(entries)
    assert "bin/links" not in entries
    assert "bin/init" not in entries


def test_the_same_parts_give_the_same_bytes(tmp_path: Path) -> None:
    parts = _stand_ins(tmp_path)
    first = _make(tmp_path / "one", parts)
    (parts["programs"] / "init").touch()
    (parts["overlay"] / "etc" / "passwd").chmod(0o600)
    assert _make(tmp_path / "two", parts) == first


def test_swap_has_a_signature_and_takes_no_room(tmp_path: Path) -> None:
    path = tmp_path / "swap.img"
    make_swap(path, Deadline.after(20))
    assert path.read_bytes()[4086:4096] == b"SWAPSPACE2"
    assert path.stat().st_blocks * 512 < 1 << 20


def test_scratch_is_an_ext2_for_old_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # a plain user's, without sbin
    path = tmp_path / "scratch.img"
    make_scratch(path, Deadline.after(20))
    with path.open("rb") as stream:
        superblock = stream.read(2048)[1024:]
    magic = struct.unpack_from("<H", superblock, 56)[0]
    compat, incompat, ro_compat = struct.unpack_from("<III", superblock, 92)
    assert magic == 0xEF53
    assert compat == 0, "no journal, no directory index"
    assert incompat == 0x2, "filetype"
    assert ro_compat & ~0x3 == 0, "sparse_super, large_file"
    assert path.stat().st_size == SCRATCH_BYTES
    assert path.stat().st_blocks * 512 < 4 << 20
