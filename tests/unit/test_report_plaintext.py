# SPDX-License-Identifier: GPL-2.0-only
"""Text that a kernel chose, made printable and bounded."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from harness.report.plaintext import clean, encodable, excerpt, line
from tests.unit.report_sample import HOSTILE


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain é 漢 text\n\tindented", "plain é 漢 text\n\tindented"),
        ("\x1b[1;31mBUG\x1b[0m", "BUG"),
        ("\x9b31mBUG", "BUG"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]never closed\nnext", "never closed\nnext"),
        ("\x1bcreset", "reset"),
        ("alone \x1b", "alone \\x1b"),
        ("one\r\ntwo\rthree\r\r\n", "one\ntwo\nthree\n"),
        ("nul \x00 bell \x07", "nul \\x00 bell \\x07"),
        ("byte \udce9 surrogate \ud800", "byte \\xe9 surrogate \\ud800"),
        ("\ufffe\uffff\ufdd0\U0001fffe", "\\ufffe\\uffff\\ufdd0\\U0001fffe"),
        ("\u202ebidi\u2066", "\\u202ebidi\\u2066"),
        ("[[ATTACHMENT|/etc/shadow]]", "[ [ATTACHMENT|/etc/shadow]]"),
        ("[[\x1b[0mATTACHMENT|x]]", "[ [ATTACHMENT|x]]"),
    ],
)
def test_clean(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_every_character_is_legal_xml_once_cleaned() -> None:
    text = clean("".join(map(chr, range(0x11000))) + HOSTILE)
    assert ET.fromstring(f"<a>{text.replace('&', '&amp;').replace('<', '&lt;').replace(']]>', '')}</a>").text  # noqa: S314 -- the parser is what is asked whether the text is legal


def test_excerpt_keeps_both_ends_and_counts_the_rest() -> None:
    assert excerpt("short\n", 100) == "short\n"
    assert excerpt("x" * 100, 100) == "x" * 100
    assert excerpt("a" * 60 + "b" * 60 + "c" * 30, 90) == (
        "a" * 60 + "\n[... 60 characters left out ...]\n" + "c" * 30
    )


def test_excerpt_of_much_is_short_and_counts_right() -> None:
    text = excerpt("h" * 5_000_000 + "t" * 5_000_000, 3000)
    assert text.startswith("h" * 2000 + "\n[... 9,997,000 characters left out ...]\n")
    assert text.endswith("t" * 1000)
    assert len(excerpt("\x00" * 10_000_000, 3000)) < 3100, "escapes do not outgrow the bound"


def test_excerpt_does_not_lose_the_end_when_the_start_vanishes() -> None:
    assert excerpt("\x1b[0m" * 200 + "the end", 60).endswith("the end")
    assert excerpt("\x1b[0m" * 20_000 + "the end", 60).endswith("the end")


def test_line_is_one_line() -> None:
    assert line("  a\n\tb\r\n c\u2028d ") == "a b c\\u2028d"
    assert "\n" not in line("x\n" * 10_000, 50)


def test_encodable_is_utf8_and_leaves_the_rest() -> None:
    value = {"\udcff": ["\ud83d", ("ok \x00", 1, 2.5, None, True)]}
    assert encodable(value) == {"\\xff": ["\\ud83d", ["ok \x00", 1, 2.5, None, True]]}
