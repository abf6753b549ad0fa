# SPDX-License-Identifier: GPL-2.0-only
"""A tree by the address of its tarball, on the one road that all words for a tree go."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import main
from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError, UserError
from harness.events import Event, Finished, silent
from harness.pipeline.night_order import copy_of
from harness.pipeline.night_plan import load_night
from harness.pipeline.plan import series_from, tree_from
from harness.tarball import Bounds, extract, look_over
from harness.tree import unpack
from harness.tree.model import Tree
from harness.tree.peek import peek
from harness.tree.source import open_tree
from tests.unit.web_sample import Web, serving

PATCH = """\
--- a/mm/new.c
+++ b/mm/new.c
@@ -0,0 +1 @@
+int fresh;
"""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        yield server


def packed(root: Path, mode: str = "w:gz") -> bytes:
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode=mode) as archive:  # type: ignore[call-overload]
        archive.add(root, arcname="linux")
    return found.getvalue()


def opened(spec: str, tmp_path: Path) -> Tree:
    with open_tree(spec, cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(60)) as tree:
        return tree


def refused(kind: type[HarnessError], spec: str, tmp_path: Path) -> str:
    with pytest.raises(kind) as caught:
        opened(spec, tmp_path)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(("ending", "mode"), [("gz", "w:gz"), ("bz2", "w:bz2"), ("xz", "w:xz")])
def test_a_tarball_elsewhere_is_a_tree(
    web: Web, toy_source: Path, tmp_path: Path, ending: str, mode: str
) -> None:
    data = packed(toy_source, mode)
    web.files[f"/linux-6.1.tar.{ending}"] = data
    spec = f"{web.url}/linux-6.1.tar.{ending}"
    tree = opened(spec, tmp_path)
    assert (tree.kind, tree.name, tree.origin) == ("tarball", "linux-6.1", spec)
    assert tree.fingerprint == hashlib.sha256(data).hexdigest()
    assert (tree.source / "mm/memcontrol.c").read_bytes() == (toy_source / "mm/memcontrol.c").read_bytes()


def test_it_is_unpacked_again_when_it_has_changed(web: Web, toy_source: Path, tmp_path: Path) -> None:
    web.files["/x.tar.gz"] = packed(toy_source)
    spec = f"{web.url}/x.tar.gz"
    done: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Finished):
            done.append(f"{event.title}: {event.outcome}")

    def again() -> Tree:
        done.clear()
        with open_tree(spec, cache=tmp_path / "cache", listener=listen, deadline=Deadline.never()) as tree:
            return tree

    first = again()
    assert done == [f"fetch {spec}: done", f"unpack {spec}: done"]
    assert again() == first
    assert done == [f"fetch {spec}: unchanged"]
    (toy_source / "mm/new.c").write_text("int new;\n")
    web.files["/x.tar.gz"] = packed(toy_source)
    second = again()
    assert second.source == first.source
    assert second.fingerprint != first.fingerprint
    assert (second.source / "mm/new.c").exists()
    pinned = f"{spec}#sha256={second.fingerprint}"
    assert opened(pinned, tmp_path).source == first.source
    assert refused(UserError, f"{spec}#sha256={'0' * 64}", tmp_path).startswith(f"{spec}: its SHA-256 is ")


def test_what_is_no_tarball_is_one_line_and_is_not_kept(web: Web, toy_source: Path, tmp_path: Path) -> None:
    spec = f"{web.url}/x.tar.gz"
    web.files["/x.tar.gz"] = b"no archive at all"
    assert refused(UserError, spec, tmp_path).startswith(f"{spec}: cannot be unpacked: ")
    whole = packed(toy_source)
    web.files["/x.tar.gz"] = whole[:-100]
    assert "cannot be unpacked" in refused(UserError, spec, tmp_path)
    assert "if-none-match" not in web.asked[-1][1]
    web.files["/x.tar.gz"] = whole
    assert opened(spec, tmp_path).kind == "tarball"
    (toy_source / "Makefile").unlink()
    web.files["/x.tar.gz"] = packed(toy_source)
    assert refused(UserError, spec, tmp_path).startswith(f"{spec}: not a kernel tree: ")


def test_what_unpacks_to_too_much(
    web: Web, toy_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_BOUNDS", Bounds(size=1 << 20, files=1000))
    with (toy_source / "bomb").open("wb") as bomb:
        bomb.truncate(64 << 20)
    web.files["/x.tar.gz"] = bomb_gz = packed(toy_source)
    assert len(bomb_gz) < 1 << 20
    said = refused(UserError, f"{web.url}/x.tar.gz", tmp_path)
    assert "over 1 MiB when unpacked, more than it may have" in said
    (home,) = (tmp_path / "cache" / "trees").iterdir()
    assert [one.name for one in home.iterdir()] == ["lock"]


def test_a_sparse_file_and_many_files_are_bounded_too(tmp_path: Path) -> None:
    with (tmp_path / "hole").open("wb") as hole:
        hole.truncate(1 << 40)
    with pytest.raises(UserError, match=r"x\.tar: over 1 MiB when unpacked"):
        look_over(tmp_path, "x.tar", Bounds(size=1 << 20, files=10))
    (tmp_path / "hole").unlink()
    for number in range(11):
        (tmp_path / str(number)).touch()
    with pytest.raises(UserError, match=r"x\.tar: over 10 files when unpacked"):
        look_over(tmp_path, "x.tar", Bounds(size=1 << 20, files=10))


def test_a_bomb_in_a_bomb_ends_when_the_bound_is_reached(tmp_path: Path) -> None:
    member = tarfile.TarInfo("bomb")
    member.size = 1 << 40
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(member.tobuf() + bytes(64 << 20), 1))
    (tmp_path / "into").mkdir()
    with pytest.raises(UserError, match="x: over 1 MiB when unpacked"):
        extract(
            tmp_path / "x.tar.gz", tmp_path / "into", "x", Bounds(size=1 << 20, files=9), Deadline.after(60)
        )


def test_a_tarball_that_changes_under_us(
    toy_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(packed(toy_source))

    def swapped(*words: object) -> None:
        extract(*words)  # type: ignore[arg-type]
        path.write_bytes(b"other")

    monkeypatch.setattr(unpack, "extract", swapped)
    assert "changed while it was unpacked; run this again" in refused(InfraError, str(path), tmp_path)


def test_without_a_server(web: Web, toy_source: Path, tmp_path: Path) -> None:
    web.files["/x.tar.gz"] = packed(toy_source)
    spec = f"{web.url}/x.tar.gz"
    fingerprint = opened(spec, tmp_path).fingerprint
    web.files["/x.tar.gz"] = lambda handler: handler.send_error(503)
    assert opened(spec, tmp_path).fingerprint == fingerprint
    other = refused(InfraError, f"{web.url}/none.tar.gz".replace("127.0.0.1", "127.0.0.2"), tmp_path)
    assert "cannot be reached" in other


def test_peek_goes_the_same_road(web: Web, toy_source: Path, tmp_path: Path) -> None:
    web.files["/x.tgz"] = packed(toy_source)
    with peek(f"{web.url}/x.tgz", cache=tmp_path, listener=silent, deadline=Deadline.after(60)) as tree:
        assert tree.read("mm/memcontrol.c") == (toy_source / "mm/memcontrol.c").read_bytes()


def test_a_file_address(toy_source: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(packed(toy_source))
    assert opened(f"file://{path}", tmp_path).source == opened(str(path), tmp_path).source
    path.write_bytes(b"x")
    assert "cannot be unpacked" in refused(UserError, f"file://{path}", tmp_path)
    assert path.exists()


def test_the_commands_take_addresses(
    web: Web, toy_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.patch").write_text(PATCH)
    web.files["/x.tar.gz"] = packed(toy_source)
    tree, patch = f"{web.url}/x.tar.gz", str(tmp_path / "new.patch")
    out = tmp_path / "out"
    assert main(["apply", patch, "--tree", tree, "--output", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["applied"]
    assert (out / "mm/new.c").read_text() == "int fresh;\n"
    assert main(["analyze", patch, "--tree", tree, "--json"]) == 0
    assert main(["apply", patch, "--tree", f"{web.url}/none.tar.gz"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"harness: {web.url}/none.tar.gz: 404 Not Found; mend the address"
    )
    web.files["/x.tar.gz"] = lambda handler: handler.send_error(500)
    (tmp_path / "xdg-cache").rename(tmp_path / "aside")
    assert main(["apply", patch, "--tree", tree]) == 3


@pytest.mark.parametrize("word", ["https://me:secret@h/x.tar.gz", "https://me:secret@h/x.git@main"])
def test_no_word_with_a_password_goes_on(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for read in (tree_from, series_from):
        with pytest.raises(UserError, match="netrc"):
            read(tmp_path, word)
    with pytest.raises(UserError, match="netrc"):
        opened(word, tmp_path)
    assert main(["apply", "x.patch", "--tree", word]) == 2
    assert main(["apply", word, "--tree", "debian"]) == 2
    assert "secret" not in "".join(capsys.readouterr())
    night = tmp_path / "night.yaml"
    night.write_text(f"name: n\ntrees: ['{word}']\nplans: [a.yaml]\n")
    (tmp_path / "a.yaml").write_text("name: a\n")
    with pytest.raises(UserError, match="netrc"):
        load_night(night)


def test_a_night_of_addresses(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n")
    night = tmp_path / "night.yaml"
    checksum = "#sha256=" + "a" * 64
    night.write_text(
        "name: n\n"
        f"trees: ['https://h/linux-2.6.27-rc3.tar.bz2{checksum}', https://h/linux.git@master]\n"
        "series: ['', https://h/mmotm/broken-out-2008-08-20-18-53.tar.gz,\n"
        "         {series: 'file:///x.mbox', name: x}]\n"
        "plans: [a.yaml]\n"
    )
    _plan, entries = load_night(night)
    assert [entry.name for entry in entries[:3]] == [
        "linux-2.6.27-rc3.tar.bz2/none/a/plain",
        "linux-2.6.27-rc3.tar.bz2/broken-out-2008-08-20-18-53.tar.gz/a/plain",
        "linux-2.6.27-rc3.tar.bz2/x/a/plain",
    ]
    assert entries[1].plan.tree == f"https://h/linux-2.6.27-rc3.tar.bz2{checksum}"
    assert entries[1].plan.series == "https://h/mmotm/broken-out-2008-08-20-18-53.tar.gz"
    assert entries[2].plan.series == "file:///x.mbox"
    assert copy_of(entries[0].plan) == "https://h/linux-2.6.27-rc3.tar.bz2", "one private copy"
