# SPDX-License-Identifier: GPL-2.0-only
"""A file by its address: whole or not there, asked for again, and what servers do instead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from harness import transfer
from harness.address import Address, file_address, is_address, pinned, refuse_credentials, shown
from harness.deadline import Deadline
from harness.download import download, forget
from harness.errors import DeadlineExpired, HarnessError, InfraError, UserError
from harness.events import Event, Note
from tests.unit.web_sample import Web, cut, drip, first, send, serving

DATA = bytes(range(256)) * 4096
NAME = "/linux.tar.xz"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Web]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving() as server:
        server.files[NAME] = DATA
        yield server


class Notes(list[str]):
    def __call__(self, event: Event) -> None:
        if isinstance(event, Note):
            self.append(event.text)


def fetched(
    web: Web, tmp_path: Path, name: str = NAME, *, sha256: str = "", limit: int = 1 << 24, seconds: float = 30
) -> bytes:
    address = Address(url=web.url + name, sha256=sha256)
    return path_of(address, tmp_path, limit=limit, seconds=seconds).read_bytes()


def path_of(
    address: Address, tmp_path: Path, notes: Notes | None = None, limit: int = 1 << 24, seconds: float = 30
) -> Path:
    return download(
        address,
        cache=tmp_path / "cache",
        limit=limit,
        listener=Notes() if notes is None else notes,
        deadline=Deadline.after(seconds),
    )


def refused(kind: type[HarnessError], web: Web, tmp_path: Path, name: str = NAME, **how: float | str) -> str:
    with pytest.raises(kind) as caught:
        fetched(web, tmp_path, name, **how)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{web.url}{name}: ")
    homes = list((tmp_path / "cache" / "downloads").iterdir())
    assert [path.name for home in homes for path in home.iterdir()] == ["lock"]
    return message


def test_what_is_unchanged_is_not_fetched_again(web: Web, tmp_path: Path) -> None:
    path = path_of(Address(url=web.url + NAME), tmp_path)
    assert (path.name, path.read_bytes()) == ("linux.tar.xz", DATA)
    before = path.stat()
    assert path_of(Address(url=web.url + NAME), tmp_path) == path
    assert path.stat() == before
    assert [sorted(set(fields) & {"if-none-match", "range"}) for _path, fields in web.asked] == [
        [],
        ["if-none-match"],
    ]
    web.files[NAME] = b"other"
    assert fetched(web, tmp_path) == b"other"
    assert sorted(one.name for one in path.parent.iterdir()) == ["about.json", "linux.tar.xz", "lock"]


def test_a_date_serves_where_there_is_no_tag(web: Web, tmp_path: Path) -> None:
    date = "Wed, 20 Aug 2008 18:53:06 GMT"

    def answer(handler: BaseHTTPRequestHandler) -> None:
        same = handler.headers.get("If-Modified-Since") == date
        send(handler, 304 if same else 200, b"" if same else DATA, Last_Modified=date)

    web.files[NAME] = answer
    assert fetched(web, tmp_path) == fetched(web, tmp_path) == DATA
    assert web.asked[1][1]["if-modified-since"] == date


def test_what_nothing_is_said_of_is_fetched_each_time(web: Web, tmp_path: Path) -> None:
    web.tags[NAME] = ""
    fetched(web, tmp_path)
    web.files[NAME] = b"other"
    assert fetched(web, tmp_path) == b"other"


def test_a_checksum_that_fits_needs_no_server(web: Web, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(DATA).hexdigest()
    assert fetched(web, tmp_path, sha256=sha256) == fetched(web, tmp_path, sha256=sha256) == DATA
    assert len(web.asked) == 1


def test_a_checksum_that_does_not_fit(web: Web, tmp_path: Path) -> None:
    said = refused(UserError, web, tmp_path, sha256="0" * 64)
    assert f"its SHA-256 is {hashlib.sha256(DATA).hexdigest()}, not 0000" in said
    fetched(web, tmp_path)
    with pytest.raises(UserError, match="its SHA-256"):
        fetched(web, tmp_path, sha256="0" * 64)
    assert "if-none-match" not in web.asked[-1][1]
    assert fetched(web, tmp_path) == DATA


def test_without_a_server_what_was_fetched_is_used_and_that_is_said(web: Web, tmp_path: Path) -> None:
    def down(handler: BaseHTTPRequestHandler) -> None:
        send(handler, 503, b"")

    address, notes = Address(url=web.url + NAME), Notes()
    path_of(address, tmp_path)
    web.files[NAME] = down
    assert path_of(address, tmp_path, notes).read_bytes() == DATA
    assert notes[0].startswith(
        f"{address.url}: 503 Service Unavailable; try again later; what was fetched at 20"
    )
    gone = Address(url="http://127.0.0.1:1/x.tar")
    with pytest.raises(
        InfraError, match=r"cannot be reached \(.*refused\); mend the host's name or the network"
    ):
        path_of(gone, tmp_path)
    with pytest.raises(InfraError, match="503"):
        fetched(web, tmp_path, sha256="0" * 64)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (404, UserError, "404 Not Found; mend the address"),
        (410, UserError, "410 Gone; mend the address"),
        (401, UserError, "401 Unauthorized; put name and password into ~/.netrc"),
        (204, UserError, "204 No Content; mend the address"),
        (206, UserError, "206 Partial Content; mend the address"),
        (304, UserError, "304 Not Modified; mend the address"),
        (302, UserError, "302 Found; mend the address"),
        (799, InfraError, "799 ; try again later"),
        (429, InfraError, "429 Too Many Requests; try again later"),
        (500, InfraError, "500 Internal Server Error; try again later"),
    ],
)
def test_answers_without_the_file(
    web: Web, tmp_path: Path, status: int, kind: type[HarnessError], said: str
) -> None:
    web.files[NAME] = lambda handler: send(handler, status, b"" if status in (204, 304) else b"no")
    assert said in refused(kind, web, tmp_path)


def test_a_file_that_went_away_is_no_longer_used(web: Web, tmp_path: Path) -> None:
    fetched(web, tmp_path)
    del web.files[NAME]
    with pytest.raises(UserError, match="404"):
        fetched(web, tmp_path)


def test_what_was_cut_off_is_gone_on_with(web: Web, tmp_path: Path) -> None:
    tag = f'"{hash(DATA):x}"'
    web.files[NAME] = first(cut(DATA, 300_000, ETag=tag), web, NAME, DATA)
    assert fetched(web, tmp_path) == DATA
    assert (web.asked[1][1]["range"], web.asked[1][1]["if-range"]) == ("bytes=300000-", tag)


def test_what_was_cut_off_and_changed_begins_anew(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = first(cut(DATA, 300_000, ETag='"old"'), web, NAME, b"other")
    assert fetched(web, tmp_path) == b"other"


def test_what_was_cut_off_of_a_server_without_tags_begins_anew(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = first(cut(DATA, 300_000), web, NAME, DATA)
    assert fetched(web, tmp_path) == DATA
    assert "range" not in web.asked[1][1]


def test_what_is_cut_off_each_time_is_not_there(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = cut(DATA, 300_000)
    assert "cut off after 300000 bytes" in refused(InfraError, web, tmp_path)
    assert len(web.asked) == 3
    web.files[NAME] = DATA
    fetched(web, tmp_path)
    web.files[NAME] = cut(DATA, 10)
    with pytest.raises(InfraError, match="cut off"):
        fetched(web, tmp_path)
    web.files[NAME] = DATA
    assert fetched(web, tmp_path) == DATA


def test_a_length_that_is_too_small_is_all_that_is_taken(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = lambda handler: send(handler, 200, DATA, Content_Length="1000")
    assert fetched(web, tmp_path) == DATA[:1000]


def test_an_end_that_does_not_come(web: Web, tmp_path: Path) -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    web.files[NAME] = drip(web, endless, b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
    assert "over the 1 MiB that it may have" in refused(UserError, web, tmp_path, limit=1 << 20)


def test_a_length_over_the_limit_is_refused_at_once(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = lambda handler: send(handler, 200, b"", Content_Length=str(1 << 40))
    assert "over the 16 MiB" in refused(UserError, web, tmp_path)


def test_a_server_that_says_nothing_more(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_PATIENCE", 0.1)

    def hang(handler: BaseHTTPRequestHandler) -> None:
        send(handler, 200, b"x", Content_Length="10")
        handler.wfile.flush()
        web.closing.wait(20)

    web.files[NAME] = hang
    assert "cut off after 1 bytes (Read timed out.)" in refused(InfraError, web, tmp_path)


def test_a_server_that_lets_it_drip(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_PATIENCE", 0.2)
    web.files[NAME] = drip(web, b"HTTP/1.0 200 OK\r\n\r\n", b"x")
    assert "bytes in 0.2 s; try again later" in refused(InfraError, web, tmp_path)
    assert len(web.asked) == 1


def test_a_head_without_an_end_is_left_behind(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = drip(web, b"HTTP/1.1 200 OK\r\nX: ", b"x")
    assert "not fetched in the time" in refused(DeadlineExpired, web, tmp_path, seconds=0.2)


def test_redirections(web: Web, tmp_path: Path) -> None:
    web.files["/a/b"] = lambda handler: send(handler, 302, b"", Location="../c")
    web.files["/c"] = lambda handler: send(handler, 307, b"", Location=f"{web.url}{NAME}?x=1#y")
    assert fetched(web, tmp_path, "/a/b") == DATA
    assert [path for path, _fields in web.asked] == ["/a/b", "/c", f"{NAME}?x=1"]


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("/loop", "more than 5 redirections; give the address where they end"),
        ("file:///etc/passwd", "redirected to what is no address"),
        ("http://name:secret@127.0.0.1/", "redirected to what is no address"),
    ],
)
def test_redirections_that_lead_nowhere(web: Web, tmp_path: Path, to: str, said: str) -> None:
    web.files["/loop"] = lambda handler: send(handler, 302, b"", Location=to)
    found = refused(InfraError, web, tmp_path, "/loop")
    assert said in found
    assert "secret" not in found


def test_no_redirection_takes_the_seal_away() -> None:
    assert transfer._redirected("https://a/x", "/y", "") == "https://a/y"
    with pytest.raises(InfraError, match="from https to http"):
        transfer._redirected("https://a/x", "http://a/x", "https://a/x")


def test_the_users_name_goes_to_the_host_it_is_for(web: Web, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    web.files["/a"] = lambda handler: send(handler, 302, b"", Location=f"{web.url}{NAME}")
    path_of(Address(url=f"{web.url.replace('127.0.0.1', 'localhost')}/a"), tmp_path)
    assert [fields.get("authorization") for _path, fields in web.asked] == ["Basic bWU6c2VjcmV0", None]


def test_a_proxy_is_asked_where_there_is_one(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", web.url.replace("//", "//me:secret@"))
    web.files["http://example.invalid/x.tar"] = DATA
    assert path_of(Address(url="http://example.invalid/x.tar"), tmp_path).read_bytes() == DATA
    assert web.asked[0][1]["proxy-authorization"] == "Basic bWU6c2VjcmV0"


def test_a_web_page_is_no_file(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = b"\n<!DOCTYPE html>\n<html><title>Sorry</title></html>"
    assert "a web page came in its place; mend the address" in refused(UserError, web, tmp_path)


def test_a_compressed_file_stays_one(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = lambda handler: send(handler, 200, DATA, Content_Encoding="gzip")
    assert fetched(web, tmp_path) == DATA
    assert web.asked[0][1]["accept-encoding"] == "identity"


def test_what_is_no_good_is_forgotten(web: Web, tmp_path: Path) -> None:
    address = Address(url=web.url + NAME)
    forget(address, path_of(address, tmp_path))
    path_of(address, tmp_path)
    assert "if-none-match" not in web.asked[1][1]


def test_what_a_kill_left_is_not_believed(web: Web, tmp_path: Path) -> None:
    path = path_of(Address(url=web.url + NAME), tmp_path)
    (path.parent / ".part").write_bytes(b"left")
    path.write_bytes(b"short")
    assert fetched(web, tmp_path) == DATA
    assert not (path.parent / ".part").exists()


def test_a_file_of_this_machine_is_taken_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "a b.tar"
    path.write_bytes(DATA)
    url = f"file://{tmp_path}/a%20b.tar"
    good, bad = hashlib.sha256(DATA).hexdigest(), "1" * 64
    assert path_of(Address(url=url, sha256=good), tmp_path) == path
    forget(Address(url=url), path)
    with pytest.raises(UserError, match="its SHA-256"):
        path_of(Address(url=url, sha256=bad), tmp_path)
    with pytest.raises(UserError, match=r"none.tar: cannot be read: No such file or directory; mend"):
        path_of(Address(url=f"{url}/none.tar".replace("a%20b.tar/", "")), tmp_path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("https://h/a/linux-2.6.27-rc3.tar.bz2", "linux-2.6.27-rc3.tar.bz2"),
        ("https://h:8080/x.tar?key=1", "x.tar"),
        ("https://[::1]/x.tar", "x.tar"),
        ("https://h/%2e%2e%2fx.tar", "x.tar"),
        ("https://h/linux.git@v6.1.tar", None),
        ("https://h/linux.git@v6.1", None),
        ("git://h/x.tar", None),
        ("/tmp/x.tar", None),
    ],
)
def test_which_addresses_are_files(spec: str, name: str | None) -> None:
    found = file_address(spec, (".tar", ".tar.bz2"))
    assert (found and found.name) == name
    assert is_address(spec) == spec.startswith(("h", "g"))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("https://h/x.tar#md5=1", "no checksum behind the '#'; write #sha256="),
        ("https://h/x.tar#", "no checksum behind the '#'"),
        ("https://h /x.tar", "no address"),
        ("https://h\n/x.tar", "no address"),
        ("file://host/x.tar", "no address"),
    ],
)
def test_addresses_that_are_none(spec: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        file_address(spec, (".tar",))
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_checksum_is_no_part_of_the_address() -> None:
    found = file_address(f"https://h/x.tar#sha256={'A' * 64}", (".tar",))
    assert found == Address(url="https://h/x.tar", sha256="a" * 64)


def test_what_was_tested_is_named_with_its_checksum() -> None:
    sha256 = "b" * 64
    wanted = f"https://h/x.tar.gz#sha256={sha256}"
    assert pinned("https://h/x.tar.gz", sha256) == pinned(wanted, sha256) == wanted
    assert pinned("https://h/x.git@main", sha256) == "https://h/x.git@main"
    assert pinned("/tmp/x.tar.gz", sha256) == "/tmp/x.tar.gz"


@pytest.mark.parametrize(
    "spec",
    [
        "https://me:secret@h/x.tar",
        "https://me:secret@h/x.git@main",
        "https://secret@h/x.git@main",
        "https://me:sec/secret@h/x.tar",
        "git://me:secret@h/x.git@main",
        "ssh://me:secret@h/x.git@main",
    ],
)
def test_a_password_is_not_taken_and_not_repeated(spec: str) -> None:
    with pytest.raises(UserError) as caught:
        refuse_credentials(spec)
    assert "put them into ~/.netrc" in str(caught.value)
    assert "secret" not in str(caught.value) + shown(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "https://h/x.git@main",
        "https://h:8080/x.git@main",
        "https://[::1]:80/x.git@main",
        "ssh://git@h/x.git@main",
        "/home/me:secret@h/x",
        "message-id:a:b@c",
    ],
)
def test_what_holds_no_password(spec: str) -> None:
    refuse_credentials(spec)
