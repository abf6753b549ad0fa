# SPDX-License-Identifier: GPL-2.0-only
"""Compressed patches: read as the plain ones are, and bounded."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.series import files, packed
from harness.series.packed import plain_path, unpacked
from harness.series.read import read_series
from harness.series.write import as_quilt

HUNK = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
DIFF = f"--- a/mm/x.c\n+++ b/mm/x.c\n{HUNK}".encode()
FORMS: list[tuple[str, Callable[[bytes], bytes]]] = [
    (".gz", gzip.compress),
    (".bz2", bz2.compress),
    (".xz", lzma.compress),
]
each = pytest.mark.parametrize(("suffix", "compress"), FORMS)


def mail(number: int, total: int) -> bytes:
    head = f"From 1 Mon Sep 17 00:00:00 2001\nSubject: [PATCH {number}/{total}] p{number}\nFrom: A <a@b.c>\n"
    return f"{head}Message-ID: <{number}@x>\n\nWhy.\n---\n".encode() + DIFF + b"-- \n2\n\n"


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_series(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@each
def test_single_patch(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"mm-x.patch{suffix}"
    path.write_bytes(compress(DIFF))
    plain = tmp_path / "mm-x.patch"
    plain.write_bytes(DIFF)
    series, other = read_series(path), read_series(plain)
    assert (
        (series.name, series.patches[0].subject) == (other.name, other.patches[0].subject) == ("mm-x", "mm-x")
    )
    assert series.patches[0].diff == other.patches[0].diff


@each
def test_mailbox_in_several_members(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"t.mbox{suffix}"
    path.write_bytes(
        b"".join(compress(mail(n, 3)) for n in (1, 2, 3)) + (b"\0" * 512 if suffix != ".bz2" else b"")
    )
    assert [patch.subject for patch in read_series(path).patches] == ["p1", "p2", "p3"]


@each
def test_quilt_and_folder(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    for name in ("x.patch", "x-fix.patch", "z.patch"):
        (tmp_path / f"{name}{suffix}").write_bytes(compress(DIFF))
    (tmp_path / "series").write_text(f"x.patch{suffix}\nx-fix.patch\nz.patch{suffix} -p1\n")
    series = read_series(tmp_path)
    assert [(patch.name, patch.fixes) for patch in series.patches] == [
        ("x.patch", ""),
        ("x-fix.patch", "x"),
        ("z.patch", ""),
    ]
    assert list(as_quilt(series)) == ["series", "x.patch", "x-fix.patch", "z.patch"]


def test_directory_of_compressed_patches(tmp_path: Path) -> None:
    for (suffix, compress), number in zip(FORMS, (2, 1, 10), strict=True):
        (tmp_path / f"{number}-p.patch{suffix}").write_bytes(compress(DIFF))
    assert [patch.subject for patch in read_series(tmp_path).patches] == ["1-p", "2-p", "10-p"]
    (tmp_path / "3-p.patch.gz").write_bytes(gzip.compress(b"no diff"))
    assert "no diff in it; take the file out" in refused(tmp_path)


@each
def test_name_does_not_say_it(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "t.mbox").write_bytes(compress(mail(1, 1)))
    assert read_series(tmp_path / "t.mbox").patches[0].subject == "p1"


@each
def test_what_is_not_as_it_says_or_broken(
    tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"x.patch{suffix}"
    whole = compress(DIFF * 50)
    other = lzma.compress(DIFF) if suffix != ".xz" else gzip.compress(DIFF)
    for data, says in (
        (DIFF, "file, as its name says"),
        (other, "file, as its name says"),
        (whole[:-9], r"broken .* file \(it ends too early\)"),
        (whole[: len(whole) // 2] + b"\xff" * 40, "broken"),
        (whole + b"\0\0x", "broken"),
        (compress(b""), "empty"),
        (compress(b"a\0b" * 9), "binary"),
    ):
        path.write_bytes(data)
        assert str(path) in refused(path)
        with pytest.raises(UserError, match=says):
            read_series(path)
    path.write_bytes(b"")
    assert "as its name says" in refused(path)


@each
def test_bombs_end_at_the_bound(
    tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = compress(b"\n" * (8 << 20))
    with pytest.raises(UserError, match=r"^x: over 1 MiB when unpacked"):
        unpacked(Path("x"), bomb, 1 << 20)
    assert len(unpacked(Path("x"), bomb, 8 << 20)) == 8 << 20
    monkeypatch.setattr(packed, "_MOST_MEMBERS", 3)
    with pytest.raises(UserError, match="over 3 compressed members"):
        unpacked(Path("x"), compress(b"") * 4, 1 << 20)


def test_many_that_are_too_much_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / f"{number}.patch.gz").write_bytes(gzip.compress(DIFF + b"\n" * 40_000))
    assert len(read_series(tmp_path).patches) == 4
    monkeypatch.setattr(files, "LIMIT", 100_000)
    assert f"{tmp_path}: more than the " in refused(tmp_path)


def test_dictionary_that_would_take_the_memory() -> None:
    big = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}])
    with pytest.raises(UserError, match=r"^x: broken xz file \(Memory usage limit exceeded\)"):
        unpacked(Path("x"), big, 1 << 20)


@pytest.mark.parametrize(
    ("name", "plain"), [("a.patch.gz", "a.patch"), ("a.gz.patch", "a.gz.patch"), (".xz", ".xz")]
)
def test_plain_path(name: str, plain: str) -> None:
    assert plain_path(Path(name)) == Path(plain)


def test_text_that_begins_as_bzip2_does_is_text() -> None:
    assert unpacked(Path("x"), b"BZhang wrote:\n", 100) == b"BZhang wrote:\n"
