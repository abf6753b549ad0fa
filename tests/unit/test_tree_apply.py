# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from harness.deadline import Deadline
from harness.errors import UserError
from harness.series.model import DamagedFile, DamagedHunk, Series
from harness.series.read import read_series
from harness.tree.apply import apply_series, require_whole
from harness.tree.model import Applied, Tree, Version
from harness.tree.overlay import overlay_hash

BASE = "".join(f"line {n}\n" for n in range(1, 41)).encode()


def series_of(tmp_path: Path, *diffs: str) -> Series:
    directory = tmp_path / "series.d"
    directory.mkdir(exist_ok=True)
    for number, diff in enumerate(diffs, 1):
        (directory / f"{number}.patch").write_text(diff)
    return read_series(directory)


def applied(tmp_path: Path, files: dict[str, bytes], *diffs: str) -> Applied:
    series = series_of(tmp_path, *diffs)
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    result = apply_series(series, files.get, scratch=scratch, deadline=Deadline.after(30))
    assert list(scratch.iterdir()) == []
    return result


def change(number: int, to: str, at: int = 0, path: str = "mm/x.c") -> str:
    """A diff that changes line *number*, and says that it stands at *at*."""
    start = (at or number) - 3
    context = [f" line {n}\n" for n in range(number - 3, number + 4)]
    context[3] = f"-line {number}\n+{to}\n"
    return f"--- a/{path}\n+++ b/{path}\n@@ -{start},7 +{start},7 @@\n{''.join(context)}"


def toy(name: str = "toy") -> Tree:
    version = Version(6, 1, 0, text="6.1.0")
    return Tree(
        name=name, version=version, origin="x", kind="directory", fingerprint="", source=Path("/none")
    )


def test_prefixes_grow_patch_by_patch(tmp_path: Path) -> None:
    result = applied(tmp_path, {"mm/x.c": BASE}, change(10, "ten"), change(30, "thirty"))
    assert [(p.status, [h.status for h in p.hunks]) for p in result.landings] == [("applied", ["clean"])] * 2
    first = BASE.replace(b"line 10\n", b"ten\n")
    assert result.prefixes == ({}, {"mm/x.c": first}, {"mm/x.c": first.replace(b"line 30\n", b"thirty\n")})


def test_prefix_that_is_pristine_again_is_empty(tmp_path: Path) -> None:
    there = change(10, "ten")
    back = there.replace("-line 10\n+ten\n", "-ten\n+line 10\n")
    result = applied(tmp_path, {"mm/x.c": BASE}, there, back)
    assert result.prefixes[2] == {}


def test_offset_is_told(tmp_path: Path) -> None:
    result = applied(tmp_path, {"mm/x.c": BASE}, change(20, "twenty", at=15))
    (hunk,) = result.landings[0].hunks
    assert (hunk.status, hunk.offset, hunk.hunk, hunk.file) == ("offset", 5, 1, "mm/x.c")
    assert result.prefixes[1] == {"mm/x.c": BASE.replace(b"line 20\n", b"twenty\n")}


def test_ambiguous_hunk_is_refused_though_git_would_take_it(tmp_path: Path) -> None:
    block = b"{\n\ta();\n\tb();\n\tc();\n}\n\n"
    files = {"mm/x.c": b"top\n" + block * 3 + b"end\n"}
    diff = "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -{0},5 +{0},5 @@\n {{\n \ta();\n-\tb();\n+\tB();\n \tc();\n }}\n"
    result = applied(tmp_path, files, diff.format(9))
    (hunk,) = result.landings[0].hunks
    assert hunk.status == "rejected"
    assert hunk.reason.endswith("lines 2, 8, 14")
    assert result.prefixes == ({},)
    exact = applied(tmp_path, files, diff.format(8))
    assert exact.landings[0].hunks[0].status == "clean"
    assert exact.prefixes[1]["mm/x.c"] == b"top\n" + block + block.replace(b"b", b"B") + block + b"end\n"


