# SPDX-License-Identifier: GPL-2.0-only
"""Damaged patches made whole: what comes back byte for byte, what is flagged, what is refused."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.series.hunks import hunks_of
from harness.series.model import DamagedFile, DamagedHunk, FileChange, Patch
from harness.series.repair import TABLE, Repair, load_policy, repair
from harness.series.repair_layout import Layout
from harness.series.repair_taste import Between, signs

POLICY = load_policy()
HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
OLD = """#include <linux/mm.h>

/*
 * Counts pages.
 */
static int count(struct page *page)
{
\tint ret = 0;

\tif (page) {
\t\tlock_page(page);
\t\tret = page_count(page);
\t}

\treturn ret;
}

static void put(struct page *page)
{
\tput_page(page);
}
"""


def damage(old: str, new: str, drop_blank: bool = False, path: str = "mm/x.c", context: int = 3) -> Patch:
    """The change from *old* to *new* as a web archive leaves it."""
    hunks: list[DamagedHunk] = []
    lines: list[str] = []
    numbers: list[int] = []
    for line in [
        *list(difflib.unified_diff(old.split("\n")[:-1], new.split("\n")[:-1], lineterm="", n=context))[2:],
        "@@",
    ]:
        if line.startswith("@@"):
            if numbers:
                hunks.append(
                    DamagedHunk(
                        old_start=numbers[0],
                        old_count=numbers[1],
                        new_start=numbers[2],
                        new_count=numbers[3],
                        section="",
                        lines=tuple(lines),
                        place=0,
                    )
                )
            found = HEADER.match(line)
            numbers = [int(group or "1") for group in found.groups()] if found else []
            lines = []
            continue
        text = re.sub(r"[ \t]+", " ", line).strip(" ")
        if text or not drop_blank:
            lines.append(text)
    change = FileChange(path=path, kind="modified", old_path=path, added=0, removed=0, hunks=len(hunks))
    return Patch(
        number=1,
        total=1,
        subject="x",
        author="",
        message_id="",
        diff=b"",
        files=(change,),
        origin="x",
        damaged=(DamagedFile(path=path, kind="modified", hunks=tuple(hunks)),),
    )


def put_on(result: Repair, old: str) -> str:
    """*old* with the repaired patch on, each hunk exactly where it says."""
    lines = old.encode().splitlines(keepends=True)
    shift = 0
    for _, hunks in hunks_of(result.patch):
        for hunk in hunks:
            start = (hunk.old_start - 1 if hunk.old else hunk.old_start) + shift
            assert lines[start : start + len(hunk.old)] == list(hunk.old)
            lines[start : start + len(hunk.old)] = hunk.new
            shift += len(hunk.new) - len(hunk.old)
    return b"".join(lines).decode()


def mended(old: str, new: str, drop_blank: bool = False) -> Repair:
    return repair(damage(old, new, drop_blank), lambda _: old.encode(), POLICY)


def test_code_comes_back_byte_for_byte() -> None:
    new = OLD.replace(
        "\tif (page) {\n",
        "\t/* not without a page */\n\tif (page && !PageTail(page)) {\n\t\trcu_read_lock();\n",
    )
    result = mended(OLD, new)
    assert result.status == "repaired"
    assert put_on(result, OLD) == new
    assert not result.patch.damaged


def test_moved_code_keeps_its_shape() -> None:
    body = "\t\tlock_page(page);\n\t\tret = page_count(page);\n"
    new = OLD.replace(f"\tif (page) {{\n{body}\t}}\n", body.replace("\t\t", "\t"))
    result = mended(OLD, new)
    assert put_on(result, OLD) == new


def test_dropped_blank_lines_come_back() -> None:
    new = OLD.replace("\tint ret = 0;\n", "\tint ret = 1;\n")
    result = mended(OLD, new, drop_blank=True)
    assert put_on(result, OLD) == new
    assert result.status == "repaired"  # three lines are before the change, so the blank is behind it


def test_context_of_another_length_does_not_say_where_a_blank_was() -> None:
    new = OLD.replace("\tint ret = 0;\n", "\tint ret = 1;\n")
    patch = damage(OLD, new, drop_blank=True, context=4)
    result = repair(patch, lambda _: OLD.encode(), POLICY)
    assert put_on(result, OLD) == new
    assert result.status == "flagged"


def test_blank_between_changes_goes_by_taste_and_is_flagged() -> None:
    new = OLD.replace("\tint ret = 0;\n", "\tint ret = 1;\n\tint nr;\n").replace("if (page)", "if (!page)")
    result = mended(OLD, new, drop_blank=True)
    assert put_on(result, OLD) == new
    assert result.status == "repaired"  # an added line is never right before a removed one

    new = new.replace("\tint nr;\n\n", "\tint nr;\n\n\tget(page);\n").replace("if (!page)", "if (page)")
    new = new.replace("count(page);", "count(p);")
    result = mended(OLD, new, drop_blank=True)
    assert put_on(result, OLD) == new  # declarations are parted from code
    assert [guess.confidence <= POLICY.blank for guess in result.guesses if not guess.text] == [True]
    assert result.status == "flagged"


def test_of_two_blanks_the_removed_one_is_at_the_change() -> None:
    old = OLD.replace("\tint ret = 0;\n", "\tint ret = 0;\n\tint old;\n\n")
    new = old.replace("\tint old;\n\n", "\tint new;\n")
    result = mended(old, new, drop_blank=True)
    assert put_on(result, old) == new
    assert result.status == "repaired"


@pytest.mark.parametrize(
    ("row", "instead", "complaint"),
    [
        ("  first:", "  furst:", "'first' is missing"),
        ("blank: 0.75", "blank: 0.85", "has to be below flag"),
    ],
)
def test_table_of_signs_is_whole(tmp_path: Path, row: str, instead: str, complaint: str) -> None:
    table = tmp_path / "repair.yaml"
    table.write_text(TABLE.read_text().replace(row, instead, 1))
    with pytest.raises(UserError, match=complaint):
        load_policy(table)


def test_a_line_that_replaces_one_of_the_same_words_is_flagged() -> None:
    new = OLD.replace("\tint ret = 0;\n", "\tint ret\t= 0;\n")
    result = mended(OLD, new)
    assert [guess.confidence <= 0.5 for guess in result.guesses if "ret" in guess.text] == [True]
    assert result.status == "flagged"


ARGUMENTS = """int first(struct page *page,
\t\tint order);

