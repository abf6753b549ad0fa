# SPDX-License-Identifier: GPL-2.0-only
"""What a patch changes, as facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.facts_patch import PatchFacts, patch_facts
from harness.analysis.guards import Conditionals, makefile_guards
from harness.analysis.lines import changed
from harness.analysis.states import Parsed, State
from harness.analysis.table import load_facts, shipped_facts
from harness.errors import UserError
from harness.series.model import FileChange, Patch


def facts(before: Mapping[str, str], after: Mapping[str, str]) -> PatchFacts:
    """The facts of a patch that turns the files *before* into *after*."""
    base = {path: text.encode() for path, text in before.items()}
    overlay = {path: after[path].encode() if path in after else None for path in {*before, *after}}
    parsed = Parsed()
    files = tuple(
        FileChange(path=path, kind="modified", old_path=path, added=1, removed=1, hunks=1)
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )
    patch = Patch(
        number=3, total=4, subject="s", author="a", message_id="", diff=b"", files=files, origin="o"
    )
    return patch_facts(
        patch, State(base.get, {}, parsed), State(base.get, overlay, parsed), parsed, shipped_facts()
    )


def one(before: str, after: str) -> PatchFacts:
    return facts({"mm/a.c": before}, {"mm/a.c": after})


def function(name: str, body: str) -> str:
    return f"static void {name}(void)\n{{\n\t{body}\n}}\n\n"


def test_functions_added_removed_changed() -> None:
    before = function("same", "f();") + function("gone", "f();") + function("other", "f();\n\tg();")
    after = function("same", "f();") + function("new", "f();") + function("other", "f();")
    found = {(change.name, change.change): change.line for change in one(before, after).functions}
    assert found == {("new", "added"): 6, ("gone", "removed"): 6, ("other", "changed"): 13}


def test_a_line_between_functions_touches_none() -> None:
    text = function("f", "a();")
    assert one(text, "int x;\n" + text).functions == ()


def test_structures_and_fields() -> None:
    before = "struct pc {\n\tint flags;\n\tstruct list_head lru;\n\tint gone[2];\n};\n"
    before += "enum e { A, B };\nunion u { int a; };\n"
    after = (
        "struct pc {\n\tunsigned long flags;\n\tstruct list_head lru;\n"
        "\tunion {\n\t\tstruct pc *next;\n\t};\n\tDECLARE_BITMAP(map, 4);\n};\nenum e { A, B = 3 };\n"
    )
    found = {change.name: change for change in one(before, after).structures}
    assert set(found) == {"struct pc", "enum e", "union u"}
    assert found["struct pc"].fields_added == ("next", "map")
    assert found["struct pc"].fields_removed == ("gone",)
    assert found["struct pc"].fields_changed == ("flags",)
    assert found["enum e"].fields_changed == ("B",)
    assert found["union u"].change == "removed"


def test_layout_alone_changes_no_structure() -> None:
    assert one("struct a { int  b; };\n", "struct a {\n\tint b;\n};\n").structures == ()


def test_assertions_with_their_condition() -> None:
    before = function("f", "BUG_ON(!a);\n\tVM_BUG_ON(b);")
    after = function(
        "f", 'BUG_ON( !a );\n\tVM_BUG_ON_PAGE(PageLRU(p),\n\t\tp);\n\tWARN(x > 1, "m");\n\tBUG();'
    )
    found = one(before, after)
    assert [(a.kind, a.condition, a.line) for a in found.assertions_added if a.kind != "BUG_ON"] == [
        ("VM_BUG_ON_PAGE", "PageLRU(p)", 4),
        ("WARN", "x > 1", 6),
        ("BUG", "", 7),
    ]
    assert ("VM_BUG_ON", "b") in [(a.kind, a.condition) for a in found.assertions_removed]


def test_locks_and_rcu_sections() -> None:
    found = one(function("f", "spin_lock(&a);\n\tg();"), function("f", "rcu_read_lock();\n\tg();"))
    assert [(c.topic, c.change, c.call) for c in found.calls] == [
        ("rcu", "added", "rcu_read_lock()"),
        ("lock", "removed", "spin_lock(&a)"),
    ]


def test_a_charge_that_moves_to_another_file() -> None:
    call = "mem_cgroup_uncharge_page(page);"
    found = facts(
        {"mm/a.c": function("f", call), "mm/b.c": function("g", "h();")},
        {"mm/a.c": function("f", ""), "mm/b.c": function("g", "h();\n\t" + call)},
    )
    assert [(c.file, c.function, c.change, c.moved_from) for c in found.calls] == [
        ("mm/b.c", "g", "moved", "f")
    ]


def test_a_charge_called_otherwise_in_two_functions_has_not_moved() -> None:
    before = function("f", "mem_cgroup_charge(a);") + function("g", "mem_cgroup_charge(b);")
    after = function("f", "mem_cgroup_charge(a, 1);") + function("g", "mem_cgroup_charge(b, 1);")
    assert {call.change for call in one(before, after).calls} == {"added", "removed"}


GUARDED = b"""#ifdef CONFIG_A
a
#if defined(CONFIG_B) && !defined(CONFIG_C)
b
#elif defined(CONFIG_D) || defined(CONFIG_E)
c
#else
d
#endif
#endif
#ifndef CONFIG_F
f
#else
g
#endif
#ifndef _HEADER_H
h
#endif
"""


@pytest.mark.parametrize(
    ("line", "guards"),
    [
        (2, ("CONFIG_A",)),
        (4, ("CONFIG_A", "CONFIG_B", "!CONFIG_C")),
        (6, ("CONFIG_A", "not (CONFIG_B and !CONFIG_C)", "CONFIG_D or CONFIG_E")),
        (8, ("CONFIG_A", "not (CONFIG_B and !CONFIG_C)", "not (CONFIG_D or CONFIG_E)")),
        (12, ("!CONFIG_F",)),
        (14, ("CONFIG_F",)),
        (17, ()),
    ],
)
def test_conditionals_around_a_line(line: int, guards: tuple[str, ...]) -> None:
    assert Conditionals(GUARDED).at([line]) == guards


def test_nests_without_end_are_bounded() -> None:
    text = b"#ifdef CONFIG_A\n" * 2000 + b"#elif defined(CONFIG_B)\n" * 2000
    assert len(Conditionals(text).at([3999])) <= 40


MAKEFILE = b"""obj-y := a.o \\
\tb.o
obj-$(CONFIG_MEMCG) += memcontrol.o c.o
obj-$(CONFIG_EXT) += ext.o
ext-y := inode.o
ext-$(CONFIG_ACL) += acl.o
mmu-$(CONFIG_MMU) := memory.o
"""


@pytest.mark.parametrize(
    ("path", "guards"),
    [
        ("mm/b.c", ()),
        ("mm/memcontrol.c", ("CONFIG_MEMCG",)),
        ("mm/inode.c", ("CONFIG_EXT",)),
        ("mm/acl.c", ("CONFIG_ACL", "CONFIG_EXT")),
        ("mm/memory.c", ("CONFIG_MMU",)),
        ("mm/memcontrol.h", ()),
        ("elsewhere/x.c", ()),
    ],
)
def test_symbols_of_the_makefile(path: str, guards: tuple[str, ...]) -> None:
    assert makefile_guards(path, {"mm/Makefile": MAKEFILE}.get) == guards


def test_guards_of_a_change() -> None:
    body = "if (IS_ENABLED(CONFIG_X)) {\n\t\tg(%s);\n\t} else {\n\t\th(%s);\n\t}"
    before = "#ifdef CONFIG_Y\n" + function("f", body % ("1", "1")) + "#endif\n"
    for numbers, guards in ((("2", "1"), ("CONFIG_Y", "CONFIG_X")), (("1", "2"), ("CONFIG_Y", "!CONFIG_X"))):
        after = "#ifdef CONFIG_Y\n" + function("f", body % numbers) + "#endif\n"
        assert one(before, after).functions[0].guards == guards


def test_functions_that_were_guessed_at_are_told() -> None:
    found = one(function("f", "a();"), function("f", "a( < ;") + function("g", "h();"))
    assert found.unparsed == ("mm/a.c:1",)


def test_a_function_under_two_topics_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "facts.yaml"
    table.write_text("assertions: {BUG: -1}\ncalls: {lock: [a, b], rcu: [a]}\n")
    with pytest.raises(UserError, match="'a' is in calls twice"):
        load_facts(table)


LINES = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(LINES, LINES)
def test_what_is_left_of_both_sides_is_the_same(old: list[str], new: list[str]) -> None:
    lines = changed("\n".join(old).encode(), "\n".join(new).encode())
    left = [line for number, line in enumerate("\n".join(old).split("\n"), 1) if number not in lines.removed]
    right = [line for number, line in enumerate("\n".join(new).split("\n"), 1) if number not in lines.added]
    assert left == right
    assert lines.added <= lines.around
