# SPDX-License-Identifier: GPL-2.0-only
"""The command: bad input is one line with the mend, exit 2, nothing made or changed; --json is one object."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.paths import CONFIGS

_DIFF = """\
--- a/mm/{name}
+++ b/mm/{name}
@@ -1,3 +1,4 @@
 {first}
+/* added */
 {second}
 {third}
"""

Attempt = Callable[..., str]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text("name: t\ntree: debian\nseries: s\nworkloads: [anon]\n")
    return path


@pytest.fixture
def series(tmp_path: Path, toy_source: Path) -> Path:
    """A series that goes on the toy tree."""
    file = next(iter(sorted((toy_source / "mm").glob("*.c"))))
    first, second, third = file.read_text().splitlines()[:3]
    path = tmp_path / "good.patch"
    path.write_text(_DIFF.format(name=file.name, first=first, second=second, third=third))
    return path


@pytest.fixture
def attempt(
    tmp_path: Path, plan: Path, toy_source: Path, series: Path, capsys: pytest.CaptureFixture[str]
) -> Attempt:
    """`harness run` with *changes* to good arguments; its one line of error, after the rest was checked."""
    results = tmp_path / "results"

    def call(**changes: object) -> str:
        given = {"plan": plan, "tree": toy_source, "series": series, "results": results, **changes}
        before = sorted(toy_source.rglob("*"))
        words = [str(given["plan"])]
        for option in ("tree", "series", "results"):
            words += [f"--{option}", str(given[option])]
        code = main(["run", *words])
        said = capsys.readouterr()
        errors = [line for line in said.err.splitlines() if line.startswith("harness: ")]
        assert code == 2
        assert len(errors) == 1
        assert "Traceback" not in said.err
        assert said.out == ""
        assert sorted(toy_source.rglob("*")) == before
        assert not list(results.glob("*"))
        return errors[0]

    return call


def test_a_tree_that_is_not_there(attempt: Attempt, tmp_path: Path) -> None:
    assert "no such tree" in attempt(tree=tmp_path / "nowhere")


def test_a_tree_that_is_no_kernel(attempt: Attempt, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "not a kernel tree" in attempt(tree=tmp_path / "empty")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "nowhere"), (b"", "empty"), (b"\0\1\2" * 99, "binary"), (b"Dear all,\nno patch.\n", "no diff")],
)
def test_a_series_that_is_no_series(
    attempt: Attempt, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "nowhere"
    if content is not None:
        path.write_bytes(content)
    assert said in attempt(series=path)


def test_a_series_that_does_not_apply_names_patch_and_hunk(attempt: Attempt, series: Path) -> None:
    series.write_text(series.read_text().replace("\n ", "\n something else ", 1))
    message = attempt()
    assert "patch 1/1" in message
    assert "hunk 1" in message


@pytest.mark.parametrize("path", ["../outside.c", "/etc/passwd", ".git/config"])
def test_a_patch_that_leaves_the_tree(attempt: Attempt, series: Path, path: str) -> None:
    text = series.read_text().splitlines()
    text[0:2] = [f"--- {path}", f"+++ {path}"]
    series.write_text("\n".join(text) + "\n")
    assert path in attempt()


def test_an_unknown_plan_key_names_file_line_and_nearest(attempt: Attempt, plan: Path) -> None:
    plan.write_text(plan.read_text() + "secnods: 1\n")
    assert f"{plan}:5: unknown key 'secnods'; did you mean 'seconds'?" in attempt()


def test_an_unknown_workload(attempt: Attempt, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("[anon]", "[anom]"))
    assert "did you mean 'anon'" in attempt()


def test_an_unknown_profile(attempt: Attempt, plan: Path) -> None:
    plan.write_text(plan.read_text() + "kconfig: plian\n")
    assert "plain" in attempt()


def test_an_unknown_profile_of_several(attempt: Attempt, plan: Path) -> None:
    plan.write_text(plan.read_text() + "kconfig: [plain, seee]\n")
    assert "no profile 'seee'; it has plain, see" in attempt()


@pytest.mark.parametrize("names", ["[plain, plain]", "[]"])
def test_profiles_that_make_no_sense(attempt: Attempt, plan: Path, names: str) -> None:
    plan.write_text(plan.read_text() + f"kconfig: {names}\n")
    assert f"{plan}: " in attempt()


@pytest.mark.parametrize("numbers", [("2", "6", "24"), ("3", "10", "0")])
def test_a_tree_of_another_time_names_those_that_are_known(
    attempt: Attempt, toy_source: Path, numbers: tuple[str, str, str]
) -> None:
    makefile = toy_source / "Makefile"
    text = makefile.read_text()
    for name, number in zip(("VERSION", "PATCHLEVEL", "SUBLEVEL"), numbers, strict=True):
        text = re.sub(rf"^{name} =.*$", f"{name} = {number}", text, count=1, flags=re.MULTILINE)
    makefile.write_text(text)
    said = attempt()
    assert f"Linux {'.'.join(numbers)} is not among the versions" in said
    assert "2.6.26 to 2.6.28, 5.4 to 7; --force tries anyway" in said


@pytest.mark.parametrize("name", ["mmotm-2.6.27", "lockless-page_cgroup", "seed-4of7"])
def test_a_plan_that_asks_says_where_such_a_tree_comes_from(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(CONFIGS / f"{name}.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{name}.yaml: give --tree: a" in line


def test_a_plan_that_asks_for_a_series_too(toy_source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(CONFIGS / "lockless-page_cgroup.yaml"), "--tree", str(toy_source)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "give --series: the seven mails as an mbox" in line


def test_no_qemu(attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "setpriv").symlink_to("/usr/bin/setpriv")
    monkeypatch.setenv("PATH", str(tools))
    assert "apt-get install qemu-system-x86" in attempt()


def test_results_that_cannot_be_written(attempt: Attempt, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "results directory cannot be written" in attempt(results=tmp_path / "file" / "results")


def test_no_disk_space(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_bavail = 0
        f_frsize = 4096

    monkeypatch.setattr("os.statvfs", lambda _path: Full())
    assert "GiB are free" in attempt()


def test_boot_without_a_kernel(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["boot", str(tmp_path / "bzImage")]) == 2
    assert "no such kernel image" in capsys.readouterr().err


def test_arguments_that_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--only", "both"]) == 2
    assert "base or patched" in capsys.readouterr().err


def test_doctor_answers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    names = {check["name"] for check in json.loads(capsys.readouterr().out)["checks"]}
    assert {"qemu-system-x86", "linux-source", "accelerator", "cache"} <= names


def test_build_answers_with_a_kernel_and_a_cut_pipe_is_no_traceback(
    plan: Path, toy_source: Path, series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["build", str(plan), "--tree", str(toy_source), "--series", str(series), "--upto", "1", "--json"]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert Path(answer["image"]).is_file()
    assert answer["cached"] is False
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["cached"] is True
    command = " ".join(map(shlex.quote, [sys.executable, "-m", "harness", *words]))
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 141)
    assert "Traceback" not in done.stderr


def test_an_output_that_is_full_is_one_line(plan: Path, series: Path) -> None:
    words = [sys.executable, "-m", "harness", "series", "show", str(series)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.splitlines() == ["harness: the output: No space left on device; make room on its disk"]
