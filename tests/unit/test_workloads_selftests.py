# SPDX-License-Identifier: GPL-2.0-only
"""The table of what others wrote, and what becomes of it on a tree and a machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import UserError
from harness.paths import CONFIGS
from harness.pipeline.external import prepare_external
from harness.pipeline.plan import load_plan
from harness.process import run
from harness.workloads.catalogue import Workload
from harness.workloads.program import Program, program_of
from harness.workloads.selftest_build import Sources, build_selftests
from harness.workloads.selftests import External, Selftest, Suite, load_external
from harness.workloads.stressng import stress_workload

_TABLE = CONFIGS / "selftests.yaml"
_DIR = "tools/testing/selftests/cgroup"
_SPEAKS = """
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
#include "../kselftest.h"
#include "util.h"
int main(void)
{
	printf("ok 1 %s\\n", NAME);
	if (!fork())
		return 0;
	wait(NULL);
	printf("ok 2 %s\\n", FURTHER);
	return 0;
}
"""
_SUITE = Suite(
    name="selftests-cgroup",
    dirs=("tools/testing/selftests/groups", _DIR),
    headers=("tools/testing/selftests/kselftest*.h",),
    programs=(
        Selftest(name="test_a", sources=("test_a.c",), seconds=9),
        Selftest(name="test_bad", sources=("test_bad.c",), seconds=9),
        Selftest(name="test_none", sources=("test_none.c",), seconds=9),
    ),
    why="x",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with two selftests, of which one does not compile."""
    files = {
        "tools/testing/selftests/kselftest.h": '#define NAME "first"\n',
        f"{_DIR}/util.h": '#define FURTHER "second"\n',
        f"{_DIR}/test_a.c": _SPEAKS,
        f"{_DIR}/test_bad.c": "int main(void) { return not_declared; }\n",
        "mm/memcontrol.c": "",
    }
    for name, text in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text)
    return tmp_path / "tree"


def _sources(tree: Path, **overlay: bytes | None) -> Sources:
    def read(path: str) -> bytes | None:
        return (tree / path).read_bytes() if (tree / path).is_file() else None

    return Sources(tree, read, {path.replace("__", "/"): data for path, data in overlay.items()})


def _say(program: Path) -> str:
    return run([program], cwd=program.parent, deadline=Deadline.after(20)).output


def test_the_table_is_whole() -> None:
    table = load_external(_TABLE)
    names = [row.name for row in (*table.suites,)] + [row.name for row in table.stress]
    assert len(set(names)) == len(names)
    for suite in table.suites:
        cases = [program_of(suite, test).name for test in suite.programs]
        assert len(set(cases)) == len(cases)
        assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", case) for case in cases), "fit for a marker"
        assert all(test.needs.since for test in suite.programs)
        assert all(row.why for test in suite.programs for row in test.known)
    for stress in table.stress:
        rows = [stress_workload(stress, one, "/usr/bin/stress-ng") for one in stress.stressors]
        assert len({row.name for row in rows}) == len(rows)
        assert all(row.did == ("bogo_ops",) and row.least > 0 for row in rows)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"plan\.yaml: external: .* did you mean 'selftests-cgroup'\?"):
        load_external(_TABLE).choose(["selftest-cgroup"], "plan.yaml")


def test_only_what_was_named_is_chosen() -> None:
    chosen = load_external(_TABLE).choose(["stress-ng"], "plan.yaml")
    assert not chosen.suites
    assert [row.name for row in chosen.stress] == ["stress-ng"]
    assert load_external(_TABLE).choose([], "plan.yaml") == External(suites=(), stress=())


def test_plans_name_nothing_unless_they_are_asked_to() -> None:
    assert load_plan(CONFIGS / "default.yaml").external == ()
    known = load_external(_TABLE)
    plan = load_plan(CONFIGS / "kernel-selftests.yaml")
    assert known.choose(plan.external, "x") == known


