# SPDX-License-Identifier: GPL-2.0-only
"""The control-flow graph: what can follow what."""

from __future__ import annotations

import pytest

from harness.analysis.cfg import Graph, TooComplex, build
from harness.analysis.source import Source


def graph(body: str, no_return: frozenset[str] = frozenset()) -> tuple[Source, Graph]:
    source = Source("f.c", f"int f(int a, int b)\n{{\n{body}\n}}\n".encode())
    return source, build(source.functions[0], no_return)


def paths(body: str, no_return: frozenset[str] = frozenset()) -> set[str]:
    """Every way through *body* without going round a loop twice, as the texts of what is evaluated."""
    source, made = graph(body, no_return)
    found: set[str] = set()
    pending: list[tuple[int, tuple[str, ...], frozenset[int]]] = [(made.entry, (), frozenset())]
    while pending:
        number, said, seen = pending.pop()
        step = made.steps[number]
        text = (
            source.text(step.node) if step.node is not None and step.kind in {"do", "test", "return"} else ""
        )
        following = (*said, text) if text else said
        if not step.next:
            found.add(" ".join(following) + ("!" if step.kind == "stop" else ""))
        pending += [(one, following, seen | {number}) for one in step.next if one not in seen]
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if (a && b) x(); else y();", {"a b x()", "a b y()", "a y()"}),
        ("if (!a || b) x();", {"a x()", "a b x()", "a b"}),
        ("if (unlikely(a)) goto out; x(); out: y();", {"a y()", "a x() y()"}),
        ("switch (a) { case 1: x(); case 2: y(); break; default: z(); }", {"x() y()", "y()", "z()"}),
        ("switch (a) { case 1: x(); }", {"x()", ""}),
        ("do { x(); if (a) break; } while (0); y();", {"x() a y()"}),
        ("if (a) die(); x();", {"a die()!", "a x()"}),
        ("BUG_ON(a); x();", {"a!", "a x()"}),
        ("return a ? x() : y();", {"a x()", "a y()"}),
        ("#ifdef CONFIG_A\nx();\n#else\ny();\n#endif", {"x()", "y()"}),
        ("#if 0\nx();\n#endif\ny();", {"y()"}),
    ],
)
def test_ways_through(body: str, expected: set[str]) -> None:
    assert paths(body, frozenset({"die"})) == expected


def test_a_way_back_is_marked() -> None:
    _source, made = graph("again: x(); if (a) goto again;")
    backs = [step for step in made.steps if step.kind == "back"]
    assert len(backs) == 1
    assert backs[0].next[0] in made.loops


def test_a_goto_without_a_label_has_no_graph() -> None:
    with pytest.raises(TooComplex):
        graph("goto nowhere;")
