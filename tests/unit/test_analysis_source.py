# SPDX-License-Identifier: GPL-2.0-only
"""A kernel file as the parser sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.branches import first_branches
from harness.analysis.parser import parse
from harness.analysis.smooth import smoothed
from harness.analysis.source import Source

# Pieces that the smoothing looks for, so that random text of them meets its patterns.
PIECES = [
    "container_of(x, struct page, lru)",
    "for_each_cpu(i)",
    "list_for_each(p,\n\t\tq)",
    "__init",
    "DECLARE_BITMAP(m, 4);",
    "typeof(*p) q",
    "SYSCALL_DEFINE2(f, int, a, char *, b)",
    "TESTPCGFLAG(A, B)\n",
    "case 1 ... 3:",
    "\\\n",
    "#define X(a) \\\n b",
    "#if 0\n",
    "#ifdef A\n",
    "#else\n",
    "#endif\n",
    "}\n",
    "{",
    "(",
    ")",
    ";",
    ",",
    "/*",
    "*/",
    '"',
    "'",
    "ü",
    "\r\n",
    "\t",
    "\0",
    "__acquires(l)",
    "while_each_thread(a, b)",
    "offsetof(struct a, b[c])",
    "static DEFINE_RATELIMIT_STATE(a, 5 * HZ, 1);",
]

QUICK = settings(derandomize=True, max_examples=60, deadline=None)


def errors(code: str) -> list[str]:
    """The functions of *code* that the parser had to guess at; all of it has to be in functions."""
    source = Source("a.c", code.encode())
    assert source.functions, "no function was seen"
    return [function.name for function in source.functions if function.broken]


@pytest.mark.parametrize(
    "body",
    [
        "p = container_of(x, struct page,\n\t\t lru);",
        "p = list_entry(x->next, struct page, lru);",
        "n = min_t(unsigned long, a, b);",
        "q = container_of((unsigned long *)w, const struct page, flags);",
        "p = alloc_percpu(struct stat);",
        "n = offsetof(struct group, events[i]);",
        "list_for_each_entry(p, &head, lru)\n\t\tf(p);",
        "vma_prio_tree_foreach(v, &i, &m->tree, a,\n\t\tb) {\n\t\tf(v);\n\t}",
        "do_each_thread(g, p) {\n\t\tf(p);\n\t} while_each_thread(g, p);",
        "switch (a) {\n\tcase FIRST ... LAST:\n\t\tbreak;\n\t}",
        "typeof(*p) *q = p;",
        "static DEFINE_RATELIMIT_STATE(rs, 5 * HZ, 10);",
        "DECLARE_BITMAP(map, 10) = { 0 };",
        "struct x __user *p = (void __user __force *)q;",
        'printk("a"\n#ifdef CONFIG_A\n\t\t"b"\n#endif\n\t\t"c");',
        "if (a)\n\t\tf();\n#ifdef CONFIG_A\n\telse\n\t\tg();\n#endif",
        "#ifdef CONFIG_A\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t\tf();\n\t}",
    ],
)
def test_bodies_that_macros_bend(body: str) -> None:
    assert errors(f"static int f(int a)\n{{\n\t{body}\n\treturn 0;\n}}\n") == []


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("static int __init f(void)", "f"),
        ("static void *__init_refok f(int a)", "f"),
        ("void __paginginit f(int a)", "f"),
        ("__no_such_macro\nint f(int a)", "f"),
        ("static __always_inline struct page *f(struct page *p, int a)\n\t__acquires(&p->lock)", "f"),
        ("asmlinkage long sys_f(int a)", "sys_f"),
        ("static __u32 f(int a)", "f"),
        ("TESTFLAG(A, B)\nSETFLAG(A, B)\n\nstatic int f(int a)", "f"),
        ("EXPORT_SYMBOL(g)\nstatic struct page *\nf(int a)", "f"),
        ("SYSCALL_DEFINE2(f, unsigned long, a, struct x __user *, p)", "sys_f"),
        ("COMPAT_SYSCALL_DEFINE0(f)", "compat_sys_f"),
        ("static DEFINE_PER_CPU(unsigned long, n) = 0;\nstatic int f(int a)", "f"),
        ("static SYSDEV_ATTR(n, 0444, show, NULL);\nstatic int f(int a)", "f"),
    ],
)
def test_heads_that_macros_bend(head: str, name: str) -> None:
    source = Source("a.c", f"{head}\n{{\n\treturn 0;\n}}\n".encode())
    assert [function.name for function in source.functions] == [name]
    assert not source.root.has_error
    assert source.functions[0].last == source.data.count(b"\n")


def test_a_system_call_has_its_parameters() -> None:
    source = Source("a.c", b"SYSCALL_DEFINE2(f, unsigned long, a, struct x __user *, p)\n{\n}\n")
    declarator = source.functions[0].node.child_by_field_name("declarator")
    parameters = declarator.child_by_field_name("parameters") if declarator else None
    assert parameters is not None
    assert len(parameters.named_children) == 2


def test_names_are_read_from_the_file() -> None:
    source = Source("a.c", b"int f(void)\n{\n\tlist_for_each(p, q)\n\t\tg(p, struct page, a);\n}\n")
    seen = source.text(source.functions[0].node)
    assert "list_for_each(p, q)" in seen
    assert "struct page" in seen


def test_calls_that_only_look_like_loops_stay_calls() -> None:
    code = b"int f(void)\n{\n\treturn bus_for_each_dev(b, 0);\n}\nint for_each_x(int a)\n{\n\treturn a;\n}\n"
    assert b"while" not in smoothed(code)


def test_the_branch_that_was_dropped_is_told() -> None:
    cut = b"int f(int a)\n{\n#ifdef A\n\tif (a) {\n#else\n\tif (!a) {\n#endif\n\t\tg();\n\t}\n}\n"
    assert Source("a.c", cut).unseen == ((6, 6),)
    whole = b"int f(int a)\n{\n#ifdef A\n\tg();\n#else\n\th();\n#endif\n}\n"
    assert Source("a.c", whole).unseen == (), "what the parser can read stays"


def test_if_0_keeps_the_other_branch() -> None:
    code = b"#if 0\nold\n#elif A\nnew\n#else\nelse\n#endif\n"
    kept, gone = first_branches(code, [(0, len(code))])
    assert kept.split() == [b"new"]
    assert [code[start:end] for start, end in gone] == [b"\nold\n", b"\nelse\n"]
    assert first_branches(b"#if 0\nold\n#endif\n", [(0, 17)])[0].split() == []


@QUICK
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=40).map(" ".join))
def test_no_byte_moves(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    for made in (smoothed(data), first_branches(data, [(0, len(data))])[0]):
        assert len(made) == len(data)
        assert [at for at, byte in enumerate(made) if byte == ord("\n")] == ends


@pytest.mark.parametrize("text", ["; a(", "{ f(;", "[", "- = ", "; a() {\n", "#if X\n", "}\nint f( { ;\n"])
def test_text_made_to_be_misread_is_bounded(text: str) -> None:
    source = Source("a.c", text.encode() * (40_000 // len(text)))
    assert source.readable or source.functions == ()


def test_dense_code_is_read() -> None:
    body = b"\tBUG_ON(a); x = y;\n" * 5000
    assert Source("a.c", b"int f(void)\n{\n" + body + b"}\n").readable


def test_what_nests_too_deep_or_is_too_large_is_not_parsed() -> None:
    assert parse(b"(" * 1001) is None
    assert parse(b" " * ((2 << 20) + 1)) is None
    refused = Source("a.c", b"int f(void)\n{\n}\n" + b"(" * 1001)
    assert not refused.readable
    assert refused.functions == ()


def test_an_old_tree_is_read_nearly_whole() -> None:
    tree = os.environ.get("HARNESS_OLD_TREE")
    if not tree:
        pytest.skip("HARNESS_OLD_TREE is not set: no old kernel tree to read")
    functions = [
        function.broken
        for path in sorted(Path(tree).glob("mm/*.c"))
        for function in Source(path.name, path.read_bytes()).functions
    ]
    assert len(functions) > 1000
    assert sum(functions) < len(functions) / 100
