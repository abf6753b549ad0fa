# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.memcg.interface import (
    UNLIMITED,
    at_least,
    files_to_sample,
    load_table,
    pairs,
    read,
    shipped,
    value,
)
from harness.memcg.invariants import MEASURES
from harness.tree.model import Version


def test_usage_is_read_first_and_statistics_are_flushed_before_they_are_read() -> None:
    assert files_to_sample("v1")[:2] == ("memory.usage_in_bytes", "memory.stat")
    assert files_to_sample("v2")[:3] == ("memory.current", "cpu.stat", "memory.stat")


def test_what_is_written_is_not_sampled() -> None:
    sampled = {*files_to_sample("v1"), *files_to_sample("v2")}
    assert sampled.isdisjoint({"memory.force_empty", "memory.reclaim", "memory.max"})


def test_an_interface_that_is_none() -> None:
    with pytest.raises(KeyError):
        files_to_sample("v3")


def test_every_check_has_its_measure_and_every_entry_its_file() -> None:
    table = shipped()
    assert {rule.measure for rule in table.checks} == set(MEASURES)
    assert {term.name for term in table.terms} == {name for rule in table.checks for name in rule.terms}
    for row in table.interfaces:
        known = {file.name for file in row.files if file.sampled}
        named = {entry.partition(":")[0] for each in row.quantities for entry in (*each.adds, *each.takes)}
        assert named <= known


@pytest.mark.parametrize(
    ("text", "number"),
    [("4096\n", 4096), ("max\n", UNLIMITED), ("", None), ("12 34", None), ("0x10", None), ("9" * 30, None)],
)
def test_single_values(text: str, number: int | None) -> None:
    assert value(text) == number


def test_pairs_pass_over_what_is_none() -> None:
    assert pairs("anon 1\nfile\n 3\nslab 2 3\nlow max\n") == {"anon": 1, "low": UNLIMITED}


def test_an_entry_is_a_file_or_a_key_of_one() -> None:
    files = {"memory.current": "7\n", "memory.stat": "anon 5\n"}
    assert read(files, "memory.current") == 7
    assert read(files, "memory.stat:anon") == 5
    assert read(files, "memory.stat:file") is None
    assert read(files, "memory.peak") is None


@pytest.mark.parametrize(
    ("version", "since", "yes"),
    [
        (Version(2, 6, 27), "2.6.33", False),
        (Version(2, 6, 33), "2.6.33", True),
        (Version(3, 2, 0), "2.6.33", True),
        (Version(6, 1, 192), "6.1", True),
        (Version(6, 0, 19), "6.1", False),
        (Version(6, 1, 0, rc=3), "6.1", True),
    ],
)
def test_version_ranges(version: Version, since: str, yes: bool) -> None:
    assert at_least(version, since) is yes


def test_a_term_that_is_none_is_the_users_error(tmp_path: Path) -> None:
    path = tmp_path / "memcg.yaml"
    path.write_text(
        "interfaces: []\nterms: []\nchecks:\n- {name: c, measure: only-rise, terms: [x], why: w}\n"
    )
    with pytest.raises(UserError, match="check 'c': 'x' is no term"):
        load_table(path)
