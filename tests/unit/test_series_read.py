# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

import os
import re
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.series import files
from harness.series.model import Series
from harness.series.read import read_series

HUNK = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
DIFF = f"--- a/mm/x.c\n+++ b/mm/x.c\n{HUNK}"
NORMAL = f"diff --git a/mm/x.c b/mm/x.c\n--- a/mm/x.c\n+++ b/mm/x.c\n{HUNK}".encode()
FROM = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"


def mail(subject: str, diff: str = DIFF, ident: str = "", more: str = "") -> str:
    return (
        f"From: A B <a@b.c>\nMessage-ID: <{ident or subject.replace(' ', '')}@x>\nSubject: {subject}\n"
        f"Date: Wed, 20 Aug 2008 18:53:06 +0900\n{more}\nText.\n\nFrom what I see it works.\n---\n"
        f" mm/x.c | 2 +-\n\n{diff}-- \n2.39.5\n\n"
    )


def box(*mails: str) -> str:
    return "".join(FROM + text for text in mails)


def given(tmp_path: Path, text: str | bytes, name: str = "s.mbox") -> Series:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_series(path)


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_series(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    assert "; " in message
    return message


def refused_text(tmp_path: Path, text: str | bytes, name: str = "s.patch") -> str:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return refused(path)


def test_bare_diff(tmp_path: Path) -> None:
    series = given(tmp_path, DIFF, "fix.diff")
    (patch,) = series.patches
    assert (series.name, series.version, patch.number, patch.total, patch.subject) == ("fix", 1, 1, 1, "fix")
    assert patch.diff == NORMAL
    (change,) = patch.files
    assert (change.path, change.old_path, change.kind) == ("mm/x.c", "mm/x.c", "modified")
    assert (change.added, change.removed, change.hunks) == (1, 1, 1)


def test_mailbox_is_ordered_and_what_is_missing_is_said(tmp_path: Path) -> None:
    text = box(
        mail("[PATCH v2 4/4] four"),
        mail("[PATCH v2 0/4] cover", ""),
        mail("Re: [PATCH v2 1/4] one", "> --- a/mm/x.c\nNo.\n"),
        mail("[PATCH v2 1/4] one"),
        mail("[PATCH v2 2/4] two"),
        mail("[PATCH 1/4] an older one"),
        mail("[PATCH v2 2/4] two"),
    )
    series = given(tmp_path, text)
    assert [(p.number, p.total, p.subject) for p in series.patches] == [
        (1, 4, "one"),
        (2, 4, "two"),
        (4, 4, "four"),
    ]
    assert series.version == 2
    assert series.missing == (3,)
    assert series.patches[0].message_id == "[PATCHv21/4]one@x"
    assert series.patches[0].author == "A B <a@b.c>"
    assert series.patches[0].diff == NORMAL
    assert series.patches[0].origin.endswith("s.mbox, message 4")


def test_mailbox_without_numbers_keeps_its_order(tmp_path: Path) -> None:
    series = given(tmp_path, box(mail("[PATCH] z"), mail("[PATCH] a")))
    assert [(p.number, p.total, p.subject) for p in series.patches] == [(1, 2, "z"), (2, 2, "a")]


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (mail("[PATCH] b"), "no n/m"),
        (mail("[PATCH 1/2] b"), "and so is"),
        (mail("[PATCH 2/3] b"), "2/3 among patches n/2"),
        (mail("[PATCH 2/2] b", ""), "no diff in it"),
    ],
)
def test_mailbox_in_muddle_is_refused(tmp_path: Path, second: str, says: str) -> None:
    assert says in refused_text(tmp_path, box(mail("[PATCH 1/2] a"), second), "s.mbox")


def test_encodings_are_undone(tmp_path: Path) -> None:
    for encoding in ("quoted-printable", "base64"):
        message = EmailMessage()
        message["Subject"] = "[PATCH 1/1] mm: Größe"
        message["From"] = "Jörg <j@x.y>"
        message["Message-ID"] = "<m@x>"
        body = f"From: Émile <e@x>\n\nText = \n\n{DIFF.replace('+B', '+B = é ' + 'x' * 90)}-- \nme\n"
        message.set_content(body, cte=encoding, charset="iso-8859-1")
        (patch,) = given(tmp_path, bytes(message), "m.eml").patches
        assert patch.subject == "mm: Größe"
        assert patch.author == "Émile <e@x>"
        assert f"+B = é {'x' * 90}\n".encode() in patch.diff