def test_patch_that_does_not_apply_says_why_and_the_rest_is_tried(tmp_path: Path) -> None:
    files = {"mm/x.c": BASE.replace(b"line 21\n", b"lime\x1b 21\n")}
    result = applied(tmp_path, files, change(10, "ten"), change(20, "x", at=15), change(30, "y"))
    assert [(p.status, p.provisional) for p in result.landings] == [
        ("applied", False),
        ("conflict", False),
        ("applied", True),
    ]
    assert len(result.prefixes) == 2
    assert not result.whole
    series = read_series(tmp_path / "series.d")
    with pytest.raises(UserError) as caught:
        require_whole(result, series, toy())
    assert str(caught.value) == (
        f"{tmp_path / 'series.d'}: patch 2/3 '2' does not apply to toy 6.1.0: mm/x.c hunk 1 (line 12): "
        "conflict at lines 20 to 21: the patch expected 'line 21', the file has "
        r"'lime\x1b 21' at line 21; nothing was changed"
    )


def test_whole_series_is_not_complained_of(tmp_path: Path) -> None:
    result = applied(tmp_path, {"mm/x.c": BASE}, change(10, "ten"))
    require_whole(result, read_series(tmp_path / "series.d"), toy())


@pytest.mark.parametrize(
    ("files", "diff", "reason"),
    [
        ({}, change(10, "ten"), "is not in the tree"),
        (
            {"mm/x.c": BASE.replace(b"line 10\n", b"ten\n")},
            change(10, "ten"),
            "in the tree already, at line 7",
        ),
        ({"mm/x.c": b"other\n"}, change(10, "ten"), "found nothing like it"),
        ({"mm/x.c": b"x\n"}, "--- /dev/null\n+++ b/mm/x.c\n@@ -0,0 +1 @@\n+n\n", "is in the tree already"),
        ({"mm/x.c": b"x\ny\n"}, "--- a/mm/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", "must be at"),
        ({"mm/x.c": BASE[:49]}, change(7, "x"), "found the end of the file"),
        ({"mm/x.c": BASE[:48]}, change(7, "x"), "'line 7', found 'line 7' without a line end at line 7"),
        ({"mm/x.c": BASE}, "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -5,0 +6 @@\n+n\n", "without context"),
    ],
)
def test_reasons(tmp_path: Path, files: dict[str, bytes], diff: str, reason: str) -> None:
    result = applied(tmp_path, files, diff)
    (hunk,) = result.landings[0].hunks
    assert hunk.status == "rejected"
    assert reason in hunk.reason


def test_added_deleted_renamed_mode_and_copy(tmp_path: Path) -> None:
    diff = (
        "diff --git a/mm/n.c b/mm/n.c\nnew file mode 100755\n--- /dev/null\n+++ b/mm/n.c\n@@ -0,0 +1 @@\n+n\n"
        "diff --git a/mm/e.c b/mm/e.c\nnew file mode 100644\nindex 0000000..e69de29\n"
        "diff --git a/mm/d.c b/mm/d.c\ndeleted file mode 100644\n"
        "--- a/mm/d.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-d\n"
        "diff --git a/mm/m.sh b/mm/m.sh\nold mode 100644\nnew mode 100755\n"
        "diff --git a/mm/o.c b/mm/p.c\nsimilarity index 50%\nrename from mm/o.c\nrename to mm/p.c\n"
        "--- a/mm/o.c\n+++ b/mm/p.c\n@@ -1,2 +1,2 @@\n o\n-o\n+p\n"
        "diff --git a/mm/c.c b/mm/c2.c\nsimilarity index 100%\ncopy from mm/c.c\ncopy to mm/c2.c\n"
    )
    files = {"mm/d.c": b"d\n", "mm/m.sh": b"m\n", "mm/o.c": b"o\no\n", "mm/c.c": b"c\n"}
    result = applied(tmp_path, files, diff)
    assert result.landings[0].status == "applied"
    assert result.prefixes[1] == {
        "mm/n.c": b"n\n",
        "mm/e.c": b"",
        "mm/d.c": None,
        "mm/o.c": None,
        "mm/p.c": b"o\np\n",
        "mm/c2.c": b"c\n",
    }


SOURCE = "".join(
    f"static int f{n}(struct pool *pool)\n{{\n\tint left{n} = pool->count;\n\n\tlock_{n}(pool);\n"
    f"\tcount_{n}(pool);\n\tunlock_{n}(pool);\n\treturn left{n};\n}}\n\n"
    for n in range(1, 6)
).encode()


def inner(n: int = 3) -> str:
    """One change to one function, as it stands in SOURCE."""
    start = (n - 1) * 10 + 3
    return (
        f"--- a/mm/x.c\n+++ b/mm/x.c\n@@ -{start},7 +{start},8 @@ static int f{n}(struct pool *pool)\n"
        f" \tint left{n} = pool->count;\n \n \tlock_{n}(pool);\n-\tcount_{n}(pool);\n+\tcount_twice(pool);\n"
        f"+\tnote(pool);\n \tunlock_{n}(pool);\n \treturn left{n};\n }}\n"
    )


