# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import UserError
from harness.series.model import Series
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


def test_patch_that_does_not_apply_says_why_and_stops_the_rest(tmp_path: Path) -> None:
    files = {"mm/x.c": BASE.replace(b"line 21\n", b"lime\x1b 21\n")}
    result = applied(tmp_path, files, change(10, "ten"), change(20, "x", at=15), change(30, "y"))
    assert [p.status for p in result.landings] == ["applied", "rejected", "not tried"]
    assert len(result.prefixes) == 2
    series = read_series(tmp_path / "series.d")
    with pytest.raises(UserError) as caught:
        require_whole(result, series, toy())
    assert str(caught.value) == (
        f"{tmp_path / 'series.d'}: patch 2/3 '2' does not apply to toy 6.1.0: mm/x.c hunk 1 (line 12): "
        r"expected 'line 21', found 'lime\x1b 21' at line 21; nothing was changed"
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
    others = [{}, {"a": b"1"}, {"a": b"1", "b": b""}, {"a": None, "b": b"1"}, {"a": b"1b", "b": None}]
    assert len({one, *map(overlay_hash, others)}) == 6
    assert overlay_hash({}) == overlay_hash({})
