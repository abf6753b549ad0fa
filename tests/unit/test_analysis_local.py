# SPDX-License-Identifier: GPL-2.0-only
"""The local rules against C of our own: what must fire, at its line, and what must stay quiet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.model import Raw
from harness.analysis.rules_local import LOCAL_RULES
from harness.analysis.scope import Scope
from harness.analysis.source import Source
from harness.analysis.table import TABLES, load_rules

DATA = Path(__file__).parents[1] / "data" / "analysis" / "local"
EXPECTED = re.compile(r"/\* finds: ([a-z-]+(?:, [a-z-]+)*) \*/")

PIECES = (
    "int f(struct a *x)\n{",
    "}",
    "\tint y = 0;",
    "\tif (y)",
    "\t\treturn -ENOMEM;",
    "\tif (!PcgOld(x)) {",
    "\tSetPcgOld(x);",
    "\tx->next = 0;",
    "#ifdef CONFIG_A",
    "#endif",
    "out:",
    "#define A(b) static int b(void) { return 0; }",
    "A(c);",
    "\tcall_rcu(&x->head, f);",
    "\tsynchronize_rcu();",
    "static DEFINE_PER_CPU(struct pagevec, p);",
    "/* ' \" */",
    '\tg("/*", \'"\');',
)


def find(path: str, text: str, *, base: str | None = None, tree: dict[str, str] | None = None) -> list[Raw]:
    """Everything that the local rules say of *text* as *path*, every function looked at."""
    source = Source(path, text.encode())
    before = Source(path, base.encode()) if base is not None else None
    files = {name: content.encode() for name, content in (tree or {}).items()}
    names = {one.name for one in (*source.functions, *(before.functions if before else ()))}
    scope = Scope(
        functions=frozenset(names),
        changed_lines=frozenset(range(1, text.count("\n") + 2)),
        read=files.get,
        source=lambda name: Source(name, files[name]) if name in files else None,
        base=before,
    )
    found = [raw for rule in LOCAL_RULES for raw in rule.find(source, scope)]
    assert {raw.rule for raw in found} <= {one for rule in LOCAL_RULES for one in rule.ids}
    return found


@pytest.mark.parametrize("name", sorted(one.name for one in DATA.glob("*.c")))
def test_each_sample_gives_what_its_comments_say(name: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    expected = [
        (number, rule)
        for number, line in enumerate(text.splitlines(), 1)
        for match in EXPECTED.finditer(line)
        for rule in match[1].split(", ")
    ]
    found = [(raw.line, raw.rule) for raw in find(f"mm/{name}", text)]
    assert sorted(found) == sorted(expected)


def test_every_id_has_a_row_and_every_row_a_rule() -> None:
    rows = load_rules([TABLES / "local.yaml"])
    assert set(rows) == {one for rule in LOCAL_RULES for one in rule.ids}


@pytest.mark.parametrize("name", sorted(one.name for one in DATA.glob("*.c")))
def test_keys_and_functions_do_not_depend_on_the_place(name: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    here = {(raw.rule, raw.function, raw.key) for raw in find(f"mm/{name}", text)}
    moved = {(raw.rule, raw.function, raw.key) for raw in find(f"mm/{name}", "\n\n/* moved */\n" + text)}
    assert moved == here


def test_functions_outside_the_scope_are_left_alone() -> None:
    text = (DATA / "constant.c").read_text(encoding="utf-8")
    source = Source("mm/constant.c", text.encode())
    scope = Scope(
        functions=frozenset({"order"}),
        changed_lines=frozenset(),
        read=lambda _path: None,
        source=lambda _path: None,
    )
    assert {raw.function for rule in LOCAL_RULES for raw in rule.find(source, scope)} == {"order"}


def test_messages_are_one_printable_line_whatever_the_code_says() -> None:
    text = "int f(int a)\n{\n\tint \u202eb;\n\tint c;\n\tb\x1b[31m = 0;\n\treturn a;\n}\n"
    for raw in find("mm/hostile.c", text):
        assert raw.message.isascii()
        assert raw.message.isprintable()
        assert raw.key.isprintable()


OLD_ASSERTS = """
static void put(struct item *item)
{
	BUG_ON(!locked(item));
	BUG_ON(1);
	BUG_ON(item->count < 0);
	VM_BUG_ON(item->next);
	if (unlikely(item->owner)) {
		release(item);
		return;
	}
	drop(item);
}
"""
NEW_ASSERTS = """
static void check(struct item *item)
{
	VM_BUG_ON(item->next);
}

