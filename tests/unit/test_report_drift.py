# SPDX-License-Identifier: GPL-2.0-only
"""The picture of a case: what it shows, that it is well-formed, always the same, and when there is none."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from harness.memcg.invariants import judge
from harness.memcg.stream import read_records, to_jsonl
from harness.pipeline.model import Case, Cell
from harness.report.drift import draw, draw_drifts
from tests.unit.memcg_sample import SETTLE, V61
from tests.unit.report_sample import HOSTILE, case, cell, run

DATA = Path(__file__).parent.parent / "data" / "memcg"
SVG = "{http://www.w3.org/2000/svg}"


def recorded(name: str, directory: Path) -> tuple[Cell, Case, Path]:
    stream = read_records((DATA / f"{name}.jsonl").read_bytes().splitlines())
    path = directory / "case.samples.jsonl"
    path.write_bytes(b"".join(to_jsonl(stream)))
    assert stream.begin is not None
    one = case("anon", checks=judge(stream, V61, SETTLE).checks, samples=path.name, drift="case.drift.svg")
    return cell(f"base-{stream.begin.iface}", (one,)), one, path


def read(drawn: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(drawn)  # noqa: S314 - our own


def words(drawn: bytes) -> list[str]:
    return [each.text or "" for each in read(drawn).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", ["6.1-v1-shm", "6.1-v2-file"])
def test_usage_parts_and_what_is_between_them(name: str, tmp_path: Path) -> None:
    drawn = draw(*recorded(name, tmp_path))
    assert {"usage", "pages on lists", "kernel memory", "difference", "allowed while running"} <= set(
        words(drawn)
    )
    root = read(drawn)
    assert len(list(root.iter(f"{SVG}polyline"))) == 2
    assert len(list(root.iter(f"{SVG}polygon"))) == 2
    numbers = [
        float(number)
        for line in (*root.iter(f"{SVG}polyline"), *root.iter(f"{SVG}polygon"))
        for number in line.attrib["points"].replace(",", " ").split()
    ]
    assert min(numbers) >= 0
    assert max(numbers) <= 960


def test_the_same_case_gives_the_same_bytes(tmp_path: Path) -> None:
    assert draw(*recorded("6.1-v2-file", tmp_path)) == draw(*recorded("6.1-v2-file", tmp_path))


def test_what_was_not_kept_is_said_and_nothing_is_believed(tmp_path: Path) -> None:
    of, one, path = recorded("6.1-v2-file", tmp_path)
    broken = tuple(replace(check, kept=False, says=f"{HOSTILE}</text><script>") for check in one.checks)
    drawn = draw(of, replace(one, name=HOSTILE, checks=broken), path)
    assert b"<script" not in drawn
    assert b"\x1b" not in drawn
    assert any("<script>" in word for word in words(drawn))


def test_without_a_check_on_the_difference_there_is_none(tmp_path: Path) -> None:
    of, one, path = recorded("6.1-v2-file", tmp_path)
    assert "difference" not in words(draw(of, replace(one, checks=()), path))


@pytest.mark.parametrize("text", ["", "nonsense\n", '{"stage":"run","ms":1}\n', '{"ms":[]}\n', "[]\n\xff\n"])
def test_samples_that_say_nothing_give_no_picture(text: str, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(text, encoding="latin-1")
    one = case("anon")
    assert draw(cell("base-v2", (one,)), one, path) == b""
    assert draw(cell("base-v2", (one,)), one, tmp_path / "none") == b""
    assert draw(cell("base-v3", (one,)), one, path) == b""


def test_a_run_is_drawn_once(tmp_path: Path) -> None:
    of, one, path = recorded("6.1-v1-shm", tmp_path)
    whole = run((of, cell("base-v2", (case("boot"),))))
    draw_drifts(tmp_path, whole)
    drawn = tmp_path / one.drift
    assert drawn.read_bytes().startswith(b"<?xml")
    drawn.write_text("kept")
    path.unlink()
    draw_drifts(tmp_path, whole)
    assert drawn.read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 1
