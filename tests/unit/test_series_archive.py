# SPDX-License-Identifier: GPL-2.0-only
"""Text of web archives: the seed of this project, and what other archives and pasting do."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.paths import PROJECT
from harness.series.model import DamagedHunk, Patch, Series
from harness.series.read import read_series

SEED = PROJECT / "patches" / "lockless-page_cgroup-4of7" / "lockless-page_cgroup-4of7.txt"
FOOTER = '\n--\nTo unsubscribe from this list: send the line "unsubscribe" in\n'
CLEAN = """\
[PATCH v2 3/4] mm: x

From: A B
Date: Wed Aug 20 2008 - 05:58:53 EST

Why.

---
mm/x.c | 4 ++--
--- a/mm/x.c
+++ b/mm/x.c
@@ -10,7 +10,7 @@ int f(void)
\tint a;

\tif (x)
-\t\treturn 1;
+\t\treturn  2;
\tg();
 }

@@ -30,4 +30,5 @@
\th();
+\tj();
\tk();
 }

"""


def damaged(text: str) -> str:
    """What the archive of the seed does to a text."""
    return "\n".join(re.sub(r"^ | +$", "", re.sub(r"[ \t]+", " ", line)) for line in text.split("\n"))


def read(tmp_path: Path, text: str, name: str = "saved.txt") -> Series:
    path = tmp_path / name
    path.write_text(text)
    return read_series(path)


def one(tmp_path: Path, text: str) -> Patch:
    (patch,) = read(tmp_path, text).patches
    assert patch.diff == b""
    return patch


def hunks(patch: Patch) -> list[DamagedHunk]:
    return [hunk for file in patch.damaged for hunk in file.hunks]


def counts(hunk: DamagedHunk) -> tuple[int, int]:
    return sum(line[:1] != "+" for line in hunk.lines), sum(line[:1] != "-" for line in hunk.lines)


def test_the_seed() -> None:
    series = read_series(SEED)
    (patch,) = series.patches
    assert (patch.number, patch.total, series.missing) == (4, 7, (1, 2, 3, 5, 6, 7))
    assert (patch.subject, patch.author) == ("memcg: lockless page_cgroup", "KAMEZAWA Hiroyuki")
    assert patch.date == "Wed Aug 20 2008 - 05:58:53 EST"
    assert patch.description.startswith("This patch removes lock_page_cgroup().")
    assert patch.description.endswith("Signed-off-by: KAMEZAWA Hiroyuki <kamezawa.hiroyu@xxxxxxxxxxxxxx>")
    assert [(file.path, file.added, file.removed, file.hunks) for file in patch.files] == [
        ("mm/memcontrol.c", 45, 74, 10),
        ("mm/memory.c", 5, 11, 3),
        ("include/linux/mm_types.h", 1, 1, 1),
    ]
    assert series.notes == ("patch 4: white space was lost, markers of context too",)
    lines = SEED.read_text().split("\n")
    for hunk in hunks(patch):
        assert counts(hunk) == (hunk.old_count, hunk.new_count)
        assert lines[hunk.place - 1] == hunk.lines[0]
    assert hunks(patch)[-1].lines[-1] == "#ifdef CONFIG_KMEMCHECK"


def test_the_seed_as_a_series_of_the_project() -> None:
    (patch,) = read_series(SEED.parent).patches
    assert (patch.number, patch.total, len(hunks(patch))) == (1, 1, 14)


def test_clean_text_is_not_damaged(tmp_path: Path) -> None:
    diff = CLEAN.replace("\t", " \t").replace("\n \t", "\n \t").replace("\n\n@@", "\n \n@@")
    diff = re.sub(r"(?m)^([-+]) \t", r"\1\t", diff).replace(" \t\treturn", "\t\treturn")
    (patch,) = read(tmp_path, diff).patches
    assert patch.damaged == ()


def test_headers_of_archives(tmp_path: Path) -> None:
    patch = one(tmp_path, damaged(CLEAN) + FOOTER)
    assert (patch.number, patch.total, patch.subject, patch.author) == (3, 4, "mm: x", "A B")
    assert patch.description == "Why."
    body = damaged(CLEAN).partition("EST")[2]
    marc = "List:       linux-mm\nSubject:    [PATCH v2 3/4] mm: x\nFrom:       A B\nMessage-ID: <1@x>\n\n"
    for head in (
        f"{marc}[Download RAW message or body]\n",
        "Subject: [PATCH v2 3/4] mm: x\nFrom: A B\nDate: x\n",
        "Date\tWed, 20 Aug 2008\nFrom\tA B\nSubject\t[PATCH v2 3/4] mm: x\n",
    ):
        again = one(tmp_path, head + body + FOOTER)
        assert (again.number, again.subject, again.author, again.description) == (3, "mm: x", "A B", "Why.")
        assert [h.lines for h in hunks(again)] == [h.lines for h in hunks(patch)]


@pytest.mark.parametrize(
    "footer",
    [
        FOOTER,
        "\n-\nTo unsubscribe, send a message with 'unsubscribe linux-mm' in\n",
        "\n\nFollow-Ups:\n• Re: [PATCH]\n",
        "\n_______________________________________________\nmailing list\n",
        "\n[prev in list] [next in list]\n",
        "",
    ],
)
def test_last_hunk_ends_by_its_counts_whatever_follows(tmp_path: Path, footer: str) -> None:
    found = hunks(one(tmp_path, damaged(CLEAN) + footer))
    assert found[0].lines == ("int a;", "", "if (x)", "- return 1;", "+ return 2;", "g();", "}", "")
    assert found[1].lines == ("h();", "+ j();", "k();", "}", "")


@pytest.mark.parametrize("footer", [FOOTER, "\nFollow-Ups:\nRe: x\n", "\n[Index of Archives]\n", ""])
def test_blank_context_lines_dropped_too(tmp_path: Path, footer: str) -> None:
    start = damaged(CLEAN).index("@@")
    text = damaged(CLEAN)[:start] + re.sub(r"\n\n+", "\n", damaged(CLEAN)[start:]) + footer.lstrip("\n")
    found = hunks(one(tmp_path, text))
    assert found[0].lines == ("int a;", "if (x)", "- return 1;", "+ return 2;", "g();", "}")
    assert found[1].lines == ("h();", "+ j();", "k();", "}")
    assert (found[0].old_count, found[0].new_count) == (7, 7)


def test_removed_blank_line_is_no_footer(tmp_path: Path) -> None:
    text = damaged(CLEAN).replace("- return 1;\n", "-\n- return 1;\n").replace("int a;\n\n", "int a;\n")
    text = (
        text.replace("@@ -10,7", "@@ -10,8")
        .replace("+ j();", "-\n+ j();")
        .replace("k();\n}\n\n", "k();\n}\n")
    )
    text = text.replace("@@ -30,4", "@@ -30,5")
    found = hunks(one(tmp_path, text + FOOTER))
    assert found[0].lines == ("int a;", "if (x)", "-", "- return 1;", "+ return 2;", "g();", "}", "")
    assert found[1].lines == ("h();", "-", "+ j();", "k();", "}", "")


def test_hunk_header_damaged(tmp_path: Path) -> None:
    text = damaged(CLEAN).replace("@@ -10,7 +10,7 @@ int", "@@ -10,7 -10,7 @@int")
    found = hunks(one(tmp_path, text))
    assert (found[0].old_start, found[0].new_start, found[0].section) == (10, 10, "int f(void)")
    assert len(found) == 2


def test_quoted(tmp_path: Path) -> None:
    text = damaged(CLEAN)
    start = text.index("---\nmm")
    for mark in ("> ", ">", "| "):
        quoted = "".join(f"{mark}{line}\n" for line in text[start:].rstrip().split("\n"))
        patch = one(tmp_path, text[:start] + quoted.replace(f"{mark}@@ -30", f"I say.\n{mark}@@ -30"))
        assert hunks(patch)[0].lines[:4] == ("int a;", "", "if (x)", "- return 1;")
        assert hunks(patch)[1].lines[:3] == ("h();", "+ j();", "k();")


def test_saved_as_html(tmp_path: Path) -> None:
    clean = CLEAN.replace("\treturn  2;", "\treturn a->b < &c;")
    nav = "<title>Archive: [PATCH]</title><ul><li><a href=x>Next message: [PATCH] y</a></ul>"
    head, _, rest = html.escape(damaged(clean)).partition("\n")
    page = f"<!DOCTYPE html>\n<html>{nav}<body><h1>{head}</h1><pre>{rest}</pre></body></html>"
    series = read(tmp_path, page, "page.html")
    assert hunks(series.patches[0])[0].lines[4] == "+ return a->b < &c;"
    assert "patch 3: text taken out of an HTML page" in series.notes
    source = html.escape(damaged(clean), quote=False)
    series = read(tmp_path, source, "source.txt")
    assert hunks(series.patches[0])[0].lines[4] == "+ return a->b < &c;"
    assert "patch 3: HTML entities undone" in series.notes


def test_no_break_spaces_and_crlf(tmp_path: Path) -> None:
    text = damaged(CLEAN).replace("\nint a;", "\n\u00a0int\u00a0a;").replace("\n", "\r\n")
    found = hunks(one(tmp_path, text))
    assert found[0].lines[:4] == ("int a;", "", "if (x)", "- return 1;")


WHOLE = """\
[PATCH] mm: x

