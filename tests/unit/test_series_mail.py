# SPDX-License-Identifier: GPL-2.0-only
"""Mails as people's software sends them: every case is bytes, and never a traceback."""

from __future__ import annotations

import base64
import quopri
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.series import lines
from harness.series.charset import decode
from harness.series.flowed import undo_flowed
from harness.series.header import decoded
from harness.series.model import Patch, Series
from harness.series.read import read_series

HUNK = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
DIFF = f"--- a/mm/x.c\n+++ b/mm/x.c\n{HUNK}"
NORMAL = f"diff --git a/mm/x.c b/mm/x.c\n--- a/mm/x.c\n+++ b/mm/x.c\n{HUNK}".encode()
TEXT = f"Why.\n---\n mm/x.c | 2 +-\n\n{DIFF}-- \n2.39.5\n"


def read(tmp_path: Path, raw: str | bytes, name: str = "m.eml") -> Series:
    path = tmp_path / name
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return read_series(path)


def one(tmp_path: Path, raw: str | bytes, name: str = "m.eml") -> Patch:
    (patch,) = read(tmp_path, raw, name).patches
    return patch


def heads(*more: str, subject: str = "[PATCH] x") -> str:
    return "\n".join([f"Subject: {subject}", "From: A <a@b.c>", "Message-ID: <1@x>", *more, "", ""])


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("iso-2022-jp", "メモリ"),
        ("koi8-r", "память"),
        ("gb2312", "内存镕"),
        ("windows-1252", "caf\u00e9 \u2019"),
        ("utf-8", "Größe"),
    ],
)
@pytest.mark.parametrize("transfer", ["8bit", "base64", "quoted-printable"])
def test_charsets_and_transfer_encodings(tmp_path: Path, charset: str, words: str, transfer: str) -> None:
    codec = "gbk" if charset == "gb2312" else charset
    raw = TEXT.replace("Why.", words).replace("+B", f"+B {words}").encode(codec)
    if transfer != "8bit":
        raw = base64.encodebytes(raw) if transfer == "base64" else quopri.encodestring(raw)
    head = heads(f"Content-Type: text/plain; charset={charset}", f"Content-Transfer-Encoding: {transfer}")
    patch = one(tmp_path, head.encode() + raw)
    assert patch.description == words
    assert f"+B {words}\n".encode() in patch.diff


def test_charset_that_is_none_keeps_the_bytes_and_says_so(tmp_path: Path) -> None:
    raw = heads("Content-Type: text/plain; charset=x-unknown").encode() + TEXT.replace("+B", "+B~").encode()
    series = read(tmp_path, raw.replace(b"~", b"\xe9"))
    assert b"+B\xe9\n" in series.patches[0].diff
    assert series.notes == ("patch 1: x-unknown cannot be read: bytes kept",)


@pytest.mark.parametrize("name", ["punycode", "unicode_escape", "rot13", "a\0b", "=?", "zip", "undefined"])
def test_codecs_that_no_mail_means_are_not_run(name: str) -> None:
    assert decode(b"a\\x41-\xff", name)[0] == "a\\x41-\udcff"


def test_wrapped_and_encoded_headers(tmp_path: Path) -> None:
    subject = "=?utf-8?Q?[PATCH_1/1]_mm:_Gr=C3?=\n =?utf-8?Q?=B6=C3=9Fe?=\n  of it"
    patch = one(tmp_path, f"Subject: {subject}\nFrom: =?iso-8859-1?q?J=F6rg?=\n\t<j@x.y>\n\n{TEXT}")
    assert patch.subject == "mm: Größe of it"
    assert patch.author == "Jörg <j@x.y>"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("=?utf-8?B?bW06IHg?=", "mm: x"),  # padding lost
        ("=?utf-8?B?!!!?= x", "=?utf-8?B?!!!?= x"),
        ("=?x-none?q?mm=3A?= x", "mm: x"),
        ("=?utf-8?q?mm: a b?=", "mm: a b"),  # blanks are not allowed there
        ("=?utf-8?q?broken", "=?utf-8?q?broken"),
        ("=?utf-8*en?q?mm?= =?utf-8?q?:?=", "mm:"),
        ("mm: \udcfc", "mm: ü"),
        ("a\x1b[2Jb\r\nc", "a?[2Jb c"),
    ],
)
def test_broken_encoded_words(raw: str, says: str) -> None:
    assert decoded(raw) in (says, says.replace("=?utf-8?B?!!!?= ", ""))


