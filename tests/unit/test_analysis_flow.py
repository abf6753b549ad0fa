# SPDX-License-Identifier: GPL-2.0-only
"""The rules that follow paths: snippets that must be found, and snippets that must not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.model import Raw
from harness.analysis.rules_flow import FLOW_RULES
from harness.analysis.scope import Scope
from harness.analysis.source import Source

DATA = Path(__file__).parents[1] / "data" / "analysis" / "flow"


def found(data: bytes) -> list[Raw]:
    source = Source("box.c", data)
    scope = Scope(
        functions=frozenset(one.name for one in source.functions),
        changed_lines=frozenset(),
        read=lambda path: None,
        source=lambda path: None,
    )
    return [raw for rule in FLOW_RULES for raw in rule.find(source, scope)]


def test_what_is_marked_is_found_and_nothing_else() -> None:
    data = (DATA / "fires.c").read_bytes()
    marked = {
        (number, rule.decode())
        for number, line in enumerate(data.splitlines(), 1)
        for rule in re.findall(rb"/\* finds: ([a-z-]+) \*/", line)
    }
    assert {(raw.line, raw.rule) for raw in found(data)} == marked


def test_sound_code_is_left_alone() -> None:
    notes = {"lock-by-result"}
    assert [
        (raw.function, raw.rule) for raw in found((DATA / "quiet.c").read_bytes()) if raw.rule not in notes
    ] == []


def test_the_path_is_told() -> None:
    raw = next(
        raw for raw in found((DATA / "fires.c").read_bytes()) if raw.function == "forgets_on_early_return"
    )
    assert raw.key == "RCU read section"
    assert "return 0" in raw.message
    assert raw.related[0].text == "where b->off is not true"
    assert raw.related[-1].text == "where is_old(b) is not true"


@pytest.mark.parametrize("statement", ["return -EIO;", "return 0;", "goto out;"])
def test_a_forgotten_release_is_seen_whatever_the_statement(statement: str) -> None:
    code = f"""int f(struct box *b) {{ mutex_lock(&b->mutex); if (b->x) {statement}
        mutex_unlock(&b->mutex); out: return 0; }}"""
    assert [raw.rule for raw in found(code.encode())] == ["lock-imbalance"]


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["if (a)", "while (b)", "for (;;)", "do {", "}", "x();", "goto l;", "l:", "{", "return;"]
        )
    )
)
def test_no_code_is_too_strange(parts: list[str]) -> None:
    found(
        (
            "void f(int a, int b)\n{\nrcu_read_lock();\n" + "\n".join(parts) + "\nrcu_read_unlock();\n}\n"
        ).encode()
    )


def test_a_function_with_too_many_states_is_given_up() -> None:
    asks = "".join(f"if (a{i}) b{i}();\n" for i in range(24))
    code = f"void f(struct box *b) {{ spin_lock(&b->l);\n{asks}{asks}if (b->x) return; spin_unlock(&b->l); }}"
    assert found(code.encode()) == []
