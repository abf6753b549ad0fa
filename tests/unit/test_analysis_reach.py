# SPDX-License-Identifier: GPL-2.0-only
"""From functions through their callers to workloads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.analysis.callgraph import CallGraph, definitions
from harness.analysis.callgraph_kept import Kept
from harness.analysis.reach import reach_in, reached
from harness.analysis.table import Route, Routes, load_routes
from harness.errors import UserError

ROUTES = Routes(
    sources=("mm/*.c",),
    depth=3,
    routes=(
        Route(action="touch memory", entries=("do_anonymous_page",), workloads=("anon",)),
        Route(action="read a file", entries=("file_read",), workloads=("file",)),
        Route(action="swapoff", entries=("try_to_unuse",), workloads=()),
    ),
)


def graph(files: Mapping[str, str]) -> CallGraph:
    return CallGraph({path: definitions(text.encode(), path) for path, text in files.items()})


def calls(name: str, *callees: str, head: str = "int ") -> str:
    return f"{head}{name}(int a)\n{{\n\t" + " ".join(f"{callee}(a);" for callee in callees) + "\n}\n\n"


def test_the_way_through_the_callers_is_shown() -> None:
    text = calls("charge_common") + calls("charge", "charge_common") + calls("do_anonymous_page", "charge")
    found = reached([("mm/a.c", "charge_common")], graph({"mm/a.c": text}), ROUTES)
    assert [(one.workload, one.because, one.functions) for one in found.workloads] == [
        ("anon", "charge_common ← charge ← do_anonymous_page ← touch memory", ("charge_common",))
    ]
    assert found.unreached == ()


def test_the_shortest_way_is_shown_and_callers_of_an_entry_are_not_followed() -> None:
    text = (
        calls("charge")
        + calls("longer", "charge")
        + calls("do_anonymous_page", "longer", "charge")
        + calls("file_read", "do_anonymous_page")
    )
    found = reached([("mm/a.c", "charge")], graph({"mm/a.c": text}), ROUTES)
    assert [one.because for one in found.workloads] == ["charge ← do_anonymous_page ← touch memory"]


def test_what_no_workload_reaches_is_said() -> None:
    text = calls("lonely") + calls("rare") + calls("try_to_unuse", "rare")
    found = reached([("mm/a.c", "lonely"), ("mm/a.c", "rare")], graph({"mm/a.c": text}), ROUTES)
    assert found.workloads == ()
    assert found.unreached == ("lonely", "rare")


def test_the_depth_is_bounded() -> None:
    text = calls("f0") + "".join(calls(f"f{n}", f"f{n - 1}") for n in range(1, 4))
    for entry, expected in (("f2", 1), ("f3", 0)):
        found = reached([("a.c", "f0")], graph({"a.c": text + calls("file_read", entry)}), ROUTES)
        assert len(found.workloads) == expected


def test_callers_that_call_each_other_end() -> None:
    text = calls("f", "g") + calls("g", "f")
    assert reached([("a.c", "f")], graph({"a.c": text}), ROUTES).unreached == ("f",)


def test_static_functions_of_two_files_are_two() -> None:
    files = {
        "mm/a.c": calls("helper", head="static int ") + calls("file_read", "helper"),
        "mm/b.c": calls("helper", head="static int ") + calls("do_anonymous_page", "helper"),
    }
    found = reached([("mm/b.c", "helper")], graph(files), ROUTES)
    assert [one.workload for one in found.workloads] == ["anon"]


def test_callbacks_and_stored_functions_count_as_called() -> None:
    text = (
        calls("callback", head="static void ")
        + calls("my_scan")
        + "void file_read(void)\n{\n\tcall_rcu(&x->head, callback);\n\tsc.scan = my_scan;\n}\n"
    )
    found = reached([("mm/a.c", "callback"), ("mm/a.c", "my_scan")], graph({"mm/a.c": text}), ROUTES)
    assert found.workloads[0].functions == ("callback", "my_scan")


def test_comments_call_nothing() -> None:
    text = calls("f") + "void file_read(void)\n{\n\t/* see f(a) */ // f(a)\n}\n"
    assert reached([("a.c", "f")], graph({"a.c": text}), ROUTES).unreached == ("f",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SYSCALL_DEFINE1(munmap, int, a)\n{\n}\n", "sys_munmap"),
        ("COMPAT_SYSCALL_DEFINE1(munmap, int, a)\n{\n}\n", "compat_sys_munmap"),
        ("#define X(a) a\nstatic inline struct page *\nname(struct page *p,\n     int a)\n{\n}\n", "name"),
        ("int x;\n#define X(a) \\\n\tf(a)\nint name(int a)\n{\n}\n", "name"),
        ("static __printf(1, 2) void name(char *a, ...)\n{\n}\n", "name"),
        ("static struct ops o = {\n};\nint name(void)\n{\n}\n", "name"),
        ("int x[] =\n{\n};\nint name(void)\n{\n}\n", "name"),
    ],
)
def test_functions_are_told_from_the_first_column(text: str, name: str) -> None:
    assert [one.name for one in definitions(text.encode(), "a.c")] == [name]


def test_an_unclosed_file_ends() -> None:
    assert definitions(b"int f(void)\n{\n\tg(" + b"/*" * 20_000, "a.c")[0].calls == ("g",)


def test_the_series_is_put_over_the_tree(tmp_path: Path) -> None:
    (tmp_path / "tree/mm").mkdir(parents=True)
    (tmp_path / "tree/mm/a.c").write_text(calls("f") + calls("file_read"))
    (tmp_path / "tree/mm/gone.c").write_text(calls("file_read", "f"))
    ask = reach_in(tmp_path / "tree", ROUTES, cache=tmp_path / "cache")
    assert ask([("mm/a.c", "f")], {"mm/gone.c": None}).unreached == ("f",)
    over = {"mm/a.c": (calls("f") + calls("do_anonymous_page", "f")).encode(), "mm/gone.c": None}
    assert [one.workload for one in ask([("mm/a.c", "f")], over).workloads] == ["anon"]


def test_what_is_kept_follows_the_files(tmp_path: Path) -> None:
    file = tmp_path / "tree/mm/a.c"
    file.parent.mkdir(parents=True)
    file.write_text(calls("f") + calls("file_read", "f"))
    ask = reach_in(tmp_path / "tree", ROUTES, cache=tmp_path / "cache")
    first = ask([("mm/a.c", "f")], {})
    (kept,) = (tmp_path / "cache/callgraphs").iterdir()
    written = kept.read_bytes()
    assert ask([("mm/a.c", "f")], {}) == first
    assert kept.read_bytes() == written
    file.write_text(calls("f") + calls("do_anonymous_page", "f"))
    assert [one.workload for one in ask([("mm/a.c", "f")], {}).workloads] == ["anon"]
    assert kept.read_bytes() != written
    kept.write_bytes(written[:-9])
    assert [one.workload for one in ask([("mm/a.c", "f")], {}).workloads] == ["anon"]


def test_files_that_are_known_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Kept(tmp_path, tmp_path)
    found = first.definitions(calls("f", "g").encode(), "mm/a.c")
    first.save()
    monkeypatch.setattr("harness.analysis.callgraph_kept.definitions", lambda _data, _path: ())
    second = Kept(tmp_path, tmp_path)
    assert second.definitions(calls("f", "g").encode(), "mm/a.c") == found != ()
    assert second.definitions(calls("f", "h").encode(), "mm/a.c") == ()
    assert Kept(tmp_path, tmp_path / "other").definitions(calls("f", "g").encode(), "mm/a.c") == ()


def test_the_shipped_table_holds() -> None:
    routes = load_routes()
    assert {"anon", "anon-fork", "file", "shm"} <= {name for row in routes.routes for name in row.workloads}
    actions = [row.action for row in routes.routes]
    assert len(set(actions)) == len(actions)


def test_a_workload_that_is_none_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "reach.yaml"
    table.write_text("sources: []\ndepth: 1\nroutes: [{action: a, entries: [f], workloads: [anno]}]\n")
    with pytest.raises(UserError, match="no workload 'anno'; did you mean 'anon'"):
        load_routes(table)