@given(st.text(max_size=200))
@settings(derandomize=True, max_examples=50, deadline=None)
def test_any_header_is_one_printable_line(raw: str) -> None:
    assert decoded(f"=?utf-8?q?{raw}").isprintable()


def test_format_flowed_is_undone(tmp_path: Path) -> None:
    stuffed = (
        TEXT.replace("Why.", "A long \nsentence.")
        .replace("\n mm", "\n  mm")
        .replace("\n a\n", "\n  a\n")
        .replace("\n c\n", "\n  c\n")
    )
    patch = one(tmp_path, heads("Content-Type: text/plain; format=flowed") + stuffed)
    assert patch.description == "A long sentence."
    assert patch.diff == NORMAL


def test_format_flowed_that_is_not_done_is_left(tmp_path: Path) -> None:
    assert one(tmp_path, heads("Content-Type: text/plain; format=flowed") + TEXT).diff == NORMAL


def test_delsp() -> None:
    assert undo_flowed("ab \ncd\n-- \nx", True) == "abcd\n-- \nx"
    assert undo_flowed("ab \ncd", False) == "ab cd"


def test_lines_that_open_the_text_overrule_the_headers(tmp_path: Path) -> None:
    opening = "From: Å <o@x>\nSubject: [PATCH v3 2/2] real\n title\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n"
    series = read(tmp_path, heads() + opening + TEXT)
    (patch,) = series.patches
    assert (patch.number, patch.subject, patch.author) == (2, "real title", "Å <o@x>")
    assert (series.version, patch.date) == (3, "Mon, 1 Jan 2024 00:00:00 +0000")
    assert patch.description == "Why."


@pytest.mark.parametrize("scissors", ["-- >8 --", "--- 8< --- 8< ---"])
def test_scissors(tmp_path: Path, scissors: str) -> None:
    patch = one(tmp_path, heads() + f"Hi, see below.\n{scissors}\nSubject: real\n\n{TEXT}")
    assert (patch.subject, patch.description) == ("real", "Why.")


def test_mm_commits_mail(tmp_path: Path) -> None:
    text = (
        f"The patch titled\n  x\n{'-' * 54}\nFrom: O <o@x>\nSubject: mm: real\n\n{TEXT}_\n\nPatches in -mm\n"
    )
    patch = one(tmp_path, heads(subject="+ real.patch added to -mm tree") + text)
    assert (patch.subject, patch.author, patch.diff) == ("mm: real", "O <o@x>", NORMAL)


def test_description_ends_where_the_diff_or_its_statistics_begin(tmp_path: Path) -> None:
    assert one(tmp_path, heads() + TEXT).description == "Why."
    without_rule = TEXT.replace("---\n mm", "\n mm", 1).replace(
        "2 +-\n", "2 +-\n 1 file changed, 1 insertion(+)\n"
    )
    assert one(tmp_path, heads() + without_rule).description == "Why."
    assert one(tmp_path, heads() + f"Why.\nIndex: x\n{DIFF}").description == "Why."


def test_diff_glued_to_the_text(tmp_path: Path) -> None:
    patch = one(tmp_path, heads() + f"Signed-off-by: A <a@b.c>\n{DIFF}-- \n2.39\n")
    assert (patch.diff, patch.description) == (NORMAL, "Signed-off-by: A <a@b.c>")


def signed(body: str) -> str:
    escaped = "".join(f"- {line}\n" if line.startswith("-") else f"{line}\n" for line in body.splitlines())
    return (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{escaped}"
        "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
    )


def test_cleartext_signature(tmp_path: Path) -> None:
    assert one(tmp_path, heads() + signed(TEXT)).diff == NORMAL


def multipart(*parts: tuple[str, str], subtype: str = "mixed") -> bytes:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["Message-ID"] = "[PATCH] x", "A <a@b.c>", "<1@x>"
    mail.make_mixed() if subtype == "mixed" else mail.make_alternative()
    for kind, text in parts:
        main, _, sub = kind.partition("/")
        part = EmailMessage()
        if main == "text":
            part.set_content(text, subtype=sub)
        else:
            part.set_content(text.encode(), maintype=main, subtype=sub, filename="0001-x.patch")
        mail.attach(part)
    return bytes(mail)


