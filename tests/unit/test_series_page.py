# SPDX-License-Identifier: GPL-2.0-only
"""Several archived mails in one text: where each begins, and where none does."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.paths import PROJECT
from harness.series.model import Series
from harness.series.page import split_page
from harness.series.read import read_series

SEED = (PROJECT / "patches" / "lockless-page_cgroup-4of7" / "lockless-page_cgroup-4of7.txt").read_text()
FOOTER = '\n--\nTo unsubscribe from this list: send the line "unsubscribe linux-mm" in\n'
DATE = "Wed Aug 20 2008 - 05:58:53 EST"


def diff(name: str) -> str:
    return (
        f"---\n mm/{name}.c |    3 ++-\n\n--- a/mm/{name}.c\n+++ b/mm/{name}.c\n@@ -10,5 +10,6 @@ int f()\n"
        f" \tint a;\n \n-\treturn {name};\n+\tg();\n+\treturn 1;\n \tg();\n }}\n"
    )


def damaged(text: str) -> str:
    """What the archive of the seed does to a text."""
    return "\n".join(re.sub(r"^ | +$", "", re.sub(r"[ \t]+", " ", line)) for line in text.split("\n"))


def hypermail(subject: str, body: str, who: str = "A B", date: str = DATE) -> str:
    return f"{subject}\n\nFrom: {who}\nDate: {date}\n\n\n{body}{FOOTER}"


def marc(subject: str, body: str) -> str:
    head = f"List:       linux-mm\nSubject:    {subject}\nFrom:       A B <a () b ! c>\nDate:       {DATE}\n"
    head += f"Message-ID: <{len(body)}.{subject[-3:]}@x>\n[Download RAW message or body]\n"
    return f"{head}\n{body}\n[prev in list]\n\n"


def lkml(subject: str, body: str) -> str:
    return f"Date\t{DATE}\nFrom\tA B <>\nSubject\t{subject}\n\n{body}{FOOTER}\n"


def mhonarc(subject: str, body: str) -> str:
    head = f"[Date Prev][Date Next]\n\n  * Subject: {subject}\n  * From: A B <a@xxx>\n  * Date: {DATE}\n"
    return f"{subject}\n{head}\n{body}{FOOTER}\n"


def inbox(subject: str, body: str) -> str:
    tree = (
        "@ 2008-08-20  9:55 A B\n  2008-08-20  9:56 ` [PATCH 1/3] x A B\n  0 siblings, 1 reply; 9+ messages"
    )
    head = f"* {subject}\n{tree} in thread\nFrom: A B @ 2008-08-20  9:55 UTC (permalink / raw)\n"
    return f"{head}  To: linux-mm; +Cc: x, y\n\n{body}\n^ permalink raw reply\t[flat|nested] 9+ messages\n"


FORMS = [hypermail, marc, lkml, mhonarc, inbox]
Form = Callable[[str, str], str]


def read(tmp_path: Path, text: str | bytes, name: str = "thread.txt") -> Series:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_series(path)


def thread(form: Form) -> str:
    mails = [
        form("[PATCH 0/3] memcg: all", "The cover.\n"),
        form("[PATCH 2/3] mm: two", f"Two.\n{diff('two')}"),
        form("Re: [PATCH 2/3] mm: two", f"Nice.\n\n> Two.\n{quoted(diff('two'))}\nBut.\n"),
        form("[PATCH 1/3] mm: one", f"One.\n{diff('one')}"),
        form("Re: [PATCH 0/3] memcg: all", "On Wed, A B wrote:\n> The cover.\nWhen?\n"),
        form("[PATCH 3/3] mm: three", f"Three.\n{diff('three')}"),
    ]
    return "".join(mails)


def quoted(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.rstrip("\n").split("\n"))


def shape(series: Series) -> list[tuple[int, int, str, str, str, list[str], int]]:
    return [
        (p.number, p.total, p.subject, p.author, p.description, [f.path for f in p.files], p.files[0].added)
        for p in series.patches
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lost", [False, True])
def test_thread_page(tmp_path: Path, form: Form, lost: bool) -> None:
    text = thread(form)
    series = read(tmp_path, damaged(text) if lost else text)
    author = {"marc": "A B <a () b ! c>", "lkml": "A B <>", "mhonarc": "A B <a@xxx>"}.get(
        form.__name__, "A B"
    )
    assert shape(series) == [
        (n, 3, f"mm: {name}", author, f"{name.title()}.", [f"mm/{name}.c"], 2)
        for n, name in enumerate(("one", "two", "three"), 1)
    ]
    assert [bool(patch.damaged) for patch in series.patches] == [lost] * 3
    assert all(patch.date for patch in series.patches)
    assert series.name == "memcg: all"
    assert series.notes[:4] == (
        "'thread.txt': 6 mails in one text taken apart",
        "1 cover letter left out",
        "2 answers left out",
        "put in the order of their numbers",
    )
    if lost:
        hunks = [hunk for patch in series.patches for file in patch.damaged for hunk in file.hunks]
        assert [hunk.lines[-3:] for hunk in hunks] == [("+ return 1;", "g();", "}")] * 3
        lines = damaged(text).split("\n")
        assert [lines[hunk.place - 1] for hunk in hunks] == ["int a;"] * 3


@pytest.mark.parametrize("form", FORMS)
def test_one_mail_of_an_archive_is_no_page(form: Form) -> None:
    for body in (f"One.\n{diff('one')}", damaged(f"One.\n{diff('one')}")):
        assert split_page(form("[PATCH 1/3] mm: one", body).encode(), "x") == []


def test_the_seed_with_its_neighbours(tmp_path: Path) -> None:
    assert split_page(SEED.encode(), "x") == []
    other = damaged(hypermail("[RFC][PATCH -mm 3/7] memcg: rcu", f"Why.\n{diff('three')}"))
    series = read(tmp_path, f"{SEED}\n{other}")
    assert [(patch.number, patch.subject) for patch in series.patches] == [
        (3, "memcg: rcu"),
        (4, "memcg: lockless page_cgroup"),
    ]
    assert sum(len(file.hunks) for file in series.patches[1].damaged) == 14
    alone = read(tmp_path, SEED, "alone.txt").patches[0]
    assert series.patches[1].damaged == alone.damaged
    assert series.patches[1].description == alone.description


def test_blank_context_lines_dropped_too(tmp_path: Path) -> None:
    text = re.sub(r"\n\n(?=-|\+|int|g\(\)|\})", "\n", damaged(thread(hypermail)))
    series = read(tmp_path, text)
    assert [patch.subject for patch in series.patches] == ["mm: one", "mm: two", "mm: three"]
    assert [hunk.lines[0] for patch in series.patches for hunk in patch.damaged[0].hunks] == ["int a;"] * 3


def test_saved_html_page(tmp_path: Path) -> None:
    page = f"<!DOCTYPE html>\n<html><body><pre>{html.escape(thread(inbox))}</pre></body></html>"
    series = read(tmp_path, page, "t.html")
    assert [patch.subject for patch in series.patches] == ["mm: one", "mm: two", "mm: three"]
    assert series.notes[0] == "'t.html': 6 mails in one page taken apart"
    assert not any(patch.damaged for patch in series.patches)


def test_page_of_a_hundred_mails(tmp_path: Path) -> None:
    mails = [inbox("[PATCH 0/9] memcg: all", "Cover.\n")]
    mails += [inbox(f"[PATCH {n}/9] p{n}", f"Why.\n{diff(f'p{n}')}") for n in range(1, 10)]
    mails += [
        inbox(f"Re: [PATCH {n % 9 + 1}/9] p", f"So {n}.\n{quoted(diff('x'))}\nYes.\n") for n in range(90)
    ]
    series = read(tmp_path, f"<html><body><pre>{html.escape(''.join(mails))}</pre></body></html>", "T.html")
    assert [patch.subject for patch in series.patches] == [f"p{n}" for n in range(1, 10)]
    assert series.notes == (
        "'T.html': 100 mails in one page taken apart",
        "1 cover letter left out",
        "90 answers left out",
    )


def test_page_that_cannot_be_taken_apart_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.series.pasted._LONGEST", 1000)
    page = f"<html><body><pre>\n{html.escape(diff('a->b'))}</pre>{'<p>' * 400}</body></html>"
    with pytest.raises(UserError, match=r"page\.html: an HTML page that is too long or too broken"):
        read(tmp_path, page, "page.html")


def test_pasted_without_dates_and_without_numbers(tmp_path: Path) -> None:
    text = "".join(f"Subject: [PATCH] {name}\nFrom: A\n\nWhy.\n{diff(name)}\n" for name in ("one", "two"))
    series = read(tmp_path, text)
    assert [patch.subject for patch in series.patches] == ["one", "two"]
    assert [patch.files[0].path for patch in series.patches] == ["mm/one.c", "mm/two.c"]


def test_links_between_title_and_headers_and_a_title_twice(tmp_path: Path) -> None:
    links = 'Next message: C D: "x"\nPrevious message: E\n[ date ] [ thread ]\n\n[PATCH 2/2] mm: two\n\n'
    two = hypermail("[PATCH 2/2] mm: two", diff("two")).replace("mm: two\n\n", f"mm: two\n{links}", 1)
    series = read(tmp_path, damaged(hypermail("[PATCH 1/2] mm: one", diff("one")) + "\n" + two))
    assert [(patch.subject, patch.author) for patch in series.patches] == [
        ("mm: one", "A B"),
        ("mm: two", "A B"),
    ]


def test_mails_as_they_were_sent_one_after_the_other(tmp_path: Path) -> None:
    def sent(number: int) -> str:
        head = f"From: A <a@b.c>\nSubject: [PATCH {number}/2] p{number}\nDate: x\nMessage-ID: <{number}@x>\n"
        return f"{head}MIME-Version: 1.0\nContent-Type: text/plain\n\nWhy.\n{diff(f'p{number}')}-- \n2.39\n\n"

    series = read(tmp_path, sent(1) + sent(2), "all.eml")
    assert [(patch.subject, patch.message_id) for patch in series.patches] == [("p1", "1@x"), ("p2", "2@x")]


HEADER = "From: C D\nDate: Wed, 20 Aug 2008 10:00:00 +0900\nSubject: Re: [PATCH 1/3] old\n"


@pytest.mark.parametrize(
    "inside",
    [
        HEADER,
        f"C D says:\n\n{HEADER}\n> word\n",
        f"Begin forwarded message:\n\n{HEADER}\nword\n",
        f"-----Original Message-----\n{HEADER.replace('Re: ', '').replace('1/3', '7/9')}\nword\n",
        f"Talk.\n-- >8 --\n{HEADER.replace('Re: ', '')}\nword\n",
        "See [PATCH 1/3] old\nFrom: there\n",
        "[PATCH 1/3] is not needed\n\nReported-by: X\n",
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_headers_that_a_description_quotes_begin_no_mail(inside: str, form: Form) -> None:
    assert split_page(form("[PATCH 2/3] two", f"{inside}\n{diff('two')}").encode(), "x") == []


def test_headers_within_a_hunk_begin_no_mail(tmp_path: Path) -> None:
    lines = ["[PATCH 1/3] old", "", *HEADER.split("\n")[:3], "", "Subject: [PATCH] x", "From: A", ""]
    for mark in (" ", "+", "-"):
        body = "".join(f"{mark}{line}\n" for line in lines)
        count = {" ": (10, 10), "+": (1, 10), "-": (10, 1)}[mark]
        rest = " a\n+b\n" if mark == " " else " a\n"
        count = (10, 11) if mark == " " else count
        patch = f"--- a/D/x\n+++ b/D/x\n@@ -1,{count[0]} +1,{count[1]} @@\n{body}{rest}"
        text = hypermail("[PATCH 2/3] docs", f"Why.\n\n{patch}")
        assert split_page(text.encode(), "x") == []
        assert read(tmp_path, text).patches[0].files[0].path == "D/x"


def test_bare_diff_before_the_first_mail_is_not_lost(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no n/m as the others have"):
        read(tmp_path, diff("one") + "\n" + hypermail("[PATCH 2/2] mm: two", diff("two")))


def test_truncated_patch_names_its_mail(tmp_path: Path) -> None:
    cut = diff("one").replace(" \tg();\n }\n", "")
    with pytest.raises(UserError, match=r"message 1|thread.txt:\d") as caught:
        read(
            tmp_path,
            f"[PATCH 1/2] mm: one\n\nFrom: A\nDate: {DATE}\n\n{cut}" + hypermail("[PATCH 2/2] b", diff("b")),
        )
    assert "\n" not in str(caught.value)


def test_same_number_twice_is_refused(tmp_path: Path) -> None:
    one = hypermail("[PATCH 1/2] mm: one", diff("one"))
    with pytest.raises(UserError, match="keep one of the two"):
        read(tmp_path, one + one.replace("g();", "h();"))


def test_too_many_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.series.page._MOST_MAILS", 5)
    with pytest.raises(UserError, match=r"^x: over 5 mails"):
        split_page(thread(hypermail).encode(), "x")
