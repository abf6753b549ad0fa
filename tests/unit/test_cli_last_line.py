# SPDX-License-Identifier: GPL-2.0-only
"""What a command says last, however it ends: verdict and report; and what --quiet leaves."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness import cli_bisect, cli_faults, cli_kernel, cli_nightly
from harness.cli import main
from harness.errors import InfraError, NoBase
from harness.events import Note
from harness.pipeline.bench import Request
from harness.pipeline.bisect import Around
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.faults import Matrix
from harness.pipeline.model import Run
from harness.pipeline.night_model import Night
from harness.pipeline.run import Surroundings
from harness.verdict import Verdict
from tests.unit.pages_sample import bisection
from tests.unit.report_sample import green, red

Runs = Callable[..., tuple[int, str, str]]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runs:
    """`harness run` with a road that comes to *end*, or stops with it; exit code, stdout, stderr."""
    plan = tmp_path / "plan.yaml"
    plan.write_text("name: t\ntree: debian\nworkloads: [anon]\n")
    monkeypatch.setenv("CI", "1")

    def call(end: Run | BaseException, *words: str, known: Run | None = None) -> tuple[int, str, str]:
        def execute(_request: Request, around: Surroundings) -> Run:
            run = end if isinstance(end, Run) else known
            if run is not None:
                directory = tmp_path / "results" / run.run
                directory.mkdir(parents=True)
                around.publisher.begin(directory)
                around.publisher.update(run)
                around.listener(Note("KVM hangs", warning=True))
            if isinstance(end, Run):
                return end
            if isinstance(end, KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            raise end

        monkeypatch.setattr(cli_kernel, "execute", execute)
        code = main(["run", str(plan), "--results", str(tmp_path / "results"), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def _page(tmp_path: Path, run: Run) -> str:
    return f"{tmp_path}/results/{run.run}/report.html"


@pytest.mark.parametrize(("run", "word", "code"), [(green(), "pass", 0), (red(), "FAIL", 1)])
def test_a_run_ends_with_its_verdict_and_its_page(
    run: Run, word: str, code: int, runs: Runs, tmp_path: Path
) -> None:
    ended, out, err = runs(run)
    assert ended == code
    assert out.splitlines()[-1] == f"{word}  {_page(tmp_path, run)}"
    assert len(out.splitlines()) > 20
    assert err.splitlines()[0] == "[0:00] warning: KVM hangs"
    assert f"run t: {run.verdict} in " in err.splitlines()[1]


def test_beside_json_the_last_line_is_on_stderr(runs: Runs, tmp_path: Path) -> None:
    _code, out, err = runs(red(), "--json")
    assert json.loads(out)["verdict"] == "fail"
    assert err.splitlines()[-1] == f"FAIL  {_page(tmp_path, red())}"


def test_quiet_is_warnings_and_the_last_line(runs: Runs, tmp_path: Path) -> None:
    _code, out, err = runs(red(), "--quiet")
    assert out == f"FAIL  {_page(tmp_path, red())}\n"
    assert err == "[0:00] warning: KVM hangs\n"
    assert Path(_page(tmp_path, red())).is_file(), "the results are kept all the same"


def test_quiet_with_json_is_the_answer_too(runs: Runs, tmp_path: Path) -> None:
    _code, out, err = runs(red(), "-q", "--json")
    assert json.loads(out)["verdict"] == "fail"
    assert err.splitlines() == ["[0:00] warning: KVM hangs", f"FAIL  {_page(tmp_path, red())}"]


@pytest.mark.parametrize(
    ("end", "said", "code"),
    [
        (lambda: InfraError("no space left"), "harness: no space left", 3),
        (KeyboardInterrupt, "harness: interrupted", 130),
    ],
)
@pytest.mark.parametrize("words", [(), ("--json",), ("--quiet",)])
def test_what_was_cut_off_says_so_last(
    end: Callable[[], BaseException], said: str, code: int, words: Sequence[str], runs: Runs, tmp_path: Path
) -> None:
    known = replace(red(), finished="")
    ended, out, err = runs(end(), *words, known=known)
    assert (ended, out) == (code, "")
    assert err.splitlines()[-2:] == [said, f"CUT OFF  {_page(tmp_path, known)}"]


def test_a_base_that_does_not_boot_has_its_verdict(runs: Runs, tmp_path: Path) -> None:
    _code, _out, err = runs(NoBase("debian: the base kernel does not boot"), known=red())
    assert err.splitlines()[-1] == f"FAIL  {_page(tmp_path, red())}"
    code, _out, err = runs(
        NoBase("debian: does not build"), "--git-bisect", known=replace(red(), run="other")
    )
    assert code == 125
    assert err.splitlines()[-1] == f"FAIL  {_page(tmp_path, replace(red(), run='other'))}"


def test_where_nothing_is_kept_there_is_no_last_line(runs: Runs) -> None:
    _code, out, err = runs(InfraError("no QEMU"))
    assert out == ""
    assert err.splitlines()[-1] == "harness: no QEMU"


@pytest.mark.parametrize("cut", [False, True])
def test_a_bisection_ends_with_its_page(
    cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def begin(_request: Request, _wanted: float, around: Around) -> tuple[Bisection, Path]:
        known = replace(bisection(), finished="" if cut else "now")
        around.publish(tmp_path, known)
        if cut:
            raise InfraError("QEMU is gone")
        return known, tmp_path

    monkeypatch.setattr(cli_bisect, "begin", begin)
    plan = tmp_path / "plan.yaml"
    plan.write_text("name: t\ntree: debian\nseries: s\nworkloads: [anon]\n")
    assert main(["bisect", str(plan), "--quiet"]) == (3 if cut else 1)
    said = capsys.readouterr()
    last = f"{'CUT OFF' if cut else 'FAIL'}  {tmp_path}/report.html"
    assert (said.err if cut else said.out).splitlines()[-1] == last
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("cut", [False, True])
def test_a_night_ends_with_its_page_and_the_list_has_it(
    cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    (results / "n").mkdir(parents=True)

    def begin(*words: Any) -> tuple[Night, Path]:
        night = Night(
            run="n",
            name="n",
            plan_path="",
            started="",
            entries=(),
            verdict=Verdict.PASS,
            finished="" if cut else "now",
        )
        words[-1].publish(results / "n", night)
        if cut:
            raise InfraError("no disk")
        return night, results / "n"

    monkeypatch.setattr(cli_nightly, "begin", begin)
    monkeypatch.setattr(cli_nightly, "load_night", lambda _path: (None, ()))
    assert main(["nightly", "n.yaml", "--results", str(results), "--json"]) == (3 if cut else 0)
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == f"{'CUT OFF' if cut else 'pass'}  {results}/n/report.html"
    assert (results / "n" / "report.html").is_file()
    assert (results / "index.html").is_file() is not cut


def test_faults_end_with_their_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        cli_faults, "put_through", lambda *_words: Matrix(plan="faults", tree="t", finished=True)
    )
    assert main(["faults", "--tree", "debian", "--results", str(tmp_path), "--quiet"]) == 0
    (page,) = tmp_path.glob("*/index.html")
    assert capsys.readouterr().out == f"pass  {page}\n"