def test_multipart_alternative_has_one_diff(tmp_path: Path) -> None:
    page = f"<html><pre>{TEXT}</pre></html>"
    patch = one(tmp_path, multipart(("text/plain", TEXT), ("text/html", page), subtype="alternative"))
    assert patch.diff == NORMAL


def test_html_alone_is_read_as_the_reader_sees_it(tmp_path: Path) -> None:
    page = f"<html><body><pre>{TEXT.replace('+B', '+B -&gt; x')}</pre></body></html>"
    assert b"+B -> x\n" in one(tmp_path, multipart(("text/html", page))).diff
    head = heads("Content-Type: text/html")
    assert b"+B -> x\n" in one(tmp_path, head + page).diff


def test_patch_that_is_inline_and_attached_counts_once(tmp_path: Path) -> None:
    assert one(tmp_path, multipart(("text/plain", TEXT), ("application/octet-stream", DIFF))).diff == NORMAL


def attached(text: str, kind: str, other: str) -> str:
    """*text*, and *other* attached as *kind*, a Content-Type with its parameters."""
    part = f"--b\nContent-Type: {kind}\n\n{other}\n--b--\n"
    head = heads('Content-Type: multipart/mixed; boundary="b"', "MIME-Version: 1.0")
    return f"{head}--b\nContent-Type: text/plain\n\n{text}\n{part}"


@pytest.mark.parametrize(
    "kind", ["text/x-patch", "application/x-patch", 'application/octet-stream; name="x.patch.txt"']
)
def test_attached_diff_whatever_its_type(tmp_path: Path, kind: str) -> None:
    patch = one(tmp_path, attached("Why, see the attachment.\n", kind, DIFF))
    assert (patch.diff, patch.description) == (NORMAL, "Why, see the attachment.")
    both = attached(TEXT, kind, DIFF.replace("x.c", "y.c"))
    assert [file.path for file in one(tmp_path, both).files] == ["mm/x.c", "mm/y.c"]


def test_attachments_that_are_no_diff_and_that_are_compressed(tmp_path: Path) -> None:
    assert one(tmp_path, attached(TEXT, "application/octet-stream", "--- x\nno\n")).diff == NORMAL
    series = read(tmp_path, attached(TEXT, 'application/gzip; name="y.patch.gz"', "x"))
    assert series.notes == ("patch 1: attachment 'y.patch.gz' is compressed and was not read",)


def test_base64_with_crlf_and_a_blank_behind_its_name(tmp_path: Path) -> None:
    body = base64.encodebytes(TEXT.replace("\n", "\r\n").encode()).decode()
    for name in ("base64", "BASE64", "base64 "):
        mail = heads(f"Content-Transfer-Encoding: {name}") + body
        assert one(tmp_path, mail).diff == NORMAL
        assert one(tmp_path, mail.replace("\n", "\r\n")).diff == NORMAL


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_of_powershell(tmp_path: Path, encoding: str) -> None:
    mark = b"" if encoding == "utf-16" else "\ufeff".encode(encoding)
    raw = mark + (heads() + TEXT).replace("\n", "\r\n").encode(encoding)
    assert one(tmp_path, raw).diff == NORMAL
    with pytest.raises(UserError, match="binary"):
        read(tmp_path, mark + DIFF.encode("utf-16-le")[:-1])


@pytest.mark.parametrize(
    "date", [None, "", "x", "Thu, 99 Jan 99999 99:99:99 -9999", "=?utf-8?q?=ff?=", "\x1b[31m"]
)
def test_dates_missing_and_absurd(tmp_path: Path, date: str | None) -> None:
    patch = one(tmp_path, heads(*([] if date is None else [f"Date: {date}"])) + TEXT)
    assert patch.diff == NORMAL
    assert patch.date.isprintable()


def test_from_lines_that_a_mailbox_quoted(tmp_path: Path) -> None:
    diff = "--- a/D/x\n+++ b/D/x\n@@ -1,3 +1,3 @@\n From a\n-From b\n+From c\n >From d\n"
    patch = one(tmp_path, f"From x Wed Aug 20 10:00:00 2008\n{heads()}>From here on.\n---\n{diff}")
    assert patch.diff.endswith(diff.encode())