static void second(struct page *page, int order)
{
\tthird(page,
\t\torder);
}
"""


def test_a_line_that_comes_back_is_not_as_it_was() -> None:
    new = ARGUMENTS.replace("\t\torder);", "\t      order);")
    result = mended(ARGUMENTS, new)
    assert put_on(result, ARGUMENTS) == new
    assert result.status == "flagged"


def test_a_line_that_stays_in_place_keeps_its_indentation() -> None:
    new = ARGUMENTS.replace("\t\torder);", "\t\t0, order);")
    assert put_on(mended(ARGUMENTS, new), ARGUMENTS) == new


def test_file_that_is_another_is_refused() -> None:
    new = OLD.replace("\tint ret = 0;\n", "\tint ret = 1;\n")
    result = repair(damage(OLD, new), lambda _: b"int main(void)\n{\n\treturn 1;\n}\n", POLICY)
    assert result.status == "refused"
    assert "mm/x.c: hunk 1" in result.reason
    assert result.patch.damaged


def test_missing_file_is_refused() -> None:
    result = repair(damage(OLD, OLD.replace("ret = 0", "ret = 1")), lambda _: None, POLICY)
    assert (result.status, result.reason) == ("refused", "mm/x.c: the tree has no such file")


def test_hunk_with_two_places_is_refused() -> None:
    block = "static void f(void)\n{\n\tgo_on_now();\n\tand_so_on();\n\tat_last();\n}\n"
    old = "int first_line;\n" + block + block
    patch = damage(block, block.replace("\tand_so_on();", "\tand_so_forth();"))
    result = repair(patch, lambda _: old.encode(), POLICY)
    assert result.status == "refused"
    assert "fits equally well at lines 2, 8" in result.reason


def test_string_with_a_blank_is_flagged() -> None:
    new = OLD.replace("\tput_page(page);\n", '\tprintk("a  b");\n\tput_page(page);\n')
    result = mended(OLD, new)
    assert result.status == "flagged"
    assert [g.reason[:30] for g in result.guesses if g.confidence < POLICY.flag] == [
        "blanks inside a string literal"
    ]


def test_context_may_begin_with_a_minus() -> None:
    old = OLD.replace(" * Counts pages.\n", "- one item\n+ another\n * Counts pages.\n")
    new = old.replace(" * Counts pages.\n", " * Counts some pages.\n")
    result = mended(old, new)
    assert put_on(result, old) == new


STATEMENT = st.sampled_from(
    ["a = b;", "if (a)\n\t\tgo(b);", "while (a) {\n\t\tb();\n\t}", "/* note */", "", "goto out;", "f(a, b);"]
)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(STATEMENT, min_size=6, max_size=20), st.data(), st.booleans())
def test_words_are_never_lost(body: list[str], data: st.DataObject, drop_blank: bool) -> None:
    unique = [f"\tstep{number}();\n\t{line}" if line else "" for number, line in enumerate(body)]
    at = data.draw(st.integers(0, len(body) - 1))
    changed = [*unique[:at], f"\t{data.draw(STATEMENT) or 'z();'}", *unique[at + 1 :]]
    old = "int f(void)\n{\n" + "\n".join(unique) + "\n}\n"
    new = "int f(void)\n{\n" + "\n".join(changed) + "\n}\n"
    result = mended(old, new, drop_blank)
    assert result.status in ("repaired", "flagged")
    assert "".join(put_on(result, old).split()) == "".join(new.split())


@pytest.mark.parametrize(
    ("earlier", "above", "below", "sign", "holds"),
    [
        ("", " int a;", " a = 1;", "declarations end", True),
        ("", " int a;", " int b;", "declarations end", False),
        ("", " ret = f(a);", " if (ret)", "tested below", True),
        ("", " ret = f(a);", " if (a)", "tested below", False),
        (" if (a)", " b();", " c();", "body above", True),
        (" if (a) {", " b();", " c();", "body above", False),
        ("", " f(a,", " b);", "goes on", True),
        ("", " f(a); /* b */", " g(b);", "goes on", False),
        ("", "}", "int f(void)", "function ends", True),
        ("", " }", " f();", "function ends", False),
        ("", " * a", " * b", "in comment", True),
        ("", " * a */", " * b", "in comment", False),
        ("", "#include <a.h>", "#include <b.h>", "same directive", True),
        ("", "#include <a.h>", "#define B", "same directive", False),
        ("", " f(a);", " f(b);", "same word", True),
        ("", " if (a)", " if (b)", "same word", False),
    ],
)
def test_signs_of_a_place_between_two_lines(
    earlier: str, above: str, below: str, sign: str, holds: bool
) -> None:
    assert signs(Between(earlier, above, below))[sign] is holds


def test_what_does_not_fit_behind_the_bracket_is_as_far_right_as_it_fits() -> None:
    layout = Layout()
    layout.feed("\tresult = a_function_with_a_name_of_some_length_and_then_more(")
    text = "another_call_of_some_length(page);"
    assert layout.expect(text)[1]["right"] == "\t" * 5
    assert layout.expect("x" * 90)[1]["right"] == ""
