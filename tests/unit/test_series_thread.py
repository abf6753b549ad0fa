# SPDX-License-Identifier: GPL-2.0-only
"""Which mails of a mailbox are the series."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.series.model import Series
from harness.series.read import read_series

FROM = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"


def mail(subject: str, ident: str, parent: str = "", *, who: str = "A <a@b.c>", diff: bool = True) -> str:
    answers = f"In-Reply-To: <{parent}>\n" if parent else ""
    name = ident.replace("/", "_")
    body = f"--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1,2 +1,2 @@\n a\n-b\n+{name}\n" if diff else "Words.\n"
    head = f"{FROM}From: {who}\nSubject: {subject}\nMessage-ID: <{ident}>\n{answers}\n"
    return f"{head}Why.\n---\n{body}-- \n2\n\n"


def read(tmp_path: Path, *mails: str, wanted: str = "") -> Series:
    path = tmp_path / "s.mbox"
    path.write_text("".join(mails))
    return read_series(path, wanted)


def ids(series: Series) -> list[str]:
    return [patch.message_id for patch in series.patches]


def thread(version: int, total: int, key: str, title: str = "t", parent: str = "") -> list[str]:
    tag = f"PATCH v{version}" if version > 1 else "PATCH"
    return [
        mail(f"[{tag} 0/{total}] {title}", f"{key}0", parent, diff=False),
        *(mail(f"[{tag} {n}/{total}] {title} {n}", f"{key}{n}", f"{key}0") for n in range(1, total + 1)),
    ]


def test_cover_letter_gives_name_and_version(tmp_path: Path) -> None:
    series = read(tmp_path, *thread(3, 2, "a", "memcg: lockless"))
    assert (series.name, series.version, ids(series)) == ("memcg: lockless", 3, ["a1", "a2"])


def test_answers_with_patches_in_them_are_no_patches(tmp_path: Path) -> None:
    series = read(
        tmp_path,
        *thread(1, 2, "a"),
        mail("Re: [PATCH 1/2] t 1", "r1", "a1", who="B <b@b.c>"),
        mail("How about this?", "r2", "a2", who="B <b@b.c>"),
        mail("[PATCH] fix for your 2/2", "r3", "a2", who="B <b@b.c>"),
    )
    assert ids(series) == ["a1", "a2"]
    assert series.notes == ("1 patch of other threads left out", "2 answers left out")


def test_newest_version_counts_and_the_note_says_so(tmp_path: Path) -> None:
    series = read(tmp_path, *thread(1, 2, "a"), *thread(2, 3, "b", parent="a0"))
    assert (ids(series), series.version) == (["b1", "b2", "b3"], 2)
    assert series.notes == ("version 1 left out for version 2",)


def test_version_that_is_asked_for_by_its_id(tmp_path: Path) -> None:
    series = read(tmp_path, *thread(1, 2, "a"), *thread(2, 3, "b", parent="a0"), wanted="a2")
    assert (ids(series), series.version) == (["a1", "a2"], 1)


def test_two_series_are_refused_by_name(tmp_path: Path) -> None:
    for second in (thread(1, 3, "b", "other"), thread(2, 3, "b", "other")):
        with pytest.raises(
            UserError, match=r"2 series in one mailbox \('one', 'other'\); give one at a time"
        ):
            read(tmp_path, *thread(1, 2, "a", "one"), *second)


def test_series_sent_as_an_answer_to_another_is_not_merged_with_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 series in one mailbox"):
        read(tmp_path, *thread(1, 3, "a", "one"), *thread(1, 3, "b", "other", parent="a1"))
    series = read(tmp_path, *thread(1, 3, "a", "one"), *thread(1, 3, "b", "o", parent="a1"), wanted="b0")
    assert ids(series) == ["b1", "b2", "b3"]


def test_series_whose_thread_is_broken_is_put_together(tmp_path: Path) -> None:
    first = [mail(f"[PATCH {n}/370] p{n}", f"a{n}", "a0" if n > 1 else "") for n in range(1, 200)]
    second = [mail(f"[PATCH {n}/370] p{n}", f"a{n}", "lost") for n in range(200, 371)]
    series = read(tmp_path, *first, *second)
    assert (len(series.patches), series.missing) == (370, ())


def test_patches_that_answer_each_other_in_a_chain(tmp_path: Path) -> None:
    series = read(
        tmp_path, *(mail(f"[PATCH {n}/9] p", f"a{n}", f"a{n - 1}" if n > 1 else "x") for n in range(1, 10))
    )
    assert len(series.patches) == 9


def test_patches_under_re_by_the_sender_of_the_series_belong_to_it(tmp_path: Path) -> None:
    mails = thread(1, 3, "a")
    mails[2] = mails[2].replace("Subject: [", "Subject: Re: [")
    series = read(tmp_path, *mails)
    assert (ids(series), series.missing) == (["a1", "a2", "a3"], ())
    assert series.notes[0] == "2/3 was sent as an answer"
    mails[2] = mails[2].replace("A <a@b.c>", "B <b@b.c>")
    assert read(tmp_path, *mails).missing == (2,)


def test_resend_takes_the_place_of_what_was_sent(tmp_path: Path) -> None:
    series = read(tmp_path, *thread(1, 2, "a"), mail("[PATCH RESEND 2/2] t 2", "r2", "a0"))
    assert ids(series) == ["a1", "r2"]
    whole = [text.replace("[PATCH", "[RESEND PATCH") for text in thread(1, 2, "b")]
    assert ids(read(tmp_path, *thread(1, 2, "a"), *whole)) == ["b1", "b2"]


def test_single_patch_sent_anew_is_filled_up_with_the_version_before(tmp_path: Path) -> None:
    series = read(tmp_path, *thread(1, 3, "a"), mail("[PATCH v2 2/3] t 2", "n2", "a2"))
    assert (ids(series), series.missing, series.version) == (["a1", "n2", "a3"], (), 2)
    assert "version 2 has 2 alone; the rest is of version 1" in series.notes


def test_out_of_order_twice_and_missing(tmp_path: Path) -> None:
    cover, one, two, _, four = thread(1, 4, "a")
    series = read(tmp_path, four, two, cover, one, two)
    assert (ids(series), series.missing) == (["a1", "a2", "a4"], (3,))
    assert series.notes == ("1 mails left out that are there twice", "put in the order of their numbers")


def test_mail_that_came_by_two_lists_under_two_ids_counts_once(tmp_path: Path) -> None:
    mails = thread(1, 2, "a")
    again = mails[1].replace("<a1>", "<list-a1>")
    assert ids(read(tmp_path, *mails, again)) == ["a1", "a2"]


@pytest.mark.parametrize(
    "tag", ["PATCH1/2", "PATCH 1/2", "RFC PATCH 1/2", "PATCHv1 1/2", "1/2", "PATCH -mm 1/2", "patch 1 of 2"]
)
def test_tags(tmp_path: Path, tag: str) -> None:
    two = tag.replace("1/2", "2/2").replace("1 of", "2 of")
    series = read(tmp_path, mail(f"[{two}] b", "b"), mail(f"[list] [{tag}] a", "a"))
    assert [(patch.number, patch.total, patch.subject) for patch in series.patches] == [
        (1, 2, "a"),
        (2, 2, "b"),
    ]


@pytest.mark.parametrize(
    ("tag", "version"), [("PATCHv3 1/1", 3), ("PATCH V2", 2), ("RFC v4 PATCH", 4), ("PATCH RFC -v5 1/1", 5)]
)
def test_versions(tmp_path: Path, tag: str, version: int) -> None:
    assert read(tmp_path, mail(f"[{tag}] a", "a")).version == version


def test_only_answers(tmp_path: Path) -> None:
    series = read(tmp_path, mail("Re: [PATCH] a", "a", "x"))
    assert ids(series) == ["a"]
    assert series.notes == ("only answers are there: the patches in them are taken",)


def test_threads_that_go_round_in_a_circle_end(tmp_path: Path) -> None:
    series = read(tmp_path, mail("[PATCH 1/2] a", "a", "b"), mail("[PATCH 2/2] b", "b", "a"))
    assert ids(series) == ["a", "b"]


def test_two_cover_letters_of_one_series(tmp_path: Path) -> None:
    covers = [
        mail("[PATCH 00/12] t", "c1", diff=False),
        mail("[PATCH 00/12] t again", "c2", "c1", diff=False),
    ]
    patches = [mail(f"[PATCH {n:02}/12] p{n}", f"p{n}", "c1" if n < 7 else "c2") for n in range(1, 13)]
    series = read(tmp_path, *covers, *patches)
    assert ids(series) == [f"p{n}" for n in range(1, 13)]
    assert series.name == "t again"
    other = [mail("[PATCH 00/12] u", "c2", "c1", who="B <b@b.c>", diff=False)]
    other += [mail(f"[PATCH {n:02}/12] q{n}", f"q{n}", "c2", who="B <b@b.c>") for n in range(7, 13)]
    with pytest.raises(UserError, match="2 series in one mailbox"):
        read(tmp_path, covers[0], *patches[:6], *other)


def test_thread_of_a_hundred_mails(tmp_path: Path) -> None:
    mails = thread(1, 9, "k")
    mails += [
        mail(f"Re: [PATCH {n % 9 + 1}/9] p", f"r{n}", f"k{n % 9 + 1}", who="B <b@b.c>") for n in range(90)
    ]
    series = read(tmp_path, *mails)
    assert len(series.patches) == 9
    assert series.notes == ("90 answers left out",)


def test_mail_without_a_diff_among_patches_is_said(tmp_path: Path) -> None:
    series = read(tmp_path, mail("[PATCH] a", "a"), mail("[PATCH] b", "b", diff=False))
    assert ids(series) == ["a"]
    assert series.notes == ("1 mail without a diff left out",)
