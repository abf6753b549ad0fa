# SPDX-License-Identifier: GPL-2.0-only
"""A hunk goes where it belongs, or nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.series.hunks import HunkLines
from harness.tree.image import Image
from harness.tree.landing import Landed, land

PROPERTY = settings(derandomize=True, max_examples=50, deadline=None)

LOOPS = """\
#include <linux/list.h>

static int drain(struct pool *pool)
{
	struct item *item;
	int left = pool->count;

	while (left--) {
		item = first_item(pool);
		if (!item) {
			note_empty(pool);
			return -ENOENT;
		}
		if (wait_for(pool)) {
			give_up(pool);
			goto out;
		}
	}

	item->owner = pool;
	item->page = page;
	/* An item that came from the cache goes to the front of */
	/* the list, any other to its end. */
	if (cached(item))
		list_add(&item->lru, &pool->list);
	return 0;
out:
	put_pool(pool);
	return -EBUSY;
}
"""


def lines_of(text: str) -> list[bytes]:
    return [f"{line}\n".encode() for line in text.splitlines()]


def hunk_of(
    base: list[bytes], first: int, removed: int, added: list[bytes], section: bool = True
) -> HunkLines:
    """The hunk, with three lines of context, that takes *removed* lines at *first* (0-based) for *added*."""
    begin, end = max(0, first - 3), min(len(base), first + removed + 3)
    head = Image(b"".join(base)).head_before(begin).decode().strip()[:40] if section else ""
    return HunkLines(
        old=tuple(base[begin:end]),
        new=(*base[begin:first], *added, *base[first + removed : end]),
        old_start=begin + 1,
        new_start=begin + 1,
        trailing=end - first - removed,
        section=head,
        marks=" " * (first - begin) + "-" * removed + "+" * len(added) + " " * (end - first - removed),
    )


def landed(data: list[bytes], *hunks: HunkLines) -> Landed:
    return land(b"".join(data), hunks, "mm/x.c")


def at(lines: list[bytes], text: str) -> int:
    return next(number for number, line in enumerate(lines) if text.encode() in line)


def text_of(hunk: HunkLines) -> str:
    """The hunk as a diff of mm/x.c, for GNU patch."""
    old, new = iter(hunk.old), iter(hunk.new)
    body = ""
    for mark in hunk.marks:
        line = next(new if mark == "+" else old)
        if mark == " ":
            next(new)
        body += mark + line.decode()
    header = f"@@ -{hunk.old_start},{len(hunk.old)} +{hunk.new_start},{len(hunk.new)} @@ {hunk.section}\n"
    return f"--- a/mm/x.c\n+++ b/mm/x.c\n{header}{body}"


def by_patch(tmp_path: Path, data: list[bytes], hunk: HunkLines) -> list[bytes]:
    """What GNU patch makes of it, with all the fuzz it has."""
    file = tmp_path / "x.c"
    file.write_bytes(b"".join(data))
    subprocess.run(
        ["patch", "--fuzz=3", "--silent", str(file)], input=text_of(hunk), text=True, check=True, cwd=tmp_path
    )
    return lines_of(file.read_text())


def wrong_loop() -> tuple[list[bytes], HunkLines]:
    """An insertion of which the file lacks a line of context, and is some lines longer."""
    tree = lines_of(LOOPS)
    base = list(tree)
    base.insert(at(base, "item->page = page") + 1, b"\titem->flags = 0;\n")
    return tree, hunk_of(base, at(base, "item->flags = 0") + 1, 0, [b"\titem->next = NULL;\n"])


@pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is not installed")
def test_gnu_patch_puts_the_hunk_into_the_wrong_loop(tmp_path: Path) -> None:
    tree, hunk = wrong_loop()
    shifted = [b"/* new */\n"] * 6 + tree
    got = by_patch(tmp_path, shifted, hunk)
    wrong = at(got, "item->next")
    assert got[wrong - 1] != b"\titem->page = page;\n"  # it is not where it belongs, and patch is content


@pytest.mark.parametrize("before", [0, 6])
def test_hunk_that_belongs_beside_a_line_that_is_not_there_is_a_conflict(before: int) -> None:
    tree, hunk = wrong_loop()
    tree = [b"/* new */\n"] * before + tree
    result = landed(tree, hunk)
    (landing,) = result.hunks
    assert landing.status == "conflict"
    assert not result.whole
    (conflict,) = landing.conflicts
    assert conflict.ours == ()
    assert conflict.base == ("\titem->flags = 0;",)
    assert conflict.theirs == ("\titem->flags = 0;", "\titem->next = NULL;")
    assert conflict.line == at(tree, "item->page = page") + 2


@pytest.mark.skipif("HARNESS_OLD_TREE" not in os.environ, reason="HARNESS_OLD_TREE is not set")
def test_hunk_of_2008_that_goes_into_the_wrong_loop(tmp_path: Path) -> None:
    """Patch 2 of the 2008 series sets a field after a line that only patch 1 brings."""
    tree = (
        (Path(os.environ["HARNESS_OLD_TREE"]) / "mm" / "memcontrol.c").read_bytes().splitlines(keepends=True)
    )
    context = [b"\tpc->mem_cgroup = mem;\n", b"\tpc->page = page;\n", b"\tpc->flags = 0;\n"]
    after = [b"\t/*\n"]
    first = next(n for n in range(len(tree)) if tree[n : n + 2] == context[:2])
    after = tree[first + 2 : first + 5]
    hunk = HunkLines(
        old=(*context, *after),
        new=(*context, b"\tpc->next = NULL;\n", *after),
        old_start=first - 8,
        new_start=first - 8,
        trailing=3,
        section="static int mem_cgroup_charge_common(stru",
        marks="   +   ",
    )
    (landing,) = landed(tree, hunk).hunks
    assert landing.status == "conflict"
    assert landing.conflicts[0].line == first + 3
    if shutil.which("patch"):
        got = by_patch(tmp_path, tree, hunk)
        assert got[at(got, "pc->next = NULL") - 1] != context[1]


def test_fuzz_where_the_lines_beside_the_change_prove_it() -> None:
    base = lines_of(LOOPS)
    first = at(base, "item->page = page")
    hunk = hunk_of(base, first, 1, [b"\titem->page = get(page);\n"])
    tree = [b"\n", *base]
    tree[first - 1] = b"\n"
    tree[first + 4] = b"\tif (from_cache(item))\n"
    (landing,) = landed(tree, hunk).hunks
    assert (landing.status, landing.offset, landing.fuzz) == ("fuzz", 1, 1)
    wanted = list(tree)
    wanted[first + 1] = b"\titem->page = get(page);\n"
    assert landed(tree, hunk).data == b"".join(wanted)


def test_merge_around_a_line_that_the_tree_has_in_the_middle_of_the_hunk() -> None:
    base = lines_of(LOOPS)
    new = list(base)
    new[at(new, "int left")] = b"\tlong left = pool->count;\n"
    new[at(new, "note_empty")] = b"\t\t\tnote_drained(pool);\n"
    first, end = at(base, "struct item"), at(base, "wait_for")
    marks = "".join(
        " " if one == other else "-+" for one, other in zip(base[first:end], new[first:end], strict=True)
    )
    hunk = HunkLines(
        old=tuple(base[first:end]),
        new=tuple(new[first:end]),
        old_start=first + 1,
        new_start=first + 1,
        trailing=3,
        section="static int drain(struct pool *pool)",
        marks=marks,
    )
    tree = list(base)
    tree.insert(at(tree, "item = first_item"), b"\t\tpool->seen++;\n")
    result = landed(tree, hunk)
    assert [landing.status for landing in result.hunks] == ["merged"]
    wanted = list(new)
    wanted.insert(at(wanted, "item = first_item"), b"\t\tpool->seen++;\n")
    assert result.data == b"".join(wanted)
    assert result.base == b"".join(base)
    assert result.target == b"".join(new)


def test_hunk_that_is_in_the_file_already_though_its_surroundings_changed() -> None:
    base = lines_of(LOOPS)
    first = at(base, "note_empty")
    added = [b"\t\t\twarn_once(pool);\n", b"\t\t\tcount_empty(pool);\n", b"\t\t\tstop_timer(pool);\n"]
    hunk = hunk_of(base, first, 0, added)
    tree = [*base[:first], *added, *base[first:]]
    tree[first - 2] = b"\t\titem = oldest_item(pool);\n"
    (landing,) = landed(tree, hunk).hunks
    assert landing.status == "rejected"
    assert "in the tree already" in landing.reason


TWO = """\
static int one(struct pool *pool)
{
	lock(pool);
	count(pool);
	unlock(pool);
	return 0;
}

