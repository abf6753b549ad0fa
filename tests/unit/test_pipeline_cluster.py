# SPDX-License-Identifier: GPL-2.0-only
"""Cells on a real scheduler and real workers, started as docs/cluster.md has it; only guests are made up."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import InfraError, UserError
from harness.events import Event, Note, Progress, silent
from harness.guest.machine import Spec
from harness.pipeline import cluster
from harness.pipeline.cells import Machines
from harness.pipeline.cluster import Cluster, opened
from harness.pipeline.model import Cell
from harness.verdict import Verdict
from tests.docs_pages import Page
from tests.unit.cluster_sample import GATE, Played, cells, free_port, run_all, running, until

pytestmark = pytest.mark.slow

_PAGE = Page("cluster.md").text
_FAILURES = "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"
_PRELOAD = f" --preload {Path(__file__).parent / 'cluster_sample.py'}"


def _line(start: str, port: int) -> str:
    """The page's line that begins with *start*, for this machine."""
    (line,) = re.findall(rf"^    ({re.escape(start)}.*)$", _PAGE, re.MULTILINE)
    return str(line).replace("build.example", "127.0.0.1").replace("8786", str(port))


class Site:
    """A scheduler, its two workers with a cache each, and the gate that their guests wait at."""

    def __init__(self, directory: Path, port: int) -> None:
        self.gate = directory / "gate"
        self.directory = directory
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = _line("dask scheduler --host build", port)
        self._worker = _line("dask worker tcp", port) + _PRELOAD
        self.gate.mkdir()

    def worker(self, name: str) -> str:
        """The command of a worker with a cache of its own."""
        return f"env XDG_CACHE_HOME={self.directory / name} {self._worker}"

    def open(self) -> None:
        """Let all guests go on."""
        (self.gate / "go").touch()

    def close(self) -> None:
        """Forget what was."""
        for path in self.gate.iterdir():
            path.unlink()

    def began(self) -> dict[str, int]:
        """The cells that have begun, and the process that has them."""
        found = [path.name.removeprefix("began-").rpartition("-") for path in self.gate.glob("began-*")]
        return {cell: int(pid) for cell, _dash, pid in found}

    def received(self) -> list[list[tuple[str, int]]]:
        """What each worker's cache has, with the inode of each directory."""
        places = [self.directory / worker / "memcg-harness" / "received" for worker in ("w1", "w2")]
        return [sorted((path.name, path.stat().st_ino) for path in place.glob("[!.]*")) for place in places]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    site = Site(directory, free_port())
    lines = [site.scheduler, *map(site.worker, ("w1", "w2"))]
    with running(*lines, directory=directory, **{GATE: str(site.gate), _FAILURES: "1"}):
        yield site


@pytest.fixture
def site(started: Site) -> Site:
    started.close()
    return started


@pytest.fixture
def there(site: Site) -> Iterator[Cluster]:
    with opened(site.address, silent) as found:
        until(lambda: len(found.roster.stated()) >= 2, "two workers")
        yield found


def _files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def _begun(machines: Machines, directory: Path, **more: object) -> Future[tuple[Cell, ...]]:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(run_all, machines, directory, **more)  # type: ignore[arg-type]
    pool.shutdown(wait=False)
    return future


def test_a_worker_is_killed_and_the_results_are_those_of_this_machine(
    there: Cluster, site: Site, tmp_path: Path
) -> None:
    here = run_all(Played(), tmp_path / "here")
    assert [cell.verdict for cell in here] == [Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.FAIL]
    heard: list[Event] = []
    run = _begun(there, tmp_path / "there", heard=heard)
    until(lambda: len(site.began()) == 4 and len(set(site.began().values())) == 2, "cells at both workers")
    died = sorted(site.began().values())[0]
    lost = [cell for cell, pid in site.began().items() if pid == died]
    os.kill(died, signal.SIGKILL)
    site.open()
    assert run.result(60) == here
    assert _files(tmp_path / "there") == _files(tmp_path / "here")
    assert all(len(list(site.gate.glob(f"began-{cell}-*"))) == 2 for cell in lost), "begun again"
    texts = [event.text for event in heard if isinstance(event, Note)]
    assert len([text for text in texts if re.match(r"\S+: at tcp://127.0.0.1:\d+, tcg$", text)]) == 4 + len(
        lost
    )
    assert {event.text for event in heard if isinstance(event, Progress)} >= {"playing base-v1"}


def test_kernels_and_images_are_sent_once_to_each_worker(there: Cluster, site: Site, tmp_path: Path) -> None:
    site.open()
    for name in ("1", "2"):
        run_all(there, tmp_path / name)
    before = site.received()
    heard: list[Event] = []
    with opened(site.address, silent) as another:
        run_all(another, tmp_path / "3", heard)
    assert site.received() == before
    assert not [event for event in heard if isinstance(event, Note) and "sent to" in event.text]
    assert {len(has) for has in before} <= {0, 4}, "two kernels, an image and an archive"


