# SPDX-License-Identifier: GPL-2.0-only
"""A path, commits, or a mail of an archive: what the user names as a series."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError
from harness.events import silent
from harness.series import lore
from harness.series.model import Series
from harness.series.source import open_series

HUNK = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
DIFF = f"--- a/mm/x.c\n+++ b/mm/x.c\n{HUNK}"
HOSTILE = """\
[diff]
\texternal = touch ran;false
\tnoprefix = true
\talgorithm = histogram
\tcontext = 0
[format]
\tattach
\tsignature = hello
\tsubjectPrefix = X
[color]
\tui = always
[diff "c"]
\ttextconv = touch ran; cat
[core]
\tfsmonitor = touch ran
\tattributesFile = attributes
"""


def opened(spec: str | Path, tmp_path: Path) -> Series:
    return open_series(str(spec), cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(60))


def refused(spec: str | Path, tmp_path: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        opened(spec, tmp_path)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Commits tagged v0 to v3, then a merge; and a configuration that must not be heeded."""
    root = tmp_path / "re@po"
    root.mkdir()

    def git(*words: str) -> None:
        config = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=m")
        subprocess.run(["git", *config, *words], cwd=root, check=True, capture_output=True)

    git("init")
    for number in range(4):
        (root / "x.c").write_text("".join(f"{number if line == 5 else line}\n" for line in range(10)))
        git("add", ".")
        git("commit", "-m", f"step {number}")
        git("tag", f"v{number}")
    git("checkout", "-q", "-b", "side", "v2")
    (root / "y.c").write_text("y\n")
    git("add", ".")
    git("commit", "-m", "side")
    git("checkout", "-q", "m")
    git("merge", "-q", "--no-ff", "-m", "merge", "side")
    (root / ".gitattributes").write_text("*.c diff=c\n")
    with (root / ".git" / "config").open("a") as stream:
        stream.write(HOSTILE)
    return root


def test_path(tmp_path: Path) -> None:
    (tmp_path / "a..b.patch").write_text(DIFF)
    assert opened(tmp_path / "a..b.patch", tmp_path).patches[0].subject == "a..b"


def test_range_of_a_repository(repository: Path, tmp_path: Path) -> None:
    series = opened(f"{repository}@v0..v2", tmp_path)
    assert [(patch.number, patch.total, patch.subject) for patch in series.patches] == [
        (1, 2, "step 1"),
        (2, 2, "step 2"),
    ]
    assert series.source == f"{repository}@v0..v2"
    assert re.fullmatch("[0-9a-f]{40}", series.base_commit)
    assert b"@@ -3,7 +3,7 @@\n 2\n 3\n 4\n-0\n+1\n 6\n 7\n 8\n" in series.patches[0].diff
    assert series.patches[0].author == "A <a@b.c>"
    assert series.patches[0].files[0].new_blob == series.patches[1].files[0].old_blob
    assert series.patches[1].origin.endswith("v0..v2: 0002-step-2.patch")
    assert not list(repository.rglob("ran"))


def test_range_of_the_current_directory_and_merges(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    series = opened("v2..", tmp_path)
    assert {patch.subject for patch in series.patches} == {"step 3", "side"}
    assert series.notes[-1] == "1 merges left out"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("R@v0..v9", "'v9' is no commit of"),
        ("R@v2..v0", "no commit in it"),
        ("R@--output=x..v1", "no such file"),
        ("R@v0...v2", "no such file"),
        ("R@x --help..v1", "no such file"),
        ("none@v0..v1", "'none@v0' is no commit"),
        ("../none..patch", "no such file"),
        ("../none", "no such file"),
    ],
)
def test_ranges_that_are_none(repository: Path, tmp_path: Path, spec: str, says: str) -> None:
    assert says in refused(spec.replace("R@", f"{repository}@"), tmp_path)


def test_directory_that_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "no commit of" in refused(f"{tmp_path}@v0..v1", tmp_path)


def mail(number: int, version: str = "") -> str:
    answers = "In-Reply-To: <0@x.y>\n" if number else ""
    return (
        "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: A <a@b.c>\n"
        f"Subject: [PATCH{version} {number}/2] p{number}\nMessage-ID: <{number}{version.strip()}@x.y>\n"
        f"{answers}Date: Wed, 20 Aug 2008 18:53:06 +0900\n\n"
        f"Why.\n---\n{DIFF if number else ''}-- \n2\n\n"
    )


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a list in a public-inbox on loopback, and the paths that were asked of it."""
    asked: list[str] = []
    body = gzip.compress("".join(mail(number) for number in range(3)).encode())

    class Inbox(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            known = self.path.endswith("/t.mbox.gz") and "1@x.y" in self.path.replace("%40", "@")
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(body if known else b"")

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Inbox) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/linux-mm", asked
        server.shutdown()
        thread.join()


@pytest.mark.skipif(lore.find_b4() is None, reason="b4 is not installed")
def test_mail_of_an_archive_by_b4(archive: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = archive
    series = opened(f"{address}/1@x.y/T/#u", tmp_path)
    assert [(patch.number, patch.message_id) for patch in series.patches] == [(1, "1@x.y"), (2, "2@x.y")]
    assert series.name == "p0"
    assert series.patches[0].origin == "message-id:1@x.y"
    assert asked
    asked.clear()
    again = opened(f"{address}/1@x.y/", tmp_path)
    assert again.patches == series.patches
    assert asked == []  # kept in the cache
    assert "b4 could not fetch it" in refused(f"{address}/gone@x.y/", tmp_path)


def test_without_b4_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lore, "find_b4", lambda: None)
    assert "pip install b4" in refused("message-id:<1@x.y>", tmp_path)


def test_b4_that_fails_is_an_infrastructure_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lore, "find_b4", lambda: Path(shutil.which("false") or "false"))
    with pytest.raises(InfraError, match="b4 could not fetch it"):
        opened("message-id:1@x.y", tmp_path)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("message-id:", "no message id"),
        ("message-id:--help@x", "no message id"),
        ("message-id:a b@c", "no message id"),
        ("https://lore.kernel.org/", "no page of a mail"),
        ("https://lore.kernel.org/linux-mm/?q=x\x1b", "no page of a mail"),
    ],
)
def test_names_of_mails_that_are_none(spec: str, says: str, tmp_path: Path) -> None:
    assert says in refused(spec, tmp_path)


@pytest.mark.parametrize(
    ("spec", "ident", "mask"),
    [
        ("message-id:<a@b>", "a@b", ""),
        ("https://lore.kernel.org/linux-mm/a@b/", "a@b", "https://lore.kernel.org/linux-mm/%s"),
        ("https://lore.kernel.org/all/a%2Fx@b/t.mbox.gz", "a/x@b", "https://lore.kernel.org/all/%s"),
        ("https://lore.kernel.org/r/a@b", "a@b", "https://lore.kernel.org/r/%s"),
    ],
)
def test_names_of_mails(spec: str, ident: str, mask: str) -> None:
    assert lore.split_mail(spec) == lore.Mail(message_id=ident, mask=mask)


def test_path_is_no_mail() -> None:
    assert lore.split_mail("a/b.patch") is None