static int two(struct pool *pool)
{
	lock(pool);
	count(pool);
	unlock(pool);
	return 0;
}
"""


def in_two(base: list[bytes]) -> HunkLines:
    """A change in the second function, with two lines of context: both functions have them."""
    return HunkLines(
        old=tuple(base[9:14]),
        new=(*base[9:11], b"\tadd(pool);\n", *base[12:14]),
        old_start=10,
        new_start=10,
        trailing=2,
        section="static int two(struct pool *pool)",
        marks="  -+  ",
    )


@pytest.mark.parametrize("before", [0, 1, 8])
def test_copies_of_the_same_lines_are_told_apart_by_the_function(before: int) -> None:
    base = lines_of(TWO)
    hunk = in_two(base)
    result = landed([b"/* new */\n"] * before + base, hunk)
    assert result.hunks[0].status == ("offset" if before else "clean")
    assert result.data == b"/* new */\n" * before + b"".join([*base[:11], b"\tadd(pool);\n", *base[12:]])


def test_copy_in_another_function_than_the_header_says_is_refused() -> None:
    base = lines_of(TWO)
    hunk = in_two(base)
    tree = [*base[:10], b"\tspin(pool);\n", b"\tadd_up(pool);\n", *base[12:]]
    result = landed(tree, hunk)
    assert not result.whole
    assert result.data.startswith(b"".join(base[:8]))


def twins(first: str, between: int = 0) -> tuple[list[bytes], int]:
    """A function *first*, then after other lines its copy ``other``; and the line of the first's ``d()``."""
    body = [b"{\n", *(f"\t{name}(pool);\n".encode() for name in "abcdefg"), b"}\n", b"\n"]
    filler = [f"int filler{number};\n".encode() for number in range(between)]
    tree = [f"void {first}(void)\n".encode(), *body, *filler, b"void other(void)\n", *body, b"int end;\n"]
    return tree, 5


