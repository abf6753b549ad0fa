# SPDX-License-Identifier: GPL-2.0-only
"""Releases that a function had before the series: what is missed, and what is held to stand in its place."""

from __future__ import annotations

import pytest

from harness.analysis.flow_function import Callees, largest
from harness.analysis.flow_gone import gone
from harness.analysis.flow_table import shipped
from harness.analysis.rules_flow import find
from harness.analysis.scope import Scope
from harness.analysis.source import Source

GET = """int get_box(struct box *b)
{
	mutex_lock(&b->mutex);
	b->count++;
	mutex_unlock(&b->mutex);
	return 0;
}
"""
CHARGE = """int add_box(struct page *page, struct mm_struct *mm)
{
	int err = mem_cgroup_cache_charge(page, mm, 0);

	if (err)
		goto out;
	err = insert_box(page);
	if (err)
		mem_cgroup_uncharge_cache_page(page);
out:
	return err;
}
"""
DROP = "void drop_box(struct box *b)\n{\n\tb->count--;\n\tcss_put(&b->css);\n}\n"
OTHER = "void other(struct box *b)\n{\n\tb->count++;\n}\n"
MANY = """int many(struct box *b)
{
	mutex_lock(&b->mutex);
	if (b->off) {
		mutex_unlock(&b->mutex);
		return 0;
	}
	if (b->old) {
		mutex_unlock(&b->mutex);
		return 0;
	}
	mutex_unlock(&b->mutex);
	return 1;
}
"""
SHARED = """int many(struct box *b)
{
	mutex_lock(&b->mutex);
	if (b->off)
		goto out;
	if (b->old)
		goto out;
	mutex_unlock(&b->mutex);
	return 1;
out:
	mutex_unlock(&b->mutex);
	return 0;
}
"""


def said(before: str, after: str) -> list[tuple[str, int]]:
    base, source = Source("box.c", before.encode()), Source("box.c", after.encode())
    scope = Scope(
        functions=frozenset(one.name for one in source.functions),
        changed_lines=frozenset(),
        read=lambda path: None,
        source=lambda path: None,
        base=base,
    )
    return [(raw.rule, raw.line) for raw in find(source, scope)]


UNLOCK, LOCK = "\tmutex_unlock(&b->mutex);\n", "\tmutex_lock(&b->mutex);\n"
PUT = "\tcss_put(&b->css);\n"
UNCHARGE = "\t\tmem_cgroup_uncharge_cache_page(page);\n"


def test_what_the_function_takes_it_has_to_release_whatever_it_is_called() -> None:
    assert said(GET, GET.replace(UNLOCK, "")) == [("release-gone", 3)]


def test_an_uncharge_on_an_error_path_is_missed_though_a_call_may_have_handed_the_page_on() -> None:
    assert said(CHARGE, CHARGE.replace(UNCHARGE, '\t\tpr_err("box");\n')) == [("release-gone", 3)]


def test_what_the_caller_took_is_a_warning() -> None:
    assert said(DROP, DROP.replace(PUT, "")) == [("release-of-caller-gone", 1)]


def test_where_a_path_shows_it_the_path_speaks() -> None:
    first = "\t\tmutex_unlock(&b->mutex);\n"
    assert [rule for rule, _line in said(MANY, MANY.replace(first, "", 1))] == ["lock-imbalance"]


def test_of_two_definitions_the_stub_is_not_the_function() -> None:
    both = f"#ifdef BOX\n{GET}#else\nint get_box(struct box *b)\n{{\n\treturn 0;\n}}\n#endif\n"
    assert said(both, both.replace(UNLOCK, "")) == [("release-gone", 4)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (GET, GET),
        (GET, GET.replace(UNLOCK, "").replace(LOCK, "")),
        (GET, GET.replace(UNLOCK, "\tend_of_box(b);\n")),
        (DROP, DROP.replace(PUT, "\tother_put(&b->css);\n")),
        (DROP, DROP.replace("\tb->count--;\n" + PUT, '\tpr_debug("box");\n')),
        (DROP + OTHER, DROP.replace(PUT, "") + OTHER.replace("\tb->count++;\n", "\tb->count++;\n" + PUT)),
        (DROP + OTHER, DROP.replace(PUT, "\tother(b);\n") + OTHER),
        (MANY, SHARED),
    ],
    ids=[
        "same",
        "not taken either",
        "a call that may",
        "another put",
        "nothing is done with it",
        "another function of the file",
        "a function of the file is called",
        "shared by a goto",
    ],
)
def test_what_stands_in_its_place_is_seen(before: str, after: str) -> None:
    assert said(before, after) == []


def test_a_release_of_two_things_is_one() -> None:
    code = GET.replace("mutex_lock(&b->mutex)", "spin_lock_irq(&b->lock)")
    code = code.replace("mutex_unlock(&b->mutex)", "spin_unlock_irq(&b->lock)")
    sides = [
        Source("box.c", one.encode()) for one in (code, code.replace("\tspin_unlock_irq(&b->lock);\n", ""))
    ]
    before, after = ((largest(side)["get_box"], Callees(side, shipped())) for side in sides)
    (one,) = gone(before, after, shipped())
    assert (one.pair.name, one.text, one.line) == ("spinlock", "spin_unlock_irq(&b->lock)", 3)
