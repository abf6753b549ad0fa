# SPDX-License-Identifier: GPL-2.0-only
"""A kernel report against the sources: the condition at its line, and the patch that put it there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis.model import Analysis, Finding, FunctionChange
from harness.analysis.source import Source
from harness.analysis.statement import assertion_at
from harness.console.model import Frame, Report
from harness.pipeline.explain import Explainer
from harness.pipeline.judge import told
from harness.tree.lineage import patch_of_line

BASE = b"""int a(int x)
{
\treturn x;
}

int b(int x)
{
\tVM_BUG_ON(!x);
\treturn x;
}
"""
# 1/3 adds three lines on top, 2/3 an assertion to a(), 3/3 moves b() down.
FIRST = b"/* one\n * two\n * three */\n" + BASE
SECOND = FIRST.replace(b"\treturn x;\n}\n\nint b", b"\tVM_BUG_ON(x ==\n\t\t  3);\n\treturn x;\n}\n\nint b")
THIRD = SECOND.replace(b"int b(", b"static int c;\n\nint b(")
PREFIXES: tuple[dict[str, bytes], ...] = ({}, {"mm/m.c": FIRST}, {"mm/m.c": SECOND}, {"mm/m.c": THIRD})


def _read(path: str) -> bytes | None:
    return BASE if path == "mm/m.c" else None


def _line(text: bytes, words: bytes) -> int:
    return next(number for number, line in enumerate(text.split(b"\n"), 1) if words in line)


@pytest.mark.parametrize(
    ("words", "patch"), [(b"* two", 1), (b"VM_BUG_ON(x", 2), (b"3);", 2), (b"int c", 3), (b"VM_BUG_ON(!x", 0)]
)
def test_a_line_is_followed_back_to_the_patch_that_wrote_it(words: bytes, patch: int) -> None:
    assert patch_of_line(PREFIXES, _read, "mm/m.c", _line(THIRD, words)) == patch


@pytest.mark.parametrize("line", [0, -1, 999])
def test_a_line_that_is_not_there_is_nobodys(line: int) -> None:
    assert patch_of_line(PREFIXES, _read, "mm/m.c", line) == 0
    assert patch_of_line(PREFIXES, _read, "mm/none.c", 1) == 0


def test_a_file_that_a_patch_adds_is_that_patchs() -> None:
    assert patch_of_line(({}, {}, {"new.c": b"x\ny\n"}), _read, "new.c", 2) == 2


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        ("void f(void)\n{\n\tVM_BUG_ON(pc->page != page);\n}\n", 3, "VM_BUG_ON(pc->page != page)"),
        ("void f(void)\n{\n\tBUG_ON(a &&\n\t       b);\n}\n", 3, "BUG_ON(a && b)"),
        ("void f(void)\n{\n\tBUG_ON(a &&\n\t       b);\n}\n", 4, "BUG_ON(a && b)"),
        ("void f(void)\n{\n\tif (count < 0)\n\t\tBUG();\n}\n", 4, "if (count < 0) BUG()"),
        ("void f(void)\n{\n\tif (WARN_ON(count < 0))\n\t\treturn;\n}\n", 3, "WARN_ON(count < 0)"),
        ("void f(void)\n{\n\tg(count);\n}\n", 3, ""),
        ("void f(void)\n{\n\tBUG_ON(a);\n}\n", 4, ""),
        ("", 1, ""),
        ("\x00\xff{{{{((((", 1, ""),
    ],
)
def test_the_assertion_at_a_line(code: str, line: int, said: str) -> None:
    assert assertion_at(Source("mm/m.c", code.encode("latin-1")), line) == said


def _explainer(analysis: Analysis | None = None) -> Explainer:
    return Explainer(root=Path("/src"), read=_read, prefixes=PREFIXES, analysis=analysis or Analysis())


def _report(**more: object) -> Report:
    return Report(**{"title": "kernel BUG in a", "kind": "bug", "severity": "fatal", **more})  # type: ignore[arg-type]


def test_a_bug_names_its_condition_and_the_patch_that_wrote_the_line() -> None:
    line = _line(THIRD, b"VM_BUG_ON(x")
    report = _explainer()(_report(file="/src/mm/m.c", line=line, function="a"))
    assert (report.file, report.condition, report.patches) == ("mm/m.c", "VM_BUG_ON(x == 3)", (2,))
    assert told(report) == f"kernel BUG in a at mm/m.c:{line}: VM_BUG_ON(x == 3); patch 2 wrote this line"


def test_a_line_of_the_tree_goes_to_those_who_changed_its_function() -> None:
    changes = tuple(
        FunctionChange(patch=number, file="mm/m.c", name="b", change="changed", line=1) for number in (3, 1)
    )
    report = _explainer(Analysis(functions=changes))(
        _report(file="mm/m.c", line=_line(THIRD, b"VM_BUG_ON(!x"), function="b")
    )
    assert (report.condition, report.patches) == ("VM_BUG_ON(!x)", (1, 3))
    assert report.because == "patches 1, 3 changed b"


def test_a_finding_in_the_function_decides_between_patches() -> None:
    changes = tuple(
        FunctionChange(patch=number, file="mm/m.c", name="a", change="changed", line=1) for number in (1, 2)
    )
    finding = Finding(
        rule="lock-imbalance",
        severity="error",
        patch=2,
        file="mm/m.c",
        line=6,
        function="a",
        message="held",
        why="t",
    )
    report = _explainer(Analysis(functions=changes, findings=(finding,)))(
        _report(title="BUG: lock held", function="a")
    )
    assert report.patches == (2,)
    assert report.because == "patch 2 changed a: lock-imbalance at mm/m.c:6"


def test_what_the_series_never_touched_is_left_as_it_is() -> None:
    report = _report(title="INFO: task hung in z", function="z")
    assert _explainer()(report) == report
    elsewhere = _report(file="kernel/other.c", line=3, function="z")
    assert _explainer()(elsewhere) == elsewhere


def test_a_patch_that_is_not_on_is_not_blamed() -> None:
    changes = (FunctionChange(patch=3, file="mm/m.c", name="a", change="changed", line=1),)
    base = Explainer(
        root=Path("/src"), read=_read, prefixes=PREFIXES[:1], analysis=Analysis(functions=changes)
    )
    assert base(_report(title="BUG: lock held", function="a")).patches == ()


def test_what_a_stuck_task_stands_in_leads_to_a_patch() -> None:
    changes = (FunctionChange(patch=2, file="mm/m.c", name="a", change="changed", line=1),)
    explain = _explainer(Analysis(functions=changes))
    stack = (Frame(function="mutex_lock", at=1, size=2), Frame(function="a.isra.0", at=1, size=2))
    report = explain(_report(title="INFO: task hung in z", kind="hung", function="z", stack=stack))
    assert report.patches == (2,)
    assert report.because == "patch 2 changed a, which is on its stack"
    passer_by = _report(title="BUG: scheduling while atomic in z", kind="atomic", function="z", stack=stack)
    assert explain(passer_by).patches == ()
