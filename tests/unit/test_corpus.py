# SPDX-License-Identifier: GPL-2.0-only
"""The corpus that comes with the project can be judged."""

from __future__ import annotations

from harness.analysis.table import load_routes
from harness.paths import CONFIGS
from harness.pipeline.corpus import DIRECTORY, load_corpus, patch_of
from harness.workloads.catalogue import every


def test_each_row_has_its_patch_and_each_patch_its_row() -> None:
    corpus = load_corpus()
    assert {patch_of(DIRECTORY, row.name) for row in corpus.rows} == set(DIRECTORY.glob("*.patch"))
    assert len(corpus.faults) >= 30
    assert len(corpus.harmless) >= 8


def test_each_patch_says_that_it_is_planted() -> None:
    for row in load_corpus().faults:
        text = patch_of(DIRECTORY, row.name).read_text()
        assert f"Planted-fault: {row.kind}" in text, row.name
        assert "Seen-by:" in text, row.name


def test_the_workloads_that_rows_name_are_there() -> None:
    known = {workload.name for workload in every(CONFIGS / "workloads.yaml")}
    named = {name for row in load_corpus().faults for name in row.by}
    assert named <= known
    reached = {name for route in load_routes().routes for name in route.workloads}
    assert reached <= known
