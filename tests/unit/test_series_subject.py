# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

import pytest

from harness.series.subject import parse_subject


@pytest.mark.parametrize(
    ("raw", "text", "number", "total", "version"),
    [
        ("[RFC][PATCH -mm 4/7] memcg: lockless page_cgroup", "memcg: lockless page_cgroup", 4, 7, 1),
        ("[PATCH v2 3/7] mm: x", "mm: x", 3, 7, 2),
        ("[PATCH1/8] x", "x", 1, 8, 1),
        ("[RFC PATCH -mm 2/7] x", "x", 2, 7, 1),
        ("[PATCHv3 02/10] x", "x", 2, 10, 3),
        ("[PATCH 6.1 001/215] x", "x", 1, 215, 1),
        ("[PATCH v5.10 1/2] x", "x", 1, 2, 1),
        ("[PATCH] [memcg] x", "[memcg] x", None, None, 1),
        ("[linux-mm] [PATCH 1/2] x", "x", 1, 2, 1),
        ("[PATCH 2/3 take 4] x", "x", 2, 3, 4),
        ("[PATCH 01/08 v3] x", "x", 1, 8, 3),
        ("[RFC,v2,3/5] x", "x", 3, 5, 2),
        ("[v3,1/2] x", "x", 1, 2, 3),
        ("[PATCH 1/2, v3] x", "x", 1, 2, 3),
        ("Re: [PATCH 1/2] x", "x", 1, 2, 1),
        ("[PATCH][1/2] x", "x", 1, 2, 1),
        ("plain words 1/2", "plain words 1/2", None, None, 1),
        ("[PATCH 1/2] a\n  folded\x1b[31m", "a folded?[31m", 1, 2, 1),
    ],
)
def test_tags_are_read(raw: str, text: str, number: int | None, total: int | None, version: int) -> None:
    subject = parse_subject(raw)
    assert (subject.text, subject.number, subject.total, subject.version) == (text, number, total, version)


def test_answers_are_known() -> None:
    assert parse_subject("Re: [PATCH 1/2] x").reply
    assert not parse_subject("[PATCH 1/2] Re: x").reply or parse_subject("[PATCH 1/2] Re: x").number == 1
