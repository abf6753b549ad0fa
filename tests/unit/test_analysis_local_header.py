# SPDX-License-Identifier: GPL-2.0-only
"""Rules about headers: what they define, whether they can be included twice, and first."""

from __future__ import annotations

import pytest

from tests.unit.test_analysis_local import find

GUARDED = "#ifndef _ITEM_H\n#define _ITEM_H\n{}\n#endif\n"


def rules(text: str, *, path: str = "include/linux/item.h", tree: dict[str, str] | None = None) -> list[str]:
    return sorted(raw.rule for raw in find(path, text, tree=tree))


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("int item_count(int a)\n{\n\treturn a;\n}", "header-function"),
        ("struct item *item_of(int a)\n{\n\treturn NULL;\n}", "header-function"),
        ("static int item_count(int a)\n{\n\treturn a;\n}", "header-static"),
    ],
)
def test_a_function_defined_in_a_header_is_told(code: str, rule: str) -> None:
    assert rules(GUARDED.format(code)) == [rule]


@pytest.mark.parametrize(
    "code",
    [
        "static inline int item_count(int a)\n{\n\treturn a;\n}",
        "static __always_inline int item_count(int a)\n{\n\treturn a;\n}",
        "extern inline int item_count(int a)\n{\n\treturn a;\n}",
        "static __inline__ int item_count(int a)\n{\n\treturn a;\n}",
        "static int __maybe_unused item_count(int a)\n{\n\treturn a;\n}",
        "int item_count(int a);\nstatic int item_total;",
    ],
)
def test_inline_functions_and_declarations_are_not(code: str) -> None:
    assert rules(GUARDED.format(code)) == []


def test_a_function_in_a_c_file_is_no_matter() -> None:
    assert rules("int item_count(int a)\n{\n\treturn a;\n}\n", path="mm/item.c") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("struct item {\n\tint count;\n};\n", ["header-guard"]),
        ("static inline int f(void)\n{\n\treturn 0;\n}\n", ["header-guard"]),
        ("#ifndef _A\nstruct item {\n\tint count;\n};\n#endif\n", ["header-guard"]),
        ("/* what it is */\n#pragma once\nstruct item {\n\tint count;\n};\n", []),
        ("/* what it is */\n#ifndef _A\n#define _A\nstruct item {\n\tint count;\n};\n#endif\n", []),
        ("#if !defined(_A)\n#define _A\nstruct item {\n\tint count;\n};\n#endif\n", []),
        ("extern int item_count;\n#define ITEM 1\n", []),
        ("#define X ITEM\nstruct item {\n\tint count;\n};\n#undef X\n", []),
    ],
)
def test_a_header_that_defines_things_needs_a_guard(text: str, expected: list[str]) -> None:
    assert rules(text) == expected


ALONE = """#ifndef _ITEM_H
#define _ITEM_H
#define TESTFLAG(name) static inline int Item##name(struct item *i) { return test_bit(name, &i->flags); }
struct item {
	struct list_head lru;
	struct page *page;
};
TESTFLAG(old)
static inline enum zone_kind item_zone(struct item *item)
{
	return page_kind(item->page);
}
static inline int item_is_old(struct item *item)
{
	return Itemold(item) && item->page->flags;
}
#endif
"""


def test_a_header_that_needs_what_it_does_not_include_is_told_with_the_names() -> None:
    found = [raw for raw in find("include/linux/item.h", ALONE) if raw.rule == "header-alone"]
    assert [raw.key for raw in found] == ["enum zone_kind,page_kind(),struct list_head,test_bit()"]


def test_what_an_include_mentions_is_declared() -> None:
    tree = {
        "include/linux/list.h": "#include <asm/bits.h>\nstruct list_head { struct list_head *next; };\n",
        "include/asm-generic/bits.h": "static inline int test_bit(int n, void *p) { return 0; }\n",
        "include/linux/kinds.h": "enum zone_kind { ONE };\n#define KIND(x) int x##_kind(void *);\n",
    }
    text = ALONE.replace(
        "#define _ITEM_H\n", '#define _ITEM_H\n#include <linux/list.h>\n#include "kinds.h"\n'
    )
    assert rules(text, tree=tree) == []


def test_a_header_with_an_include_that_cannot_be_followed_is_not_judged() -> None:
    text = ALONE.replace("#define _ITEM_H\n", "#define _ITEM_H\n#include <linux/not_here.h>\n")
    assert rules(text) == []


def test_only_what_the_base_did_not_lack_already_is_told() -> None:
    old = ALONE.replace("\tstruct list_head lru;\n", "")
    found = [raw for raw in find("include/linux/item.h", ALONE, base=old) if raw.rule == "header-alone"]
    assert [raw.key for raw in found] == ["struct list_head"]


def test_includes_that_go_in_circles_or_out_of_the_tree_end() -> None:
    tree = {
        "include/linux/a.h": '#include <linux/b.h>\n#include "../../../etc/passwd"\n',
        "include/linux/b.h": "#include <linux/a.h>\nstruct list_head { int a; };\n",
    }
    text = ALONE.replace("#define _ITEM_H\n", "#define _ITEM_H\n#include <linux/a.h>\n")
    assert rules(text, tree=tree) == []
