# SPDX-License-Identifier: GPL-2.0-only
"""Hunks for a page: parsed, lines followed to the end of the series."""

from __future__ import annotations

from harness.report.html_diff import at_the_end, hunks_of_diff

FIRST = """\
diff --git a/mm/a.c b/mm/a.c
--- a/mm/a.c
+++ b/mm/a.c
@@ -10,3 +10,3 @@ one(void)
 x
+y
 z
--- b
@@ -30 +31,0 @@
-gone
--- a/mm/old.c
+++ /dev/null
@@ -1 +0,0 @@
-all
\\ No newline at end of file
"""


def test_headers_are_told_from_removed_lines_by_the_counts() -> None:
    one, two, three = hunks_of_diff(FIRST)
    assert (one.file, one.number, one.section) == ("mm/a.c", 1, "one(void)")
    assert [(line.mark, line.text) for line in one.lines] == [
        (" ", "x"),
        ("+", "y"),
        (" ", "z"),
        ("-", "-- b"),
    ]
    assert [line.new for line in one.lines] == [10, 11, 12, 13]
    assert (two.file, two.number, two.new_count) == ("mm/a.c", 2, 0)
    assert (three.file, three.number) == ("mm/old.c", 1)
    assert three.lines[-1].mark == "\\"


def test_a_diff_that_was_cut_keeps_what_is_there() -> None:
    hunks = hunks_of_diff(FIRST[: FIRST.index(" z")])
    assert [line.text for line in hunks[0].lines][:2] == ["x", "y"]


def test_lines_move_with_what_later_patches_put_before_them() -> None:
    later = [hunks_of_diff(FIRST)]
    assert at_the_end(5, later, "mm/a.c") == 5
    assert at_the_end(10, later, "mm/a.c") == 10
    assert at_the_end(11, later, "mm/a.c") == 12
    assert at_the_end(20, later, "mm/a.c") == 20
    assert at_the_end(40, later, "mm/a.c") == 39
    assert at_the_end(40, later, "mm/b.c") == 40