def test_copy_in_another_function_at_the_very_line_is_not_taken() -> None:
    base, line = twins("mine")
    hunk = hunk_of(base, line, 1, [b"\tx(pool);\n"])
    other = at(base, "other")
    moved = [*base[other : other + 11], *base[:other]]
    moved[at(moved, "mine") + 3] = b"\tchanged(pool);\n"
    result = landed(moved, hunk)
    assert result.hunks[0].status == "merged"
    assert at(result.data.splitlines(keepends=True), "x(pool)") > at(moved, "mine")


@pytest.mark.parametrize("step", [3, 4, 6])
def test_exact_copy_further_off_does_not_win_over_the_place_with_a_line_changed(step: int) -> None:
    """Also where a third place, still further off, nearly fits best of all."""
    base, line = twins("mine", between=20)
    third = [text.replace(b"a(pool)", b"z(pool)") for text in base[:10]]
    hunk = hunk_of(base, line, 1, [b"\tx(pool);\n"], section=False)
    tree = [*base, *(f"int more{number};\n".encode() for number in range(200)), *third]
    tree[step] = b"\tchanged(pool);\n"
    (landing,) = landed(tree, hunk).hunks
    assert landing.status == "rejected"
    assert landing.candidates


def test_brace_and_blank_line_where_the_header_says_prove_nothing_among_many() -> None:
    tree = lines_of("\n".join(f"void f{number}(void)\n{{\n\tcall{number}();\n}}\n" for number in range(30)))
    hunk = HunkLines(
        old=(b"}\n", b"\n"),
        new=(b"}\n", b"int x;\n", b"\n"),
        old_start=19,
        new_start=19,
        trailing=1,
        marks=" + ",
    )
    assert tree[18:20] == [b"}\n", b"\n"]
    (landing,) = landed(tree, hunk).hunks
    assert landing.status == "rejected"