def test_a_moment_without_workers_is_waited_out(
    there: Cluster, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.open()
    really, asked = there.roster.stated, iter(range(9))
    monkeypatch.setattr(there.roster, "stated", lambda: really() if next(asked, 9) > 7 else {})
    assert {cell.verdict for cell in run_all(there, tmp_path)} == {Verdict.PASS, Verdict.FAIL}


def test_an_interrupt_ends_the_guests_at_the_workers(there: Cluster, site: Site, tmp_path: Path) -> None:
    cancelled = threading.Event()
    run = _begun(there, tmp_path / "there", cancelled=cancelled)
    until(lambda: len(site.began()) == 4, "all cells")
    cancelled.set()
    assert {case.reason for cell in run.result(60) for case in cell.cases} == {"interrupted"}
    until(lambda: len(list(site.gate.glob("ended-*"))) == 4, "the end of all guests")


def test_so_does_the_end_of_the_command(site: Site, tmp_path: Path) -> None:
    with opened(site.address, silent) as found:
        until(lambda: len(found.roster.stated()) >= 2, "two workers")
        run = _begun(found, tmp_path / "there")
        until(lambda: len(site.began()) == 4, "all cells")
    until(lambda: len(list(site.gate.glob("ended-*"))) == 4, "the end of all guests")
    assert {cell.verdict for cell in run.result(60)} == {Verdict.INFRA}


def test_a_worker_that_has_no_guest_is_not_asked_again(there: Cluster, site: Site, tmp_path: Path) -> None:
    run = _begun(there, tmp_path / "1")
    until(lambda: len(set(site.began().values())) == 2, "both workers")
    broken = min(site.began().values())
    site.open()
    run.result(60)
    (site.gate / f"broken-{broken}").touch()
    assert run_all(there, tmp_path / "2") == run.result()
    for pid in site.began().values():
        (site.gate / f"broken-{pid}").touch()
    for cell in run_all(there, tmp_path / "3"):
        assert cell.verdict is Verdict.INFRA
        assert "qemu-system-x86_64: cannot be started" in cell.cases[0].reason


def test_the_first_failure_ends_the_others(there: Cluster, site: Site, tmp_path: Path) -> None:
    enough = threading.Event()
    jobs = [replace(job, enough=enough) for job in cells(tmp_path)]
    run = _begun(there, tmp_path, jobs=jobs)
    until(lambda: len(site.began()) == 4, "all cells")
    (site.gate / "go-bug-v1").touch()
    assert [cell.verdict for cell in run.result(60)] == [*[Verdict.SKIP] * 3, Verdict.FAIL]
    until(lambda: len(list(site.gate.glob("ended-*"))) == 3, "the end of the others")


def test_a_cell_that_kills_its_workers_is_given_up(there: Cluster, site: Site, tmp_path: Path) -> None:
    (site.gate / "die-base-v1").touch()
    (cell,) = run_all(there, tmp_path, jobs=cells(tmp_path)[:1])
    assert cell.verdict is Verdict.INFRA
    assert re.match(r"2 workers died while they ran it, at last tcp://", cell.cases[0].reason)
    assert not list((tmp_path / "base-v1").iterdir())


def test_a_scheduler_that_dies_leaves_no_guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LOOK", 0.2)
    monkeypatch.setattr(cluster, "_ANSWER", 1.0)
    (tmp_path / "worker").mkdir()
    site = Site(tmp_path, free_port())
    with (
        ExitStack() as alive,
        running(site.worker("w1"), directory=tmp_path / "worker", **{GATE: str(site.gate)}),
    ):
        alive.enter_context(running(site.scheduler, directory=tmp_path))
        until(lambda: "Scheduler at" in (tmp_path / "0.log").read_text(), "a scheduler")
        with opened(site.address, silent) as there:
            until(there.roster.stated, "a worker")
            run = _begun(there, tmp_path / "there")
            until(lambda: len(site.began()) == 2, "as many cells as there is room for")
            alive.close()
            until(lambda: len(list(site.gate.glob("ended-*"))) == 2, "the end of all guests")
            assert {cell.verdict for cell in run.result(60)} == {Verdict.INFRA}


def test_too_large_a_guest_is_refused_with_what_is_missing(there: Cluster) -> None:
    there.require(Spec(cpus=4, memory_mb=768))
    assert there.room(2, 768) == 4
    assert there.room(2, 2048) == 2
    assert there.room(64, 768) == 1
    with pytest.raises(InfraError, match=r"takes cpus=4 memory=1006632960: tcp://\S+ states cpus=2;"):
        there.require(Spec(cpus=8, memory_mb=768))
    with pytest.raises(InfraError, match=r"states memory=4e\+09; .*start one: dask worker tcp://"):
        there.require(Spec(cpus=1, memory_mb=4096))


def test_another_version_is_refused(site: Site) -> None:
    heard: list[Event] = []
    with opened(site.address, heard.append) as found:
        until(lambda: len(found.roster.stated()) >= 2, "two workers")
        found.roster._identity = "0.2.0+abc"
        with pytest.raises(
            InfraError, match=r"is not used: it has memcg-harness 0\.1\.0\S+, distributed \S+, here"
        ):
            found.require(Spec())
    assert len([event for event in heard if isinstance(event, Note) and event.warning]) >= 2


def test_no_scheduler_and_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_ANSWER", 0.3)
    for address in ("nonsense", "tcp://", "tcp://host", "http://host:80", "tcp://a b:1"):
        with pytest.raises(UserError, match="no scheduler's address"), opened(address, silent):
            pass
    with (
        pytest.raises(InfraError, match="no scheduler answers"),
        opened(f"tcp://127.0.0.1:{free_port()}", silent),
    ):
        pass
    with (
        pytest.raises(UserError, match="no certificates for TLS"),
        opened(f"tls://127.0.0.1:{free_port()}", silent),
    ):
        pass