def test_attached_patch_is_found(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "[PATCH] x"
    message.set_content("See the attachment.\n")
    message.add_attachment(DIFF, subtype="x-patch", filename="x.patch")
    (patch,) = given(tmp_path, bytes(message), "m.eml").patches
    assert patch.diff == NORMAL


def test_bytes_that_are_no_utf8_stay(tmp_path: Path) -> None:
    raw = DIFF.encode().replace(b"+B", b"+\xe9\xff\x0c")
    assert b"+\xe9\xff\x0c\n" in given(tmp_path, raw, "x.patch").patches[0].diff


def test_crlf_of_the_transport_goes_and_that_of_a_file_stays(tmp_path: Path) -> None:
    assert given(tmp_path, DIFF.replace("\n", "\r\n"), "x.patch").patches[0].diff == NORMAL
    kept = DIFF.replace("+B\n", "+B\r\n")
    assert b"+B\r\n" in given(tmp_path, kept, "x.patch").patches[0].diff


def test_format_patch_directory_from_git_itself(tmp_path: Path) -> None:
    repository, out = tmp_path / "r", tmp_path / "out"
    repository.mkdir()

    def git(*words: str) -> None:
        config = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=m")
        subprocess.run(["git", *config, *words], cwd=repository, check=True, capture_output=True)

    git("init")
    (repository / "x.c").write_text("a\nb\nc\n")
    git("add", ".")
    git("commit", "-m", "base")
    for number in range(1, 12):
        (repository / "x.c").write_text(f"a\nb{number}\nc\n")
        (repository / f"n{number}.c").write_text("new\n")
        git("add", ".")
        git("commit", "-m", f"step {number}")
    git("mv", "x.c", "y.c")
    (repository / "n1.c").unlink()
    (repository / "n2.c").chmod(0o755)
    git("commit", "-a", "-m", "move")
    git("format-patch", "--cover-letter", "-v3", "-o", str(out), "HEAD~12")
    series = read_series(out)
    assert [p.subject for p in series.patches] == [*(f"step {n}" for n in range(1, 12)), "move"]
    assert (series.version, series.missing, series.name) == (3, (), "out")
    assert [(c.kind, c.old_path, c.path) for c in series.patches[-1].files] == [
        ("deleted", "n1.c", "n1.c"),
        ("modified", "n2.c", "n2.c"),
        ("renamed", "x.c", "y.c"),
    ]
    assert b"old mode 100644\nnew mode 100755\n" in series.patches[-1].diff
    assert series.patches[0].files[0].kind == "added"


def test_quilt_directory(tmp_path: Path) -> None:
    (tmp_path / "series").write_text("# first\nb.patch\n\n  a.patch -p2 # why\n#NEXT\n")
    (tmp_path / "a.patch").write_text(DIFF.replace("a/mm", "z/a/mm").replace("b/mm", "z/b/mm"))
    (tmp_path / "b.patch").write_text(f"From: C D <c@d>\nSubject: the b\n\nWords.\n\n{DIFF}")
    (tmp_path / "unused.patch").write_text("nothing")
    series = read_series(tmp_path)
    assert [(p.number, p.total, p.subject) for p in series.patches] == [(1, 2, "the b"), (2, 2, "a")]
    assert [p.files[0].path for p in series.patches] == ["mm/x.c", "mm/x.c"]
    assert series.patches[0].author == "C D <c@d>"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("gone.patch", ":2: patch 'gone.patch' is not there"),
        ("a.patch -R", ":2: '-R' (applied in reverse) cannot be"),
        ("../a.patch", ":2: '../a.patch' lies outside"),
    ],
)
def test_quilt_lines_that_cannot_be_used(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "a.patch").write_text(DIFF)
    (tmp_path / "series").write_text(f"a.patch\n{line}\n")
    assert says in refused(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("mmtom-2.6.27-rc3+.orig/mm/memcontrol.c", "mmtom-2.6.27-rc3+/mm/memcontrol.c", "mm/memcontrol.c"),
        ("a/mm/x.c~memcg-fix", "a/mm/x.c", "mm/x.c"),
        ("mm/x.c", "mm/x.c", "mm/x.c"),
        ("mm/x.c.orig", "mm/x.c", "mm/x.c"),
        ("linux/mm/x.c", "linux/mm/x.c", "mm/x.c"),
        ("linux.orig/Makefile", "linux/Makefile", "Makefile"),
        ("a/mm/x.c\t2008-08-20 18:53:06.000000000 +0900", "b/mm/x.c\t2008-08-20 18:53:07", "mm/x.c"),
        ("a/mm/x.c 2008-08-20 18:53:06.000000000 +0900", "b/mm/x.c Wed Aug 20 18:53:07 2008", "mm/x.c"),
    ],
)
def test_strip_level_is_found(tmp_path: Path, old: str, new: str, path: str) -> None:
    text = f"Index: {new}\n{'=' * 67}\n--- {old}\n+++ {new}\n{HUNK}"
    (patch,) = given(tmp_path, text, "x.patch").patches
    assert [(c.path, c.kind) for c in patch.files] == [(path, "modified")]
    assert patch.diff == NORMAL.replace(b"mm/x.c", path.encode())


def test_strip_level_of_a_new_file_is_that_of_the_rest(tmp_path: Path) -> None:
    text = f"--- l.orig/mm/x.c\n+++ l/mm/x.c\n{HUNK}--- /dev/null\n+++ l/tests/n.c\n@@ -0,0 +1 @@\n+n\n"
    (patch,) = given(tmp_path, text, "x.patch").patches
    assert [(c.path, c.kind) for c in patch.files] == [("mm/x.c", "modified"), ("tests/n.c", "added")]
    assert b"new file mode 100644\n--- /dev/null\n+++ b/tests/n.c\n" in patch.diff