static void put(struct item *item)
{
	if (item->count < 0)
		return;
	check(item);
	VM_BUG_ON(item->owner);
	drop(item);
}
"""


def test_an_assertion_that_goes_is_told_unless_its_condition_is_still_looked_at_or_moved() -> None:
    gone = [raw for raw in find("mm/a.c", NEW_ASSERTS, base=OLD_ASSERTS) if raw.rule == "assertion-gone"]
    assert [raw.key for raw in gone] == ["BUG_ON(!locked(item))"]


def test_a_handled_condition_that_is_now_only_asserted_is_told() -> None:
    only = [raw for raw in find("mm/a.c", NEW_ASSERTS, base=OLD_ASSERTS) if raw.rule == "check-only-asserted"]
    assert [(raw.function, raw.key) for raw in only] == [("put", "item->owner")]
    assert find("mm/a.c", OLD_ASSERTS, base=OLD_ASSERTS) == []


def test_an_assertion_that_is_added_beside_its_check_is_no_finding() -> None:
    both = OLD_ASSERTS.replace("\tdrop(item);", "\tVM_BUG_ON(item->owner);\n\tdrop(item);")
    assert [raw for raw in find("mm/a.c", both, base=OLD_ASSERTS) if raw.rule == "check-only-asserted"] == []


def test_callers_that_did_not_change_are_looked_at_when_a_function_begins_to_fail() -> None:
    old = """
static void flush(void)
{
	work();
}
void caller(void)
{
	flush();
}
"""
    new = """
static int flush(void)
{
	return work() ? 0 : -ENOMEM;
}
void caller(void)
{
	flush();
}
int other(void)
{
	return flush();
}
"""
    new = new.replace("return work() ? 0 : -ENOMEM;", "if (!work())\n\t\treturn -ENOMEM;\n\treturn 0;")
    source, base = Source("mm/a.c", new.encode()), Source("mm/a.c", old.encode())
    scope = Scope(
        functions=frozenset({"flush", "other"}),
        changed_lines=frozenset(),
        read=lambda _path: None,
        source=lambda _path: None,
        base=base,
    )
    found = [(raw.rule, raw.function) for rule in LOCAL_RULES for raw in rule.find(source, scope)]
    assert found == [("ignored-result", "caller")]


def test_a_field_is_followed_through_includes_and_its_users_are_named() -> None:
    old = "struct page {\n\tunsigned long item;\n\tint count;\n};\n"
    new = "struct page {\n\tstruct item *item;\n\tint count;\n};\n"
    body = "{\n\tpage->item = 0;\n\tpage->count = 0;\n}\n"
    user = f"#include <linux/types_of_mm.h>\nvoid reset(struct page *page)\n{body}"
    header = "include/linux/types_of_mm.h"
    assert find("mm/user.c", user, tree={header: old}) == []
    found = find("mm/user.c", user, tree={header: new})
    assert [(raw.rule, raw.line) for raw in found] == [("plain-integer-pointer", 4)]
    macro = {"include/linux/memcontrol.h": "/* p->item = 0 */\n#define reset(p) ((p)->item = 0)\n"}
    wanted = [raw for raw in find(header, new, base=old, tree=macro) if raw.rule == "plain-integer-pointer"]
    assert [(raw.line, raw.related[0].file, raw.related[0].line) for raw in wanted] == [
        (2, "include/linux/memcontrol.h", 2)
    ]


def test_a_macro_of_an_included_header_that_is_a_whole_function_needs_no_semicolon() -> None:
    header = (
        "#define FLAG(name) \\\nstatic inline int Item##name(void) \\\n\t{ return name; }\n#define SAY(x) x\n"
    )
    text = "#include <linux/flags.h>\nFLAG(OLD);\nSAY(int one);\nFLAG(NEW)\n"
    tree = {"include/linux/flags.h": header}
    found = find("mm/flags.c", text, base="#include <linux/flags.h>\n", tree=tree)
    assert [(raw.rule, raw.line) for raw in found] == [("stray-semicolon", 2)]
    assert find("mm/flags.c", text + "\n", base=text, tree=tree) == []


@pytest.mark.parametrize(
    "text",
    [
        "int f(void)\n{\n" + "\tif (a) b();\n" * 2000 + "\treturn 0;\n}\n",
        "#define A " + "x" * 200_000 + "\nint f(void)\n{\n\treturn 0;\n}\n",
        "int f(void)\n{\n\tchar *a = " + '"\\"' * 20_000 + ";\n\treturn 0;\n}\n",
        "struct a {\n\tint" + " " * 200_000 + "b\n};\nDEFINE_PER_CPU(struct a" + " " * 200_000 + "b\n",
        "#if" + " " * 200_000 + "x\nstruct a {\n\tint b;\n};\n" + "typedef struct\n" * 5000 + "#endif\n",
        "/*" * 100_000,
    ],
    ids=["ifs", "long-macro", "quotes", "blanks", "guard", "comments"],
)
def test_hostile_text_is_read_in_time_that_grows_with_its_length(text: str) -> None:
    """Each of these takes minutes where a pattern or a loop is quadratic; the suite's time-out would tell."""
    find("include/linux/hostile.h", text, base="int f(void);\n")


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_heap_of_code_gives_findings_on_its_own_lines(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    for raw in find("mm/heap.c", text, base="\n".join(reversed(pieces))):
        assert 1 <= raw.line <= text.count("\n") + 1
        assert raw.message.isprintable()
        assert len(raw.key) <= 300