From: A <a@b.c>
Date: Wed Aug 20 2008 - 05:58:53 EST

Why.
---
--- a/mm/x.c
+++ b/mm/x.c
@@ -1,5 +1,6 @@
 {
 \tint a;
-\tif (a < b && c->d)
+\tif (a < b || c->d)
+\t\tx("y  z");
 \tg();
 }
@@ -30,3 +31,4 @@
 \ta();
+\tz();
 \tb();
 }
"""


def whole(series: Series) -> bool:
    """What is read of WHOLE, byte for byte."""
    (patch,) = series.patches
    return patch.diff.decode() == "diff --git a/mm/x.c b/mm/x.c\n" + WHOLE[WHOLE.index("--- a/") :]


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u2060"])
def test_zero_width_characters(tmp_path: Path, mark: str) -> None:
    note = "patch 1: zero-width characters taken away"
    for before in ("@@ -30", "--- a/", "-\tif", " \tint a"):
        series = read(tmp_path, WHOLE.replace(before, f"{mark}{before}"))
        assert whole(series), before
        assert series.notes == (note,)
    sent = "Content-Type: text/plain; charset=utf-8\nSubject: [PATCH] x\n\n" + WHOLE
    assert whole(read(tmp_path, sent.replace("\n@@ -30", f"\n{mark}@@ -30")))
    kept = read(tmp_path, sent.replace("y  z", f"y{mark}z"))
    assert f'"y{mark}z"'.encode() in kept.patches[0].diff
    assert kept.notes == ("patch 1: zero-width characters are in it, and kept",)
    removed = read(tmp_path, WHOLE.replace("-\tif", f"-{mark}\tif"))
    assert f"-{mark}\tif".encode() in removed.patches[0].diff
    assert read(tmp_path, WHOLE.replace("Why.", f"Wh{mark}y.")).notes == ()


def test_no_break_spaces_in_the_indentation(tmp_path: Path) -> None:
    series = read(tmp_path, WHOLE.replace("+\t\tx", "+ \u00a0x"))
    assert b"+  x" in series.patches[0].diff
    assert series.notes == ("patch 1: no-break spaces read as blanks",)
    series = read(tmp_path, WHOLE.replace("y  z", "y\u00a0z"))
    assert "y\u00a0z".encode() in series.patches[0].diff
    assert series.notes == ()


def test_entities(tmp_path: Path) -> None:
    head, diff = WHOLE[: WHOLE.index("--- a/")], WHOLE[WHOLE.index("--- a/") :]
    for escaped in (html.escape(diff), html.escape(diff, quote=False).replace("&gt;", ">")):
        series = read(tmp_path, head + escaped)
        assert whole(series)
        assert series.notes == ("patch 1: HTML entities undone",)
    for kept in (WHOLE.replace("y  z", "&lt;"), WHOLE.replace("a < b", "a").replace("y  z", "&lt;")):
        assert b"&lt;" in read(tmp_path, kept).patches[0].diff


@pytest.mark.parametrize(
    "page",
    [
        "".join(f"<div>{html.escape(line) or '<br>'}</div>" for line in WHOLE.split("\n")),
        "\n".join(f"<div>{html.escape(line) or '<br>'}</div>" for line in WHOLE.split("\n")),
        "<table>"
        + "".join(f"<tr><td>{html.escape(line)}</td></tr>\n" for line in WHOLE.split("\n"))
        + "</table>",
        html.escape(WHOLE).replace("\n", "<br>\n"),
        html.escape(WHOLE).replace("\n", "<br/>"),
    ],
)
def test_pages_that_make_a_line_by_something_else_than_pre(tmp_path: Path, page: str) -> None:
    series = read(tmp_path, f"<html><body>{page}</body></html>", "page.html")
    assert whole(series)
    assert (series.patches[0].author, series.patches[0].description) == ("A <a@b.c>", "Why.")


def test_indentation_alone_lost(tmp_path: Path) -> None:
    text = "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1,4 +1,4 @@\n a();\n- b();\n+ c();\n d();\n e();\n"
    series = read(tmp_path, text)
    assert hunks(series.patches[0])[0].lines == ("a();", "- b();", "+ c();", "d();", "e();")
    assert series.notes == ("patch 1: runs of blanks and tabs were made one blank",)
    (docs,) = read(tmp_path, text.replace("x.c", "x.txt")).patches
    assert docs.damaged == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("@@ -10,7 +10,7 @@", "@@ -x,7 +10,7 @@", "is no|changes nothing|cannot be read|before any"),
        ("--- a/mm/x.c\n+++ b/mm/x.c\n", "", "no diff in it|before any"),
        ("a/mm/x.c", "a/../x.c", "outside the tree"),
        ("+++ b/mm/x.c", "+++ b/mm/y.c", "are two files"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        read(tmp_path, damaged(CLEAN).replace(old, new))
    assert "\n" not in str(caught.value)


def test_truncated_and_miscounted_patches_with_their_markers_stay_errors(tmp_path: Path) -> None:
    whole = "--- a/x.c\n+++ b/x.c\n@@ -1,4 +1,4 @@\n a\n-b\n+c\n d\n"
    for text in (whole, whole + "-- \nTo unsubscribe from this list: send\n", whole.replace(" d", "d")):
        with pytest.raises(UserError, match="malformed"):
            read(tmp_path, text, "x.patch")


LINE = st.text(alphabet="ab();{}", min_size=1, max_size=8)
ROW = st.tuples(st.sampled_from(" +-"), st.integers(0, 3), LINE)


@given(st.lists(st.lists(ROW, min_size=2, max_size=8), min_size=1, max_size=4))
@settings(derandomize=True, max_examples=50, deadline=None)
def test_damage_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, made: list[list[tuple[str, int, str]]]
) -> None:
    text = "[PATCH] x\n\nWhy.\n\n--- a/mm/x.c\n+++ b/mm/x.c\n"
    wanted: list[tuple[str, ...]] = []
    for rows in made:
        body = [(" ", 1, "int a;"), *rows, ("+", 1, "x;"), (" ", 0, "}")]
        old, new = (sum(mark != other for mark, _, _ in body) for other in "+-")
        lines = [f"{mark}{chr(9) * depth}{line}" for mark, depth, line in body]
        text += f"@@ -1,{old} +1,{new} @@\n" + "".join(f"{line}\n" for line in lines)
        wanted.append(tuple(damaged(line) for line in lines))
    path = tmp_path_factory.mktemp("a") / "x.txt"
    path.write_text(damaged(text) + FOOTER)
    (patch,) = read_series(path).patches
    assert [hunk.lines for hunk in hunks(patch)] == wanted