def test_deletion_by_epoch(tmp_path: Path) -> None:
    text = "--- a/mm/x.c\t2008-08-20 18:53:06\n+++ b/mm/x.c\t1970-01-01 00:00:00\n@@ -1 +0,0 @@\n-x\n"
    (patch,) = given(tmp_path, text, "x.patch").patches
    assert patch.files[0].kind == "deleted"
    assert b"deleted file mode 100644\n--- a/mm/x.c\n+++ /dev/null\n" in patch.diff


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../etc/passwd", "outside the tree"),
        ("mm/../../x", "outside the tree"),
        ("/etc/passwd", "outside the tree"),
        (".git/hooks/x", "git's own"),
        ("mm/.GIT/x", "git's own"),
        ("mm//x", "not the name of a file"),
        ("mm/x\x07", "control characters"),
        ("mm/" + "x" * 300, "too long"),
    ],
)
def test_paths_that_leave_the_tree_are_refused(tmp_path: Path, path: str, says: str) -> None:
    prefix = ("", "") if path.startswith("/") else ("a/", "b/")
    message = refused_text(tmp_path, f"--- {prefix[0]}{path}\n+++ {prefix[1]}{path}\n{HUNK}")
    assert says in message
    assert message.isprintable()
    rename = f"diff --git a/x b/y\nrename from mm/x.c\nrename to {path}\n"
    assert says in refused_text(tmp_path, rename)


def test_header_that_hides_the_path_in_quotes_is_refused(tmp_path: Path) -> None:
    octal = '"b/\\056\\056/x"'
    assert "outside the tree" in refused_text(tmp_path, f'--- "a/\\056\\056/x"\n+++ {octal}\n{HUNK}')


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    text = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n"
    assert "symbolic link" in refused_text(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\0\1\2", "binary"),
        ("just words\n", "no diff in it"),
        (mail("[PATCH] x", "none\n"), "no diff in it"),
        (f"x\n{DIFF}".replace("@@ -1,3", "@@ -1,4"), ":8: malformed diff: hunk is shorter"),
        (DIFF.replace("@@ -1,3 +1,3", "@@ -1,2 +1,2"), ":7: malformed diff: the hunk goes on"),
        (DIFF.replace("-b\n", "*b\n"), ":5: malformed diff: hunk diff line expected"),
        ("--- a/x\n+++ b/x\n", ":2: malformed diff: a file header without hunks"),
        (f"--- a/mm/x.c\n+++ b/mm/y.c\n{HUNK}", "are two files"),
        ("diff --git a/l.gz b/l.gz\nindex 1..2 100644\nGIT binary patch\nliteral 3\n", "binary file, 'l.gz'"),
        ("diff -ur a/l.gz b/l.gz\nBinary files a/l.gz and b/l.gz differ\n", ":2: changes a binary file"),
        (f"diff --cc mm/x.c\n{DIFF}", ":1: combined diff"),
        (f"--- a/x\n+++ b/x\n@@ -{'9' * 5000},1 +1 @@\n", "malformed diff"),
        (f"--- a/x\n+++ b/x\n@@ -1,{'9' * 5000} +1 @@\n", "malformed diff"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refused_text(tmp_path, text)


def test_line_in_a_mailbox(tmp_path: Path) -> None:
    text = box(mail("[PATCH 1/2] a"), mail("[PATCH 2/2] b", DIFF.replace("@@ -1,3", "@@ -1,2")))
    where = text[: text.rindex(" c\n")].count("\n") + 1
    assert re.search(rf"s\.mbox:{where}: malformed", refused_text(tmp_path, text, "s.mbox"))


def test_description_that_looks_like_a_diff(tmp_path: Path) -> None:
    prose = "Was:\n--- a remark\n@@ -1 +1 @@\n-- \n"
    (patch,) = given(tmp_path, prose + DIFF, "x.patch").patches
    assert patch.diff == NORMAL


def test_no_newline_at_the_end(tmp_path: Path) -> None:
    text = DIFF.replace(" c\n", "-c\n\\ No newline at end of file\n+c\n")
    (patch,) = given(tmp_path, text, "x.patch").patches
    assert b"-c\n\\ No newline at end of file\n+c\n" in patch.diff


def test_not_there_directory_without_patches_and_special_files(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none")
    assert "no patch in it" in refused(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    assert "not a regular file" in refused(tmp_path / "fifo")
    (tmp_path / "0001-a.patch").write_text("words\n")
    assert "no diff in it" in refused_text(tmp_path, "words\n", "0001-a.patch")
    with pytest.raises(UserError, match=r"0001-a\.patch: no diff"):
        read_series(tmp_path)


def test_too_large(tmp_path: Path) -> None:
    with (tmp_path / "big.patch").open("wb") as stream:
        stream.truncate(files.LIMIT + 1)
    assert "more than" in refused(tmp_path / "big.patch") or "over the" in refused(tmp_path / "big.patch")
    with pytest.raises(UserError, match="64 MiB"):
        read_series(tmp_path)
