# SPDX-License-Identifier: GPL-2.0-only
"""A series in a tarball, here or by its address: mmotm's broken-out first of all."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.cli import main
from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError, UserError
from harness.events import Event, Note, silent
from harness.series import tarball
from harness.series.model import Series
from harness.series.source import open_series
from harness.tarball import Bounds
from tests.unit.web_sample import Web, cut, serving

NAME = "broken-out-2008-08-20-18-53.tar.gz"


def patch(path: str) -> str:
    return f"From: A <a@b.c>\nSubject: {path}\n\nWhy.\n\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n"


SERIES = """\
# This is a comment
origin.patch
#NEXT_PATCHES_START mm
mm-one.patch
mm-one-fix.patch
#NEXT_PATCHES_END
#mm-dropped.patch
mm-two.patch
"""
MMOTM = {
    "broken-out/series": SERIES,
    "broken-out/.DATE": "2008-08-20-18-53-06 2.6.27-rc3\n",
    "broken-out/.DATE-2008-08-20-18-53-06": "2008-08-20-18-53-06 2.6.27-rc3\n",
    "broken-out/origin.patch": patch("mm/origin.c"),
    "broken-out/mm-one.patch": patch("mm/one.c"),
    "broken-out/mm-one-fix.patch": patch("mm/one.c"),
    "broken-out/mm-two.patch": patch("mm/two.c"),
    "broken-out/mm-dropped.patch": "no diff",
}


def packed(files: Mapping[str, str], mode: str = "w:gz", *odd: tarfile.TarInfo) -> bytes:
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode=mode) as archive:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        for member in odd:
            archive.addfile(member)
    return found.getvalue()


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        yield server


def opened(spec: str | Path, tmp_path: Path) -> Series:
    return open_series(str(spec), cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(60))


def refused(spec: str | Path, tmp_path: Path, kind: type[HarnessError] = UserError) -> str:
    with pytest.raises(kind) as caught:
        opened(spec, tmp_path)
    message = str(caught.value)
    assert message.isprintable()
    assert str(tmp_path / "cache") not in message
    left = [path.name for path in (tmp_path / "cache").glob("series.*")]
    assert left == []
    return message


def test_a_broken_out_by_its_address(web: Web, tmp_path: Path) -> None:
    web.files[f"/mmotm/{NAME}"] = packed(MMOTM)
    spec = f"{web.url}/mmotm/{NAME}"
    series = opened(spec, tmp_path)
    assert [one.name for one in series.patches] == [
        "origin.patch",
        "mm-one.patch",
        "mm-one-fix.patch",
        "mm-two.patch",
    ]
    assert (series.name, series.source) == ("broken-out-2008-08-20-18-53", spec)
    assert series.patches[2].fixes == "mm-one"
    assert series.patches[0].origin == f"{spec}/broken-out/origin.patch"
    assert series.notes[-1] == ".DATE says 2008-08-20-18-53-06 2.6.27-rc3"
    assert opened(spec, tmp_path) == series
    assert [sorted(set(fields) & {"if-none-match"}) for _path, fields in web.asked] == [[], ["if-none-match"]]
    web.files[f"/mmotm/{NAME}"] = packed({**MMOTM, "broken-out/series": "mm-two.patch\n"})
    assert len(opened(spec, tmp_path).patches) == 1


@pytest.mark.parametrize(
    "files",
    [
        MMOTM,
        {name.removeprefix("broken-out/"): text for name, text in MMOTM.items()},
        {f"./{name}": text for name, text in MMOTM.items()},
        {f"x/{name.replace('broken-out', 'patches')}": text for name, text in MMOTM.items()},
    ],
)
@pytest.mark.parametrize(
    ("name", "mode"), [(NAME, "w:gz"), ("x.tar", "w"), ("x.tar.xz", "w:xz"), ("x.tbz2", "w:bz2")]
)
def test_a_broken_out_that_lies_here(tmp_path: Path, files: Mapping[str, str], name: str, mode: str) -> None:
    path = tmp_path / name
    path.write_bytes(packed(files, mode))
    series = opened(path, tmp_path)
    assert [one.subject for one in series.patches] == ["mm/origin.c", "mm/one.c", "mm/one.c", "mm/two.c"]
    assert series.source == str(path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_patches_without_a_series_file(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(packed({"d/0002-b.patch": patch("b.c"), "d/0001-a.patch": patch("a.c")}, "w"))
    assert [one.subject for one in opened(path, tmp_path).patches] == ["a.c", "b.c"]


def test_a_patch_that_the_tarball_lacks(web: Web, tmp_path: Path) -> None:
    files = {name: text for name, text in MMOTM.items() if not name.endswith("two.patch")}
    web.files[f"/{NAME}"] = packed(files)
    assert refused(f"{web.url}/{NAME}", tmp_path) == (
        f"{web.url}/{NAME}/broken-out/series:8: patch 'mm-two.patch' is not there; add the file or take out "
        "the line"
    )
    refused(f"{web.url}/{NAME}", tmp_path)
    assert "if-none-match" not in web.asked[-1][1], "what was no good is fetched anew"
    (tmp_path / NAME).write_bytes(packed(files))
    assert refused(tmp_path / NAME, tmp_path).startswith(f"{tmp_path / NAME}/broken-out/series:8: ")


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (special("../evil", tarfile.REGTYPE), "names a path outside the tree"),
        (special("/evil", tarfile.REGTYPE), "names a path outside the tree"),
        (special("broken-out/l", tarfile.SYMTYPE, "../../x"), "'broken-out/l' is a link to a path outside"),
        (special("broken-out/l", tarfile.SYMTYPE, "series"), "'broken-out/l' is a link; pack the patches"),
        (special("broken-out/l", tarfile.LNKTYPE, "../../etc/passwd"), "names a path outside the tree"),
        (special("broken-out/pipe", tarfile.FIFOTYPE), "'broken-out/pipe' is no file"),
    ],
)
def test_hostile_tarballs(tmp_path: Path, odd: tarfile.TarInfo, says: str) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(packed(MMOTM, "w", odd))
    message = refused(path, tmp_path)
    assert message.startswith(f"{path}: ")
    assert says in message


def test_what_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(packed({**MMOTM, "broken-out/bomb": "\0" * (32 << 20)}))
    monkeypatch.setattr(tarball, "_BOUNDS", Bounds(size=1 << 20, files=100))
    assert "over 1 MiB when unpacked" in refused(path, tmp_path)
    monkeypatch.setattr(tarball, "_BOUNDS", Bounds(size=1 << 20, files=4))
    path.write_bytes(packed(MMOTM))
    assert "over 4 files when unpacked" in refused(path, tmp_path)
    with path.open("wb") as stream:
        stream.truncate(65 << 20)
    assert "65 MiB, over the 64 MiB that a series may be" in refused(path, tmp_path)


def test_what_is_no_tarball(web: Web, tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"no archive")
    assert "cannot be unpacked" in refused(tmp_path / "x.tar.gz", tmp_path)
    (tmp_path / "x.tar").write_bytes(packed({"a/b": "x", "c/d": "y"}, "w"))
    assert "no patch in it" in refused(tmp_path / "x.tar", tmp_path)
    web.files["/x.tar.gz"] = b"<html>Sorry</html>"
    assert "a web page came in its place" in refused(f"{web.url}/x.tar.gz", tmp_path)
    assert "404 Not Found; mend the address" in refused(f"{web.url}/y.tar.gz", tmp_path)
    web.files["/x.tar.gz"] = cut(packed(MMOTM), 100)
    assert "cut off after 100 bytes" in refused(f"{web.url}/x.tar.gz", tmp_path, InfraError)


def mail(number: int) -> str:
    return (
        "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: A <a@b.c>\n"
        f"Subject: [PATCH {number}/2] p{number}\nMessage-ID: <{number}@x.y>\n\nWhy.\n---\n"
        f"{patch(f'{number}.c').partition(chr(10) * 2)[2].partition(chr(10) * 2)[2]}-- \n2\n\n"
    )


@pytest.mark.parametrize("path", ["/x.mbox", "/x.mbox.gz", "/series/1/mbox/", "/t/x.txt"])
def test_a_mailbox_by_its_address(web: Web, tmp_path: Path, path: str) -> None:
    data = (mail(2) + mail(1)).encode()
    web.files[path] = gzip.compress(data) if path.endswith("gz") else data
    series = opened(f"{web.url}{path}", tmp_path)
    assert [one.subject for one in series.patches] == ["p1", "p2"]
    assert series.patches[0].origin.startswith(f"{web.url}{path}")
    assert series.source == f"{web.url}{path}"


def test_a_patch_by_its_address_without_a_server(web: Web, tmp_path: Path) -> None:
    web.files["/a.patch"] = patch("a.c").encode()
    spec, notes = f"{web.url}/a.patch", []
    first = opened(spec, tmp_path)
    web.files["/a.patch"] = lambda handler: handler.send_error(502)

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    again = open_series(spec, cache=tmp_path / "cache", listener=listen, deadline=Deadline.after(60))
    assert again == first
    assert notes and "what was fetched at" in notes[0]
    web.files["/b.patch"] = b"no diff"
    assert refused(f"{web.url}/b.patch", tmp_path).startswith(f"{web.url}/b.patch: ")


def test_a_file_address(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(packed(MMOTM))
    assert len(opened(f"file://{tmp_path}/{NAME}", tmp_path).patches) == 4
    assert list(tmp_path.glob("*/downloads")) == []


def test_a_mails_page_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.series.lore.find_b4", lambda: None)
    assert "pip install b4" in refused("https://lore.kernel.org/linux-mm/1@x.y/t.mbox.gz", tmp_path)


def test_the_commands_take_addresses(web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    web.files[f"/{NAME}"] = packed(MMOTM)
    assert main(["series", "show", f"{web.url}/{NAME}", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["patches"]) == 4
    assert main(["series", "show", f"{web.url}/none.tar.gz"]) == 2
    web.files["/x.tar.gz"] = lambda handler: handler.send_error(500)
    assert main(["series", "show", f"{web.url}/x.tar.gz"]) == 3
