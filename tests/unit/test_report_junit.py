# SPDX-License-Identifier: GPL-2.0-only
"""junit.xml against a schema, against another reader, and with what a hostile kernel may say."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import junitparser
import msgspec
import pytest
import xmlschema

from harness.pipeline.model import Run
from harness.report.junit import write_junit
from harness.report.junitnames import classname, version
from harness.verdict import Verdict
from tests.unit.report_sample import case, cell, green, hostile, red, run, unfinished

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent.parent / "data/junit/jenkins-junit.xsd")
EMPTY = run((), Verdict.PASS)
NO_BOOT = run((cell("patched-v1", (), Verdict.FAIL),), Verdict.FAIL, "the kernel panicked at boot")


def suites(directory: Path, value: Run) -> dict[str, ET.Element]:
    root = ET.parse(write_junit(directory, value)).getroot()  # noqa: S314 -- our own file; that it is safe is what is tested
    return {suite.get("name", ""): suite for suite in root}


def find(found: dict[str, ET.Element], suite: str, name: str) -> ET.Element:
    (element,) = (element for key, element in found.items() if suite in key)
    (node,) = element.findall(f"testcase[@name='{name}']")
    return node


@pytest.mark.parametrize(
    "value",
    [green(), red(), unfinished(), hostile(), EMPTY, NO_BOOT],
    ids=["green", "red", "cut", "hostile", "empty", "no-boot"],
)
def test_schema_and_second_reader(tmp_path: Path, value: Run) -> None:
    path = write_junit(tmp_path, value)
    SCHEMA.validate(path)
    read = junitparser.JUnitXml.fromfile(str(path))
    assert read.tests == sum(len(list(suite)) for suite in read) > 0
    kinds = [type(result) for suite in read for node in suite for result in node.result]
    assert (read.failures, read.errors) == (kinds.count(junitparser.Failure), kinds.count(junitparser.Error))
    assert {file.name for file in tmp_path.iterdir()} == {"junit.xml"}, "nothing half-written is left"


def test_the_schema_can_refuse(tmp_path: Path) -> None:
    text = write_junit(tmp_path, red()).read_text()
    for good, bad in ((' time="15.250"', ' time="1e-05"'), ("<system-out>", "<skipped/><system-out>")):
        assert good in text
        assert not SCHEMA.is_valid(text.replace(good, bad, 1))


def test_each_verdict_is_its_own_element(tmp_path: Path) -> None:
    found = suites(tmp_path, red())
    assert [node.tag for node in find(found, "base-v1", "anon")] == ["system-out"]
    for suite, name, tag in (
        ("patched-v1", "anon", "failure"),
        ("patched-v1", "shmem", "error"),
        ("patched-v2", "file", "error"),
        ("base-v1", "shmem", "skipped"),
    ):
        tags = [node.tag for node in find(found, suite, name)]
        assert tags == [tag, "system-out"], (suite, name)
    skipped = find(found, "base-v1", "shmem").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "base kernel, without the series: the kernel has no tmpfs"


def test_counts_and_names(tmp_path: Path) -> None:
    found = suites(tmp_path, red())
    suite = found["memcg.v6_1_192.default.patched-v1 (patched kernel, cgroup v1)"]
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "3", "failures": "2", "errors": "1", "skipped": "0", "time": "45.750"}
    assert suite.get("hostname") == "builder"
    assert suite.get("timestamp") == "2026-11-23T06:15:00+00:00"
    assert {node.get("classname") for node in suite.findall("testcase")} == {
        "memcg.v6_1_192.default.patched-v1"
    }
    values = {node.get("name"): node.get("value") for node in suite.iter("property")}
    assert values["release"] == "6.1.192"
    assert values["machine.accelerator"] == "tcg"
    assert values["first_bad_patch"] == "first bad patch: 2/3 memcg: charge twice"


def test_a_failure_says_what_where_and_how_to_repeat(tmp_path: Path) -> None:
    node = find(suites(tmp_path, red()), "patched-v1", "anon").find("failure")
    assert node is not None
    assert node.get("type") == "kernel BUG in mem_cgroup_charge"
    assert node.get("message") == "kernel BUG in mem_cgroup_charge"
    text = node.text or ""
    for part in (
        "first bad patch: 2/3 memcg: charge twice",
        "NOT KEPT  usage-at-rest: measured 2,097,152 bytes, expected 0, tolerance 524,288 (2 CPUs x 64 pages",
        "mm/memcontrol.c:264",
        "  stack:\n    try_charge mm/memcontrol.c:264 [inlined]\n    mem_cgroup_charge+0x1f/0x90 mm",
        "invalid opcode",
        "# Boot patched-v1\nqemu-system-x86_64 -kernel",
    ):
        assert part in text


def test_the_base_is_named_where_the_base_fails(tmp_path: Path) -> None:
    found = suites(tmp_path, red())
    base = find(found, "base-v1", "file").find("failure")
    patched = find(found, "patched-v1", "file").find("failure")
    assert base is not None
    assert patched is not None
    assert base.get("message") == "base kernel, without the series: usage stays 2 MiB above 0"
    assert patched.get("message") == "usage stays 2 MiB above 0; the base fails here too"
    assert base.get("type") == "drift: usage-at-rest"
    assert "first bad patch" not in (base.text or "") + (patched.text or "")
    for name, suite in found.items():
        named = [node.get("name") for node in suite.iter("property")]
        assert ("first_bad_patch" in named) is ("patched-v1" in name)


def test_output_ends_with_the_attachments(tmp_path: Path) -> None:
    output = find(suites(tmp_path, red()), "patched-v1", "anon").findtext("system-out") or ""
    assert "pages_touched = 812345" in output
    assert "measured 2,097,152 bytes, expected 0, tolerance 524,288" in output
    assert output.splitlines()[-2:] == [
        f"[[ATTACHMENT|{tmp_path}/patched-v1/console.log]]",
        f"[[ATTACHMENT|{tmp_path}/patched-v1/anon.jsonl]]",
    ]


def test_a_run_cut_off_says_so_beside_what_is_there(tmp_path: Path) -> None:
    found = suites(tmp_path, unfinished())
    error = find(found, "memcg-harness", "run").find("error")
    assert error is not None
    assert "cut off" in (error.get("message") or "")
    assert find(found, "base-v1", "anon").find("error") is None
    assert "memcg-harness" not in suites(tmp_path, green())


@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_run_is_never_a_pass(tmp_path: Path, verdict: Verdict) -> None:
    for value in (run((), verdict), run((cell("base-v1", (), verdict),), verdict)):
        (suite,) = suites(tmp_path, value).values()
        (node,) = suite.findall("testcase")
        assert next(child.tag for child in node) in ("failure", "error", "skipped")


def test_what_shows_in_no_case_gets_one(tmp_path: Path) -> None:
    lost = run((cell("patched-v1", (case("anon"),), Verdict.INFRA),), Verdict.INFRA, "QEMU went away")
    error = find(suites(tmp_path, lost), "patched-v1", "guest").find("error")
    assert error is not None
    assert error.get("message") == "QEMU went away"
    late = msgspec.structs.replace(green(), verdict=Verdict.INFRA, reason="the disk is full")
    error = find(suites(tmp_path, late), "memcg-harness", "run").find("error")
    assert error is not None
    assert error.get("message") == "the disk is full"


def test_a_failure_without_words_is_not_dropped(tmp_path: Path) -> None:
    mute = msgspec.structs.replace(case("anon", Verdict.FAIL), reason="")
    node = find(
        suites(tmp_path, run((cell("patched-v1", (mute,), Verdict.FAIL),), Verdict.FAIL)),
        "patched-v1",
        "anon",
    )
    failure = node.find("failure")
    assert failure is not None
    assert failure.get("message") == "fail, no reason given"


def test_hostile_text_is_bounded_and_attaches_nothing(tmp_path: Path) -> None:
    path = write_junit(tmp_path, hostile())
    text = path.read_text()
    assert path.stat().st_size < 500_000
    assert "\x1b" not in text
    assert "characters left out" in text
    assert "[[ATTACHMENT|/etc" not in text
    node = find(suites(tmp_path, hostile()), "patched-v1", "anon").find("failure")
    assert node is not None
    assert (node.get("message") or "").startswith("red ]]> <![CDATA[ \\x00 \\x80 \\ud800 \\ufffe\\uffff")
    assert "To repeat" in (node.text or ""), "a long console does not push out the way to repeat it"


def test_a_reason_of_10_mb_is_a_headline(tmp_path: Path) -> None:
    value = run((cell("patched-v1", (case("anon", Verdict.INFRA, "x" * 10_000_000),), Verdict.INFRA),))
    error = find(suites(tmp_path, value), "patched-v1", "anon").find("error")
    assert error is not None
    assert len(error.get("message") or "") < 500
    assert "characters left out ...]" in (error.get("message") or "")


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ("linux-source-6.1 6.1.192", "v6_1_192"),
        ("mmotm 2.6.27-rc3", "v2627rc3"),
        ("linux 6.12-rc3-gdeadbeef", "v6_12rc3"),
        ("", "v6_1_192"),
    ],
)
def test_version_in_names(tree: str, expected: str) -> None:
    assert version(run((), tree=tree)) == expected


def test_names_hold_no_dots_of_their_own() -> None:
    assert (
        classname(run((), plan="my plan.yaml", tree="", kernels=()), "base-v1")
        == "memcg.unknown.my_plan_yaml.base-v1"
    )