def test_only_place_of_lines_that_tell_little_is_not_taken_away_from_where_they_were() -> None:
    tree = [f"int x{number};\n".encode() for number in range(2000)]
    tree[900:900] = [b"\t}\n", b"\n", b"}\n"]
    hunk = HunkLines(
        old=(b"\t}\n", b"\n", b"}\n"),
        new=(b"\t}\n", b"\tx++;\n", b"}\n"),
        old_start=300,
        new_start=300,
        trailing=1,
        marks=" -+ ",
    )
    (landing,) = landed(tree, hunk).hunks
    assert landing.status == "rejected"
    assert "tell too little" in landing.reason


def test_one_line_with_braces_does_not_prove_a_place_that_is_not_the_header_s() -> None:
    """The line may have been the last of several such, of which another was meant."""
    tree = [f"int x{number};\n".encode() for number in range(600)]
    old = (b"\n", b"\treturn i;\n", b"}\n", b"\n")
    tree[500:500] = old
    new = (*old[:3], b"int y;\n", b"\n")
    hunk = HunkLines(old=old, new=new, old_start=440, new_start=440, trailing=1, marks="   + ")
    (landing,) = landed(tree, hunk).hunks
    assert landing.status == "rejected"
    assert "tell too little" in landing.reason


def test_several_places_are_candidates() -> None:
    block = lines_of("{\n\ta();\n\tb();\n\tc();\n}\n\n")
    tree = [b"top\n", *block, *block, *block, b"end\n"]
    hunk = HunkLines(
        old=tuple(block[:5]),
        new=(*block[:2], *block[3:5]),
        old_start=9,
        new_start=9,
        trailing=2,
        marks="  -  ",
    )
    (landing,) = landed(tree, hunk).hunks
    assert (landing.status, landing.candidates) == ("rejected", (2, 8, 14))


def test_shift_of_the_hunks_on_both_sides_decides_between_copies() -> None:
    block = lines_of("\tlock();\n\ta();\n\tb();\n\tunlock();\n")
    base = [b"int f(void)\n", b"{\n", b"\tone();\n", *block, b"\ttwo();\n", *block, b"\tthree();\n", *block]
    base += [b"\tfour();\n", b"}\n"]
    middle = at(base, "two") + 1
    hunks = (
        HunkLines(old=(b"\tone();\n",), new=(b"\t1();\n",), old_start=3, new_start=3, trailing=1, marks="-+"),
        HunkLines(
            old=tuple(block), new=tuple(block[:2] + block[3:]), old_start=middle + 1, new_start=middle + 1,
            trailing=1, marks="  - ",
        ),
        HunkLines(
            old=(b"\tfour();\n", b"}\n"), new=(b"\t4();\n", b"}\n"), old_start=len(base) - 1,
            new_start=len(base) - 2, trailing=1, marks="-+ ",
        ),
    )  # fmt: skip
    tree = [b"/* new */\n"] * 5 + base
    result = landed(tree, *hunks)
    assert [landing.offset for landing in result.hunks] == [5, 5, 5]
    assert result.data.count(b"\tb();\n") == 2
    assert b"two();\n\tlock();\n\ta();\n\tunlock();\n" in result.data


