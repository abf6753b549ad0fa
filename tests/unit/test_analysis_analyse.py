# SPDX-License-Identifier: GPL-2.0-only
"""A series put on a tree, analysed: what counts as brought by it, and by which patch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from harness.analysis.analyse import analyse
from harness.analysis.model import Analysis, Raw, Reach
from harness.analysis.reach import Reached, Touched
from harness.analysis.rules import RULES, shipped_rows
from harness.analysis.scope import Rule, Scope
from harness.analysis.source import Source
from harness.analysis.states import States
from harness.analysis.table import RuleRow, load_rules
from harness.errors import UserError
from harness.series.model import FileChange, Patch, Series
from harness.tree.model import Applied, Overlay, Version

ROW = RuleRow(id="bad-call", severity="error", title="bad", why="because")
State = Mapping[str, str]


def bad_calls(source: Source, scope: Scope) -> Iterator[Raw]:
    """A rule: each line with ``bad(`` in a function of the scope."""
    for function in source.functions:
        for line in range(function.first, function.last + 1):
            if function.name in scope.functions and "bad(" in source.line(line):
                yield Raw(
                    rule="bad-call",
                    line=line,
                    function=function.name,
                    message="bad",
                    key=source.line(line).strip(),
                )


RULE = Rule(("bad-call",), bad_calls)


def run(
    *states: State, rules: Sequence[Rule] = (RULE,), renamed: Mapping[str, str] | None = None
) -> Analysis:
    """Analyse the series whose patch k turns ``states[k - 1]`` into ``states[k]``."""
    base = {path: text.encode() for path, text in states[0].items()}
    prefixes: list[Overlay] = [{}]
    patches: list[Patch] = []
    for number, (before, after) in enumerate(pairwise(states), 1):
        names = sorted({*before, *after} - set((renamed or {}).values()))
        files = tuple(
            FileChange(
                path=path,
                kind="modified",
                old_path=(renamed or {}).get(path, path),
                added=1,
                removed=1,
                hunks=1,
            )
            for path in names
            if before.get(path) != after.get(path)
        )
        patches.append(
            Patch(
                number=number,
                total=len(states) - 1,
                subject="s",
                author="a",
                message_id="",
                diff=b"",
                files=files,
                origin="o",
            )
        )
        prefixes.append(
            {path: after[path].encode() if path in after else None for path in {*states[0], *after}}
        )
    series = Series(name="s", version=1, patches=tuple(patches))
    applied = Applied(landings=(), prefixes=tuple(prefixes))
    return analyse(
        series, States(applied, base.get), rules=rules, rows={"bad-call": ROW}, version=Version(6, 1, 0)
    )


def function(name: str, *lines: str) -> str:
    return f"int {name}(void)\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def where(analysis: Analysis) -> list[tuple[int, str, int, str]]:
    return [(one.patch, one.file, one.line, one.function) for one in analysis.findings]


def test_a_defect_is_laid_at_the_patch_that_brought_it_and_stands_where_it_is_at_the_end() -> None:
    found = run(
        {"a.c": function("f", "x();")},
        {"a.c": function("f", "y();")},
        {"a.c": function("f", "y();", "bad(1);")},
        {"a.c": "/* */\n" + function("f", "z();", "y();", "bad(1);")},
    )
    assert where(found) == [(2, "a.c", 6, "f")]
    one = found.findings[0]
    assert (one.severity, one.why, one.source, one.tools) == ("error", "because", "\tbad(1);", ("harness",))
    assert one.surroundings == ("{", "\tz();", "\ty();", "\tbad(1);", "}", "", "")


def test_what_the_base_has_is_not_new_wherever_it_moved_in_its_function() -> None:
    assert where(run({"a.c": function("f", "bad(1);")}, {"a.c": function("f", "x();", "bad(1);")})) == []


def test_what_the_series_mends_itself_is_not_reported() -> None:
    assert where(run({"a.c": function("f")}, {"a.c": function("f", "bad(1);")}, {"a.c": function("f")})) == []


def test_what_comes_back_is_laid_at_the_patch_that_brought_it_back() -> None:
    good, bad = {"a.c": function("f")}, {"a.c": function("f", "bad(1);")}
    assert where(run(good, bad, good, bad)) == [(3, "a.c", 3, "f")]


def test_a_function_that_is_renamed_keeps_its_defects() -> None:
    assert where(run({"a.c": function("f", "bad(1);")}, {"a.c": function("g", "bad(1);")})) == []
    moved = run({"a.c": function("f", "bad(1);"), "b.c": ""}, {"a.c": "", "b.c": function("g", "bad(1);")})
    assert where(moved) == []


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("bad(one);", "bad(two);", False),
        ("bad(one); /* why */", "bad(two);", False),
        ("bad(one); good(one);", "bad(two); good(one);", True),
        ("bad(one);", "bad(GLOBAL);", True),
        ("if (one) bad(one->one);", "if (two) bad(two->two);", True),
        ("lock(); bad(one); unlock();", "unlock(); bad(two); lock();", True),
    ],
)
def test_a_variable_that_is_renamed_brings_nothing(before: str, after: str, new: bool) -> None:
    def text(name: str, line: str) -> str:
        return function("f", f"int *{name} = get();", line)

    found = run({"a.c": text("one", before)}, {"a.c": text("two", after)})
    assert bool(found.findings) == new


def test_a_copy_of_a_defect_is_new() -> None:
    text = function("f", "bad(1);")
    assert where(run({"a.c": text}, {"a.c": text + function("g", "bad(1);")})) == [(1, "a.c", 8, "g")]


def test_a_file_that_is_renamed_keeps_its_defects() -> None:
    found = run(
        {"a.c": function("f", "bad(1);")},
        {"b.c": function("f", "bad(1);", "bad(2);")},
        renamed={"b.c": "a.c"},
    )
    assert where(found) == [(1, "b.c", 4, "f")]


def test_the_fingerprint_is_of_the_defect_not_of_its_line() -> None:
    one = run({"a.c": function("f")}, {"a.c": function("f", "bad(1);")}).findings[0]
    other = run({"a.c": "\n\n" + function("f")}, {"a.c": "\n\n" + function("f", "bad(1);")}).findings[0]
    third = run({"a.c": function("f")}, {"a.c": function("f", "bad(2);")}).findings[0]
    assert one.line != other.line
    assert one.fingerprint == other.fingerprint != third.fingerprint


def test_what_a_rule_is_told() -> None:
    told: list[tuple[frozenset[str], frozenset[int], bool, bytes | None]] = []

    def look(source: Source, scope: Scope) -> Iterator[Raw]:
        header = scope.source("a.h")
        data = header.data if header else None
        told.append((scope.functions, scope.changed_lines, source is scope.base, data))
        return iter(())

    text = function("f", "x();") + function("g", "x();")
    run(
        {"a.c": text, "a.h": "int a;\n"},
        {"a.c": text.replace("x", "y", 1), "a.h": "int a;\n"},
        rules=[Rule((), look)],
    )
    assert told == [
        (frozenset({"f"}), frozenset(range(1, 12)), True, b"int a;\n"),
        (frozenset({"f"}), frozenset({3}), False, b"int a;\n"),
    ]


def test_a_header_that_changes_makes_its_users_looked_at_again() -> None:
    def look(source: Source, scope: Scope) -> Iterator[Raw]:
        if source.path == "a.c" and b"bad" in (scope.read("a.h") or b""):
            yield Raw(rule="bad-call", line=1, function="", message="m", key="k")

    found = run(
        {"a.c": "int x;\n", "a.h": ""},
        {"a.c": "int y;\n", "a.h": ""},
        {"a.c": "int y;\n", "a.h": "bad"},
        rules=[Rule(("bad-call",), look)],
    )
    assert where(found) == [(2, "a.c", 1, "")]


def test_it_ends_where_the_series_ended() -> None:
    patch = FileChange(path="a.c", kind="modified", old_path="a.c", added=1, removed=1, hunks=1)
    patches = tuple(
        Patch(number=n, total=2, subject="", author="", message_id="", diff=b"", files=(patch,), origin="")
        for n in (1, 2)
    )
    applied = Applied(landings=(), prefixes=({}, {"a.c": b"int f(void)\n{\n}\n"}))
    states = States(applied, lambda _path: None)
    found = analyse(Series(name="s", version=1, patches=patches), states, rules=())
    assert [(one.patch, one.name, one.change) for one in found.functions] == [(1, "f", "added")]


def test_functions_that_are_still_there_are_asked_about() -> None:
    asked: list[tuple[list[Touched], Overlay]] = []

    def reach(touched: Sequence[Touched], overlay: Overlay) -> Reached:
        asked.append((list(touched), overlay))
        return Reached(workloads=(Reach(workload="anon", because="b", functions=("f",)),), unreached=("u",))

    change = FileChange(path="a.c", kind="modified", old_path="a.c", added=1, removed=1, hunks=1)
    patch = Patch(
        number=1, total=1, subject="", author="", message_id="", diff=b"", files=(change,), origin=""
    )
    before, after = function("f", "x();") + function("gone"), function("f", "y();")
    overlay: Overlay = {"a.c": after.encode()}
    found = analyse(
        Series(name="s", version=1, patches=(patch,)),
        States(Applied(landings=(), prefixes=({}, overlay)), {"a.c": before.encode()}.get),
        rules=(),
        reach=reach,
    )
    assert asked == [([("a.c", "f")], overlay)]
    assert (found.workloads[0].workload, found.unreached) == ("anon", ("u",))


def test_every_rule_has_its_row() -> None:
    assert {name for rule in RULES for name in rule.ids} <= set(shipped_rows())


def test_a_rule_twice_in_the_tables_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "a.yaml"
    table.write_text("rules: [{id: a, severity: note, title: t, why: w}]\n")
    with pytest.raises(UserError, match="rule 'a' is in the tables twice"):
        load_rules((table, table))
