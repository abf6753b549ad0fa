# SPDX-License-Identifier: GPL-2.0-only
"""The pages as their readers see them: a real browser, wide and as wide as a phone, light, dark and printed.

The page may not run anything, so the browser is driven from outside: a frame as wide as a phone in a page of
ours, whose script measures what is in it. KEEP_SCREENSHOTS names a directory in which the pictures stay.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socketserver
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from harness.analysis.model import Analysis, Finding
from harness.pipeline.model import PatchText, Run
from harness.report.html import document
from harness.report.html_bisect import bisection_page
from harness.report.html_index import index
from harness.report.html_night import night_page
from tests.unit import pages_sample, report_sample

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium here: apt install chromium"),
]

_EVIL = (
    "</script></style></pre><script>document.title='owned';alert(1)</script>"
    "<img src=/asked.png onerror=alert(2)><iframe src='/asked'></iframe><svg onload=alert(3)>\x1b[31m\u202e"
)
_PAGES = (
    *("red/report.html", "green/report.html", "hostile/report.html"),
    *("night/report.html", "bisection/report.html", "results/index.html"),
    *("hostile-night/report.html", "hostile-bisection/report.html"),
)
_DIFF = (
    "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1,2 +1,3 @@ f(void)\n \tone();\n+\t" + "two(); " * 60 + "\n \tthree();\n"
)
_MEASURE = """<!DOCTYPE html><title>measuring</title>
<style>body { margin: 0 } iframe { border: 0; display: block }</style>
<iframe id=f width=WIDTH height=1600></iframe><pre id=said></pre>
<script>
const frame = document.getElementById("f");
frame.onload = () => {
  const inner = frame.contentDocument, wide = [];
  for (const one of inner.body.querySelectorAll("*")) {
    if (one.getBoundingClientRect().right <= WIDTH + 0.5) continue;
    const scrolls = at => frame.contentWindow.getComputedStyle(at).overflowX == "auto";
    let at = one.parentElement;
    while (at && !scrolls(at)) at = at.parentElement;
    if (!at) wide.push(one.tagName + "." + one.className + " " + one.textContent.slice(0, 60));
  }
  document.getElementById("said").textContent = JSON.stringify({
    wide, page: inner.documentElement.scrollWidth, title: inner.title,
    scripts: inner.scripts.length, frames: inner.querySelectorAll("iframe, img, object").length,
    background: frame.contentWindow.getComputedStyle(inner.body).backgroundColor,
  });
};
frame.src = "PAGE";
</script>
"""


def hostile() -> Run:
    """The hostile sample with markup in all that a patch or a kernel can choose."""
    value = report_sample.hostile()
    found = Finding(
        rule=_EVIL,
        severity="error",
        patch=2,
        file="mm/x.c",
        line=2,
        function="f",
        message=_EVIL * 20,
        why="",
    )
    bad = value.cells[0].cases[0]
    report = replace(bad.reports[0], title=_EVIL, condition=_EVIL, text=_EVIL * 5_000, fingerprint="x")
    cells = (replace(value.cells[0], cases=(replace(bad, reason=_EVIL, reports=(report,)),)),)
    return replace(
        value,
        cells=cells,
        reason=_EVIL,
        plan=_EVIL,
        tree="x" * 3_000,
        texts=(PatchText(number=2, author=_EVIL, diff=_DIFF + _DIFF.replace("one", _EVIL)),),
        analysis=Analysis(findings=(found,)),
        machine={"host": _EVIL, "x" * 200: "y" * 3_000},
    )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Site:
    """A directory over HTTP on loopback, and every path that was asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        site = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *words: object) -> None:
                super().__init__(*words, directory=str(root))  # type: ignore[arg-type]

            def log_message(self, format: str, *args: object) -> None:
                site.asked.append(self.path)

        self.server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}"