def test_headers_are_believed_where_the_file_is_the_one_patched() -> None:
    block = lines_of("\tlock();\n\ta();\n\tunlock();\n")
    data = b"".join([*block, *block, *block])
    hunk = HunkLines(
        old=tuple(block), new=(block[0], block[2]), old_start=4, new_start=4, trailing=1, marks=" - "
    )
    assert land(data, (hunk,), "x.c", same_base=True).hunks[0].status == "clean"


def test_one_repeated_line_is_bounded() -> None:
    same = b"x\n"
    hunk = HunkLines(
        old=(same,) * 20_000 + (b"z\n",) + (same,) * 20_000,
        new=(same,) * 20_000 + (b"y\n",) + (same,) * 20_000,
        old_start=7,
        new_start=7,
        trailing=9,
        marks=" " * 20_000 + "-+" + " " * 20_000,
    )
    (landing,) = land(same * 100_000, (hunk,), "x.c").hunks
    assert landing.status == "rejected"
    assert "expected 'z'" in landing.reason


def test_very_many_hunks_are_bounded() -> None:
    base = [b"\tline%d();\n" % number for number in range(20_000)]
    hunks = [hunk_of(base, 4 + 8 * number, 1, [b"\tnew();\n"], section=False) for number in range(2_000)]
    assert landed(base, *hunks).whole
    strange = [
        HunkLines(
            old=(b"a\n", *hunk.old[1:3], b"b\n"), new=hunk.new[:4], old_start=1, new_start=1, trailing=1
        )
        for hunk in hunks
    ]
    assert not landed(base, *strange).whole


def test_where_comparing_could_take_for_ever_nothing_is_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    base = lines_of(LOOPS)
    first = at(base, "item->page = page")
    hunk = hunk_of(base, first, 1, [b"\titem->page = get(page);\n"])
    tree = [*base[: first - 3], b"\n", *base[first - 2 :]]
    assert landed(tree, hunk).whole
    monkeypatch.setattr("harness.tree.image._COMPARISONS", 3)
    assert [landing.status for landing in landed(tree, hunk).hunks] == ["rejected"]


def test_comment_above_a_function_is_not_inside_the_one_before() -> None:
    base = lines_of("int a(void)\n{\n\tone();\n}\n\n/* What b is\n * good for.\n */\nint b(void)\n{\n}\n")
    hunk = hunk_of(base, 6, 1, [b" * made for.\n"])
    hunk = msgspec.structs.replace(
        hunk, old=hunk.old[1:], new=hunk.new[1:], old_start=5, marks=hunk.marks[1:], section="int a(void)"
    )
    tree = [*base[:5], b"int between(void)\n", b"{\n", b"}\n", b"\n", *base[5:]]
    assert [(landing.status, landing.offset) for landing in landed(tree, hunk).hunks] == [("offset", 4)]


# -- properties ----------------------------------------------------------------------------------

_COMMON = st.sampled_from(
    (
        b"\tlock(pool);\n",
        b"\tunlock(pool);\n",
        b"\tif (x) {\n",
        b"\t}\n",
        b"\n",
        b"\treturn 0;\n",
        b"\ta();\n",
    )
)
_RARE = st.integers(0, 999).map(lambda number: b"\tcall_%d(pool);\n" % number)
_BODY = st.lists(st.one_of(_COMMON, _COMMON, _RARE), min_size=4, max_size=14)


@st.composite
def files(draw: st.DrawFn) -> list[bytes]:
    """Functions, of which some have the same body."""
    bodies = draw(st.lists(_BODY, min_size=1, max_size=3))
    order = draw(st.lists(st.sampled_from(range(len(bodies))), min_size=2, max_size=6))
    data: list[bytes] = []
    for number, body in enumerate(order):
        data += [b"static int f%d(struct pool *pool)\n" % number, b"{\n", *bodies[body], b"}\n", b"\n"]
    return data