def test_merge_is_checked_by_git_and_stands_beside_exact_hunks_of_other_files(tmp_path: Path) -> None:
    tree = SOURCE.replace(b"\tint left3", b"\tunsigned int left3").replace(
        b"static int f1", b"\n\nstatic int f1"
    )
    result = applied(tmp_path, {"mm/x.c": tree, "mm/y.c": BASE}, inner() + change(10, "ten", path="mm/y.c"))
    assert [(h.status, h.offset) for h in result.landings[0].hunks] == [("fuzz", 2), ("clean", 0)]
    assert result.whole
    wanted = tree.replace(b"\tcount_3(pool);\n", b"\tcount_twice(pool);\n\tnote(pool);\n")
    assert result.prefixes[1]["mm/x.c"] == wanted


def test_what_git_does_not_merge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tree.gitcheck._merges", lambda *_: False)
    tree = SOURCE.replace(b"\tint left3", b"\tunsigned int left3")
    result = applied(tmp_path, {"mm/x.c": tree}, inner())
    assert not result.whole
    assert "git merge-file" in result.landings[0].hunks[-1].reason
    assert result.prefixes == ({},)


def test_conflict_takes_the_patchs_side_for_what_follows(tmp_path: Path) -> None:
    tree = SOURCE.replace(b"\tcount_3(pool);\n", b"\tcount_3(pool, 1);\n")
    later = inner().replace("count_3", "count_twice2").replace("count_twice(", "count_thrice(")
    first = (
        inner()
        .replace("count_twice(", "count_twice2(")
        .replace("+\tnote(pool);\n", "")
        .replace(",8 @@", ",7 @@")
    )
    result = applied(tmp_path, {"mm/x.c": tree}, first, later)
    one, two = result.landings
    assert (one.status, one.provisional, two.status, two.provisional) == ("conflict", False, "applied", True)
    (conflict,) = one.hunks[0].conflicts
    assert conflict.ours == ("\tcount_3(pool, 1);",)
    assert conflict.base == ("\tcount_3(pool);",)
    assert conflict.theirs == ("\tcount_twice2(pool);",)
    assert result.prefixes == ({},)
    assert not result.whole


def test_one_file_twice_in_a_patch(tmp_path: Path) -> None:
    tree = SOURCE.replace(b"\tint left3", b"\tunsigned int left3")
    result = applied(tmp_path, {"mm/x.c": tree}, inner(3) + inner(5))
    assert result.whole
    assert (result.prefixes[1]["mm/x.c"] or b"").count(b"count_twice") == 2


def test_place_that_git_would_not_take_by_itself_is_given_to_it(tmp_path: Path) -> None:
    body = b"{\n\tlock(pool);\n\tcount(pool);\n\tunlock(pool);\n}\n\n"
    tree = b"int one(void)\n" + body + b"int two(void)\n" + body
    diff = (
        "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -2,5 +2,5 @@ int two(void)\n {\n \tlock(pool);\n"
        "-\tcount(pool);\n+\tadd(pool);\n \tunlock(pool);\n }\n"
    )
    result = applied(tmp_path, {"mm/x.c": tree}, diff)
    assert [(h.status, h.line) for h in result.landings[0].hunks] == [("offset", 9)]
    assert (result.prefixes[1]["mm/x.c"] or b"").index(b"add") > tree.index(b"two")