def test_programs_are_built_outside_of_the_tree_and_kept(tree: Path, tmp_path: Path) -> None:
    before = sorted(tree.rglob("*"))
    built = build_selftests(
        _SUITE, _SUITE.programs, _sources(tree), cache=tmp_path, deadline=Deadline.after(60)
    )
    assert list(built.programs) == ["test_a"]
    assert _say(built.programs["test_a"]) == "ok 1 first\nok 2 second\n", "each line once, in spite of fork()"
    assert re.match(r"does not compile here: .*not_declared", built.failed["test_bad"])
    assert "test_none.c" in built.failed["test_none"]
    assert sorted(tree.rglob("*")) == before
    made = built.programs["test_a"].stat().st_mtime_ns
    again = build_selftests(
        _SUITE, _SUITE.programs, _sources(tree), cache=tmp_path, deadline=Deadline.after(60)
    )
    assert again == built
    assert again.programs["test_a"].stat().st_mtime_ns == made


def test_the_series_own_selftests_are_built(tree: Path, tmp_path: Path) -> None:
    patched = _sources(
        tree,
        **{
            f"{_DIR}/util.h": b'#define FURTHER "patched"\n',
            f"{_DIR}/test_bad.c": None,
            f"{_DIR}/test_none.c": _SPEAKS.encode(),
        },
    )
    built = build_selftests(_SUITE, _SUITE.programs, patched, cache=tmp_path, deadline=Deadline.after(60))
    assert _say(built.programs["test_a"]) == "ok 1 first\nok 2 patched\n"
    assert list(built.programs) == ["test_a", "test_none"]
    assert "test_bad.c" in built.failed["test_bad"]


def test_a_file_that_another_state_has_taken_from_the_copy_is_there_still(tree: Path, tmp_path: Path) -> None:
    """The base, while the copy has a series on it that removes a selftest."""
    given = {path: (tree / path).read_bytes() for path in (f"{_DIR}/test_a.c", f"{_DIR}/util.h")}
    (tree / _DIR / "test_a.c").unlink()

    def read(path: str) -> bytes | None:
        return given.get(path) or ((tree / path).read_bytes() if (tree / path).is_file() else None)

    base = Sources(tree, read, {}, frozenset({f"{_DIR}/test_a.c"}))
    built = build_selftests(_SUITE, _SUITE.programs, base, cache=tmp_path, deadline=Deadline.after(60))
    assert list(built.programs) == ["test_a"]


def test_a_tree_without_them_is_no_error(tmp_path: Path) -> None:
    built = build_selftests(
        _SUITE, _SUITE.programs, _sources(tmp_path), cache=tmp_path, deadline=Deadline.after(60)
    )
    assert not built.programs
    assert built.failed["test_a"] == f"this tree has no tools/testing/selftests/groups or {_DIR}"


def test_everything_is_gathered_for_a_guest(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "stress-ng"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    table = External(suites=(_SUITE,), stress=load_external(_TABLE).stress)

    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr("shutil.which", lambda name: str(fake) if name == "stress-ng" else f"/usr/bin/{name}")
    ready = prepare_external(table, _sources(tree), cache=tmp_path, deadline=Deadline.after(60))
    programs = [row for row in ready.rows if isinstance(row, Program)]
    assert [row.argv for row in programs] == [
        ("/extra/run-selftest", "selftests-cgroup.test_a", "/extra/selftests-cgroup/test_a")
    ]
    stressors = [row for row in ready.rows if isinstance(row, Workload)]
    assert {row.program for row in stressors} == {"/extra/stress-ng-worker"}
    assert ("--program", str(fake)) == stressors[0].args[:2]
    assert {name for name, _why in ready.lacking} == {
        "selftests-cgroup.test_bad",
        "selftests-cgroup.test_none",
    }
    assert ready.archive is not None
    listed = run(["cpio", "-t", "-F", ready.archive], cwd=tmp_path, deadline=Deadline.after(20)).output
    assert {"extra/run-selftest", "extra/stress-ng-worker", "extra/selftests-cgroup/test_a"} <= set(
        listed.splitlines()
    )

    monkeypatch.setattr("shutil.which", lambda name: None if name == "stress-ng" else f"/usr/bin/{name}")
    lacking = prepare_external(
        External(suites=(), stress=table.stress), _sources(tree), cache=tmp_path, deadline=Deadline.after(60)
    )
    assert lacking.archive is None
    assert {why for _name, why in lacking.lacking} == {"stress-ng is not installed: apt install stress-ng"}
    assert ("stress-ng.vm", "stress-ng is not installed: apt install stress-ng") in lacking.lacking