def test_quotation_marks_of_windows(tmp_path: Path) -> None:
    raw = (heads() + TEXT.replace("+B", "+\u201cB\u201d")).encode("windows-1252")
    series = read(tmp_path, raw)
    assert b"+\x93B\x94\n" in series.patches[0].diff
    assert series.notes == ("patch 1: bytes that are no UTF-8 are kept",)


def test_attached_mails_of_format_patch_are_patches_of_their_own(tmp_path: Path) -> None:
    mails = [heads(subject=f"[PATCH {n}/2] p{n}").replace("<1@x>", f"<{n}@y>") + TEXT for n in (1, 2)]
    series = read(
        tmp_path, multipart(("text/plain", "Hi"), *(("application/octet-stream", mail) for mail in mails))
    )
    assert [patch.subject for patch in series.patches] == ["p1", "p2"]


def test_forwarded_mail(tmp_path: Path) -> None:
    outer = EmailMessage()
    outer["Subject"] = "Fwd: look"
    outer.set_content("See.\n")
    outer.add_attachment(message_from_bytes((heads(subject="[PATCH] inner") + TEXT).encode()))
    assert one(tmp_path, bytes(outer)).subject == "inner"


def test_multipart_signed(tmp_path: Path) -> None:
    body = (
        'Content-Type: multipart/signed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
        f"{TEXT}--b\nContent-Type: application/pgp-signature; name=signature.asc\n\nxyz\n--b--\n"
    )
    assert one(tmp_path, heads().rstrip("\n") + "\n" + body).diff == NORMAL


def test_crlf_mail_and_byte_order_mark(tmp_path: Path) -> None:
    crlf = (heads("Content-Type: text/plain") + TEXT).replace("\n", "\r\n")
    patch = one(tmp_path, "\ufeff" + crlf)
    assert (patch.diff, patch.description, patch.message_id) == (NORMAL, "Why.", "1@x")


def test_empty_context_lines_without_their_blank(tmp_path: Path) -> None:
    text = TEXT.replace("@@ -1,3 +1,3 @@\n a\n", "@@ -1,4 +1,4 @@\n a\n\n")
    series = read(tmp_path, heads() + text)
    assert b"\n a\n \n-b\n" in series.patches[0].diff
    assert series.notes == ("patch 1: the blank of 1 empty context lines put back",)


LONG = "x" * 70
MIXED = "Content-Type: multipart/mixed; boundary=b"
BASE64 = "Content-Transfer-Encoding: base64"
GIT = "diff --git a/l b/l\n"


@pytest.mark.parametrize("line", [f" {LONG}", f"+{LONG}", f"-{LONG}"])
@pytest.mark.parametrize("last", [False, True])
def test_wrapped_lines_are_put_together_where_the_counts_prove_it(
    tmp_path: Path, line: str, last: bool
) -> None:
    rows = [" a", f"{line} tail;"] if last else [f"{line} tail;", " a"]
    old = sum(row[0] != "+" for row in rows) + 1
    new = sum(row[0] != "-" for row in rows) + 1
    hunk = f"@@ -1,{old} +1,{new} @@\n-q\n+r\n" + "".join(f"{row}\n" for row in rows)
    wrapped = hunk.replace(" tail;", "\ntail;")
    series = read(tmp_path, heads() + f"Why.\n---\n--- a/mm/x.c\n+++ b/mm/x.c\n{wrapped}-- \n2\n")
    assert f"\n{line} tail;\n".encode() in series.patches[0].diff
    assert any("wrapped lines put together (line" in note for note in series.notes)


def test_base_and_prerequisites(tmp_path: Path) -> None:
    ident = "0123456789abcdef0123456789abcdef01234567"
    series = read(
        tmp_path,
        heads() + TEXT.replace("-- \n", f"\nbase-commit: {ident}\nprerequisite-patch-id: {ident}\n-- \n"),
    )
    assert series.base_commit == ident
    assert series.notes == (f"needs patch-id {ident} before it",)