def test_index_line_makes_the_header_believed(tmp_path: Path) -> None:
    body = b"{\n\tlock(pool);\n\tcount(pool);\n\tunlock(pool);\n}\n\n"
    tree = b"int one(void)\n" + body + b"int two(void)\n" + body
    (tmp_path / "blob").write_bytes(tree)
    said = subprocess.run(
        ["git", "hash-object", "blob"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    diff = (
        f"diff --git a/mm/x.c b/mm/x.c\nindex {said.stdout[:12]}..1234567 100644\n"
        "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -2,5 +2,5 @@ int two(void)\n {\n \tlock(pool);\n"
        "-\tcount(pool);\n+\tadd(pool);\n \tunlock(pool);\n }\n"
    )
    result = applied(tmp_path, {"mm/x.c": tree}, diff)
    assert [(h.status, h.line) for h in result.landings[0].hunks] == [("clean", 2)]


def test_hunk_of_the_first_lines_where_others_were_put_before_them(tmp_path: Path) -> None:
    diff = "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1,5 +1,5 @@\n line 1\n-line 2\n+two\n line 3\n line 4\n line 5\n"
    result = applied(tmp_path, {"mm/x.c": b"// licence\n" + BASE}, diff)
    assert [(h.status, h.offset) for h in result.landings[0].hunks] == [("offset", 1)]
    assert result.prefixes[1]["mm/x.c"] == b"// licence\n" + BASE.replace(b"line 2\n", b"two\n")


def test_damaged_patch_is_repaired_and_then_put_on(tmp_path: Path) -> None:
    whole = series_of(tmp_path, change(10, "ten"), inner().replace("mm/x.c", "mm/y.c"), change(30, "thirty"))
    lines = (
        *("int left3 = pool->count;", "", "lock_3(pool);", "- count_3(pool);", "+ count_twice(pool);"),
        *("+ note(pool);", "unlock_3(pool);", "return left3;", "}"),
    )
    lost = DamagedHunk(
        old_start=23, old_count=7, new_start=23, new_count=8,
        section="static int f3(struct pool *pool)", lines=lines, place=0,
    )  # fmt: skip
    file = DamagedFile(path="mm/y.c", kind="modified", hunks=(lost,))
    damaged = msgspec.structs.replace(whole.patches[1], diff=b"", damaged=(file,))
    files = {"mm/x.c": BASE, "mm/y.c": SOURCE}
    patches = (whole.patches[0], damaged, whole.patches[2])
    series = msgspec.structs.replace(whole, patches=patches)
    result = apply_series(series, files.get, scratch=tmp_path, deadline=Deadline.after(30))
    assert [landing.status for landing in result.landings] == ["applied"] * 3
    assert [hunk.status for hunk in result.landings[1].hunks] == ["repaired"]
    assert result.prefixes[2]["mm/y.c"] == SOURCE.replace(
        b"\tcount_3(pool);\n", b"\tcount_twice(pool);\n\tnote(pool);\n"
    )
    assert result.repairs[0] is None
    assert result.repairs[1] is not None
    assert not result.patches[1].damaged
    assert result.patches[1].diff
    nowhere = apply_series(
        series, {**files, "mm/y.c": BASE}.get, scratch=tmp_path, deadline=Deadline.after(30)
    )
    assert [landing.status for landing in nowhere.landings] == ["applied", "rejected", "applied"]
    assert "white space was lost" in nowhere.landings[1].hunks[0].reason
    with pytest.raises(UserError, match="white space was lost"):
        require_whole(nowhere, series, toy())


def test_end_of_file_without_newline(tmp_path: Path) -> None:
    diff = "--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
    assert applied(tmp_path, {"mm/x.c": b"a\nb"}, diff).prefixes[1] == {"mm/x.c": b"a\nb\n"}


def test_2008_form_goes_on_a_2008_path(tmp_path: Path) -> None:
    old, new = "mmtom-2.6.27-rc3+.orig/mm/memcontrol.c", "mmtom-2.6.27-rc3+/mm/memcontrol.c"
    diff = change(10, "ten").replace("a/mm/x.c", old).replace("b/mm/x.c", new)
    assert list(applied(tmp_path, {"mm/memcontrol.c": BASE}, diff).prefixes[1]) == ["mm/memcontrol.c"]


def test_surrounding_repository_and_settings_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "gitconfig").write_text("[apply]\n\twhitespace = fix\n\tignoreWhitespace = change\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    result = applied(tmp_path, {"mm/x.c": BASE}, change(10, "ten  "))
    assert result.prefixes[1] == {"mm/x.c": BASE.replace(b"line 10\n", b"ten  \n")}
    assert not (tmp_path / "mm").exists()


def test_overlay_hash() -> None:
    one = overlay_hash({"a": b"1", "b": None})
    assert one == overlay_hash({"b": None, "a": b"1"})
    others: list[dict[str, bytes | None]] = [
        {},
        {"a": b"1"},
        {"a": b"1", "b": b""},
        {"a": None, "b": b"1"},
        {"a": b"1b", "b": None},
    ]
    assert len({one, *map(overlay_hash, others)}) == 6
    assert overlay_hash({}) == overlay_hash({})