@st.composite
def changed_files(draw: st.DrawFn) -> tuple[list[bytes], list[bytes], HunkLines]:
    """A file that was edited elsewhere, the same with the hunk where it belongs, and the hunk."""
    base = draw(files())
    first = draw(st.integers(2, len(base) - 4))
    removed = draw(st.integers(0, 2))
    added = draw(st.lists(st.integers(0, 9).map(lambda n: b"\tnew%d();\n" % n), max_size=2))
    if not removed and not added:
        added = [b"\tnew();\n"]
    removed = min(removed, len(base) - first)
    hunk = hunk_of(base, first, removed, added)
    begin, end = hunk.old_start - 1, hunk.old_start - 1 + len(hunk.old)
    tree, wanted = list(base), [*base[:first], *added, *base[first + removed :]]
    growth = len(added) - removed
    if end < len(base) and draw(st.booleans()):
        spot = draw(st.integers(end, len(base)))
        gone = draw(st.integers(0, min(12, len(base) - spot)))
        put = [b"\tafter%d();\n" % n for n in range(draw(st.integers(0, 9)))]
        tree[spot : spot + gone] = put
        wanted[spot + growth : spot + growth + gone] = put
    if begin and draw(st.booleans()):
        spot = draw(st.integers(0, begin))
        gone = draw(st.integers(0, min(12, begin - spot)))
        put = [b"\tbefore%d();\n" % n for n in range(draw(st.integers(0, 9)))]
        tree[spot : spot + gone] = put
        wanted[spot : spot + gone] = put
    return tree, wanted, hunk


@PROPERTY
@given(changed_files())
def test_an_edit_elsewhere_never_moves_a_hunk_to_another_place(
    case: tuple[list[bytes], list[bytes], HunkLines],
) -> None:
    tree, wanted, hunk = case
    result = landed(tree, hunk)
    if result.whole:
        assert result.data == b"".join(wanted)


@PROPERTY
@given(changed_files(), st.randoms(use_true_random=False))
def test_an_edit_inside_the_hunk_is_merged_or_refused(
    case: tuple[list[bytes], list[bytes], HunkLines], chance: object
) -> None:
    """Whatever is put on an altered file, all that was altered is still there."""
    tree, _, hunk = case
    spot = chance.randrange(len(tree))  # type: ignore[attr-defined]
    tree = [*tree[:spot], b"\taltered();\n", *tree[spot:]]
    result = landed(tree, hunk)
    if result.whole:
        assert result.data.count(b"\taltered();\n") == 1
        assert sorted(result.data.splitlines()) == sorted(
            b"".join([*_without(tree, hunk), *_added(hunk)]).splitlines()
        )


def _added(hunk: HunkLines) -> list[bytes]:
    new = iter(hunk.new)
    return [line for mark, line in ((mark, next(new)) for mark in hunk.marks if mark != "-") if mark == "+"]


def _without(tree: list[bytes], hunk: HunkLines) -> list[bytes]:
    old = iter(hunk.old)
    left = list(tree)
    for mark, line in [(mark, next(old)) for mark in hunk.marks if mark != "+"]:
        if mark == "-":
            left.remove(line)
    return left


def _reversed(hunk: HunkLines) -> HunkLines:
    return HunkLines(
        old=hunk.new,
        new=hunk.old,
        old_start=hunk.new_start,
        new_start=hunk.old_start,
        trailing=hunk.trailing,
        section=hunk.section,
        marks=hunk.marks.translate(str.maketrans("-+", "+-")),
    )


@PROPERTY
@given(changed_files())
def test_on_and_off_again_gives_the_bytes_back(case: tuple[list[bytes], list[bytes], HunkLines]) -> None:
    tree, _, hunk = case
    on = landed(tree, hunk)
    if on.whole and on.hunks[0].status in ("clean", "offset"):
        line = on.hunks[0].line
        back = msgspec.structs.replace(_reversed(hunk), old_start=line, new_start=line)
        off = land(on.data, (back,), "mm/x.c")
        assert off.data == b"".join(tree)