def _frame(page: str, width: int) -> str:
    """The name of the page that has *page* in a frame so wide."""
    return f"{page.split('/', maxsplit=1)[0]}-{width}.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    for name, value in (
        ("red", report_sample.red()),
        ("green", report_sample.green()),
        ("hostile", hostile()),
    ):
        directory = root / name
        directory.mkdir()
        for file in ("run.json", "junit.xml", "repeat.sh", "harness.log"):
            (directory / file).write_text("there\n")
        (directory / "report.html").write_bytes(document(directory, value))
    index(pages_sample.results(root / "results"))
    last = sorted(path.parent for path in (root / "results").glob("*/night.json"))[-1]
    (root / "night").symlink_to(last)
    (root / "bisection").symlink_to(root / "results" / pages_sample.bisection().run)
    for name, page in (
        ("hostile-night", night_page(root, pages_sample.hostile_night(_EVIL))),
        ("hostile-bisection", bisection_page(root, pages_sample.hostile_bisection(_EVIL))),
    ):
        (root / name).mkdir()
        (root / name / "report.html").write_bytes(page)
    for page_name in _PAGES:
        for width in (390, 1280):
            text = _MEASURE.replace("WIDTH", str(width)).replace("PAGE", f"/{page_name}")
            (root / _frame(page_name, width)).write_text(text)
    made = Site(root)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., str]:
    """Chromium on one address; what it prints."""

    def call(address: str, *options: str) -> str:
        done = subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                "--virtual-time-budget=3000",
                f"--user-data-dir={tmp_path / 'profile'}",
                *options,
                address,
            ],
            capture_output=True,
            timeout=120,
            check=True,
            cwd=tmp_path,
        )
        return done.stdout.decode("utf-8", "replace")

    return call


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", _PAGES)
def test_nothing_overflows_and_nothing_runs(
    page: str, width: int, site: Site, browse: Callable[..., str]
) -> None:
    site.asked.clear()
    dom = browse(site.address(_frame(page, width)), "--dump-dom")
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    assert found, dom[:500]
    said = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert said["wide"] == []
    assert said["page"] == width
    assert (said["scripts"], said["frames"]) == (0, 0)
    assert said["title"] != "owned"
    assert said["background"] != "rgba(0, 0, 0, 0)", "the policy keeps the page's own style out"
    expected = {f"/{_frame(page, width)}", f"/{page}", "/favicon.ico"}
    assert set(site.asked) <= expected


@pytest.mark.parametrize("page", ["red/report.html", "hostile/report.html", *_PAGES[3:6]])
def test_every_link_leads_somewhere(page: str, site: Site, browse: Callable[..., str]) -> None:
    dom = browse(site.address(page), "--dump-dom")
    links = re.findall(r'<a [^>]*href="([^"]*)"', dom)
    assert len(links) > 8
    for link in links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in dom
        else:
            assert ((site.root / page).parent / unquote(link)).is_file()


@pytest.mark.parametrize(("width", "height"), [(1280, 1600), (390, 1600)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["red/report.html", "hostile/report.html", *_PAGES[3:6]])
def test_it_can_be_looked_at(
    page: str, scheme: str, width: int, height: int, site: Site, browse: Callable[..., str], tmp_path: Path
) -> None:
    keep = Path(os.environ.get("KEEP_SCREENSHOTS") or tmp_path)
    path = keep / f"{page.split('/', maxsplit=1)[0]}-{scheme}-{width}.png"
    # A window is never as narrow as a phone: the frame is, and the window is cut around it.
    address = site.address(_frame(page, 390) if width == 390 else page)
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    browse(address, *dark, f"--window-size={width},{height}", f"--screenshot={path}")
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24])[1] == height
    assert len(data) > 20_000, "an empty page"


@pytest.mark.parametrize("page", ["red/report.html", *_PAGES[3:6]])
def test_it_prints(page: str, site: Site, browse: Callable[..., str], tmp_path: Path) -> None:
    keep = Path(os.environ.get("KEEP_SCREENSHOTS") or tmp_path)
    path = keep / f"{page.split('/', maxsplit=1)[0]}.pdf"
    browse(site.address(page), f"--print-to-pdf={path}")
    data = path.read_bytes()
    assert data[:5] == b"%PDF-"
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 12, "so many sheets"


@pytest.mark.parametrize("page", [*_PAGES[:2], *_PAGES[3:6]])
def test_nothing_is_wider_than_the_paper(page: str, site: Site, browse: Callable[..., str]) -> None:
    """At A4's width less chromium's margins; the print sheet in place of the screen's."""
    text = (site.root / page).read_text()
    sheet = text.partition("<style>")[2].partition("</style>")[0]
    printed = sheet.replace("@media print", "@media screen").replace("(max-width: 40rem)", "(max-width: 1px)")
    (site.root / page).with_name("printed.html").write_text(
        re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace(sheet, printed)
    )
    name = f"{page.split('/', maxsplit=1)[0]}-718.html"
    address = f"/{page.rpartition('/')[0]}/printed.html"
    (site.root / name).write_text(_MEASURE.replace("WIDTH", "718").replace("PAGE", address))
    dom = browse(site.address(name), "--dump-dom")
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    assert found, dom[:500]
    assert json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))["wide"] == []