def test_index_lines(tmp_path: Path) -> None:
    git = f"diff --git a/mm/x.c b/mm/x.c\nindex 0123abc..4567def 100644\n{DIFF}"
    change = one(tmp_path, heads() + git).files[0]
    assert (change.old_blob, change.new_blob) == ("0123abc", "4567def")
    new = f"{GIT}new file mode 100755\nindex 0000000..4567def\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+n\n"
    change = one(tmp_path, heads() + new).files[0]
    assert (change.old_blob, change.new_blob, change.kind) == ("", "4567def", "added")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (heads() + TEXT.replace("+B", "+=00").replace("=00", "\0"), "binary"),
        (heads("Content-Transfer-Encoding: quoted-printable") + TEXT.replace("+B", "+=00"), "NUL bytes"),
        (heads() + TEXT.replace("+B", "+" + "B" * (1 << 20)), "a line of 1024 KiB"),
        (heads() + TEXT.replace("@@ -1,3 +1,3 @@", "@@ -1,999999999 +1,999999999 @@"), "malformed diff"),
        (heads() + TEXT.replace("@@ -1,3 +1,3 @@", "@@ -1,3  +1,3"), "malformed diff"),
        (heads(MIXED) + "--b\nContent-Type: multipart/mixed\n\n" * 300, "parts within"),
        (heads(MIXED) + "no parts\n", "no diff in it"),
        (heads("Content-Type: a/b; charset*0*=%zz'x'%ff", BASE64) + "%%%", "no diff"),
        (heads() + f"{GIT}index 1234567..89abcde 120000\n--- a/l\n+++ b/l\n{HUNK}", "symbolic link"),
        (heads() + f"{GIT}old mode 100644\nnew mode 104755\n", "has mode 104755"),
        (heads() + f"{GIT}deleted file mode 120000\n--- a/l\n+++ /dev/null\n{HUNK}", "symbolic link"),
        (heads() + TEXT + "@@ -1,x +1 @@\n-q\n", "a hunk header that cannot be read"),
    ],
)  # fmt: skip
def test_hostile_and_broken_mails_get_one_line(tmp_path: Path, raw: str, says: str) -> None:
    path = tmp_path / "m.eml"
    path.write_text(raw)
    with pytest.raises(UserError) as caught:
        read_series(path)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


def test_too_many_hunks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_HUNKS", 100)
    path = tmp_path / "m.patch"
    path.write_text("--- a/x.c\n+++ b/x.c\n" + "@@ -1 +1 @@\n-a\n+b\n" * 101)
    with pytest.raises(UserError, match="over 100 hunks"):
        read_series(path)


@given(st.binary(max_size=300), st.integers(0, 400))
@settings(derandomize=True, max_examples=80, deadline=None)
def test_garbage_in_a_mail_never_gives_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int
) -> None:
    raw = (heads("Content-Type: text/plain; charset=utf-8") + TEXT).encode()
    path = tmp_path_factory.mktemp("m") / "m.eml"
    path.write_bytes(raw[:at] + junk + raw[at:])
    try:
        read_series(path)
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (heads("Content-Type: text/plain" + "; a=b" * 1000) + TEXT, "a Content- header of over 4000 bytes"),
        (heads(MIXED) + "--b\n\n" * 600, "more than 500 parts"),
        ("From a 00:00:00 2000\nA: b\n\n" * 20_001, "over 20000 mails"),
        (heads() + "<html><pre>" + "<a " * 20_000, "no diff in it"),
        (heads() + f"--- a/{'~' * 200_000}/x\n+++ b/x\n{HUNK}", "too long|two files|outside|control"),
        (heads() + f"--- a/x{' ' * 200_000}y\n+++ b/x\n{HUNK}", "too long|two files"),
        (heads() + '--- "a/\\x"\n+++ "b/\\400\\q"\n' + HUNK, "two files|control|not the name"),
        (heads() + f"{GIT}" * 30_001, "over 100000 hunks, 30000 files"),
    ],
)
def test_floods_are_refused_before_they_take_long(tmp_path: Path, raw: str, says: str) -> None:
    path = tmp_path / "m.eml"
    path.write_text(raw)
    with pytest.raises(UserError, match=says) as caught:
        read_series(path)
    assert str(caught.value).isprintable()


def test_file_header_that_mail_wrapped(tmp_path: Path) -> None:
    name = "x" * 60 + ".c"
    text = TEXT.replace("--- a/mm/x.c", f"diff --git a/mm/{name}\n b/mm/{name}\n--- a/mm/x.c").replace(
        "mm/x.c", f"mm/{name}"
    )
    assert one(tmp_path, heads() + text).files[0].path == f"mm/{name}"
