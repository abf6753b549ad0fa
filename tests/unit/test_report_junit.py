# SPDX-License-Identifier: GPL-2.0-only
"""junit.xml against a schema, against another reader, and with what a hostile kernel may say."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import junitparser
import msgspec
import pytest
import xmlschema

from harness.pipeline.model import Run, Unbuilt
from harness.report.junit import write_junit
from harness.report.junitnames import scope_of_run, version
from harness.verdict import Verdict
from tests.unit.report_sample import BUG, LEAK, case, cell, green, hostile, red, run, unfinished

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent.parent / "data/junit/jenkins-junit.xsd")
EMPTY = run((), Verdict.PASS)
NO_BOOT = run((cell("patched-v1", (), Verdict.FAIL),), Verdict.FAIL, "the kernel panicked at boot")


def suites(directory: Path, value: Run) -> dict[str, ET.Element]:
    root = ET.parse(write_junit(directory, value)).getroot()  # noqa: S314 -- our own file; that it is safe is what is tested
    return {suite.get("name", ""): suite for suite in root}


def find(found: dict[str, ET.Element], words: str, name: str, aspect: str = "") -> ET.Element:
    """The case of class ``….IFACE.NAME`` in the suite with *words* in its name, in one aspect."""
    (element,) = (element for key, element in found.items() if f" {words} " in key)
    (node,) = (
        node
        for node in element.findall("testcase")
        if (node.get("classname") or "").endswith(f".{name}") and (node.get("name") or "").endswith(aspect)
        and (aspect or (node.get("name") or "").split()[-1] not in ("drift", "console"))
    )  # fmt: skip
    return node


def the_run(found: dict[str, ET.Element]) -> ET.Element:
    """What the run came to beside its cases."""
    return find(found, "run", "run")


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
    assert [node.tag for node in find(found, "base v1", "anon")] == ["system-out"]
    for suite, name, aspect, tag in (
        ("patched v1", "anon", "", "skipped"),
        ("patched v1", "anon", "drift", "failure"),
        ("patched v1", "anon", "console", "failure"),
        ("patched v1", "shmem", "", "error"),
        ("patched v2", "file", "", "error"),
        ("base v1", "shmem", "", "skipped"),
    ):
        tags = [node.tag for node in find(found, suite, name, aspect)]
        assert tags == [tag, "system-out"], (suite, name)
    skipped = find(found, "base v1", "shmem").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "base kernel, without the series: the kernel has no tmpfs"


def test_counts_and_names(tmp_path: Path) -> None:
    found = suites(tmp_path, red())
    suite = found["memcg.v6_1 patched v1 default"]
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "9", "failures": "3", "errors": "1", "skipped": "1", "time": "45.750"}
    assert suite.get("hostname") == "builder"
    assert suite.get("timestamp") == "2026-11-23T06:15:00+00:00"
    assert [(node.get("classname"), node.get("name")) for node in suite.findall("testcase")][:4] == [
        ("memcg.v6_1.v1.anon", "patched default"),
        ("memcg.v6_1.v1.anon", "patched default drift"),
        ("memcg.v6_1.v1.anon", "patched default console"),
        ("memcg.v6_1.v1.file", "patched default"),
    ]
    values = {node.get("name"): node.get("value") for node in suite.iter("property")}
    assert values["release"] == "6.1.192"
    assert values["machine.accelerator"] == "tcg"
    assert values["first_bad_patch"] == "first bad patch: 2/3 memcg: charge twice"


def test_a_console_says_what_where_and_how_to_repeat(tmp_path: Path) -> None:
    node = find(suites(tmp_path, red()), "patched v1", "anon", "console").find("failure")
    assert node is not None
    assert node.get("type") == "kernel BUG in mem_cgroup_charge"
    assert node.get("message") == "kernel BUG in mem_cgroup_charge at mm/memcontrol.c:264"
    text = node.text or ""
    for part in (
        "first bad patch: 2/3 memcg: charge twice",
        "mm/memcontrol.c:264",
        "  stack:\n    try_charge mm/memcontrol.c:264 [inlined]\n    mem_cgroup_charge+0x1f/0x90 mm",
        "invalid opcode",
        "# Boot patched-v1\nqemu-system-x86_64 -kernel",
    ):
        assert part in text
    assert "NOT KEPT" not in text


def test_a_console_says_the_condition(tmp_path: Path) -> None:
    told = msgspec.structs.replace(BUG, condition="VM_BUG_ON(nr < 0)", because="patch 2 wrote that line")
    value = red()
    value = msgspec.structs.replace(value, cells=(
        cell("patched-v1", (case("anon", Verdict.FAIL, "x", reports=(told,)),), Verdict.FAIL),
    ))  # fmt: skip
    node = find(suites(tmp_path, value), "patched v1", "anon", "console").find("failure")
    assert node is not None
    assert node.get("message") == (
        "kernel BUG in mem_cgroup_charge at mm/memcontrol.c:264: VM_BUG_ON(nr < 0); patch 2 wrote that line"
    )


def test_drift_says_what_was_measured(tmp_path: Path) -> None:
    node = find(suites(tmp_path, red()), "patched v1", "anon", "drift").find("failure")
    assert node is not None
    assert node.get("type") == "drift: usage-at-rest"
    assert node.get("message") == "usage at rest is 2097152 bytes, expected 0 within 524288"
    text = node.text or ""
    assert "first bad patch: 2/3 memcg: charge twice" in text
    assert (
        "NOT KEPT  usage-at-rest: measured 2,097,152 bytes, expected 0, tolerance 524,288 (2 CPUs x" in text
    )
    assert "invalid opcode" not in text


def test_the_base_is_named_where_the_base_fails(tmp_path: Path) -> None:
    found = suites(tmp_path, red())
    base = find(found, "base v1", "file", "drift").find("failure")
    patched = find(found, "patched v1", "file", "drift").find("failure")
    assert base is not None
    assert patched is not None
    assert base.get("message", "").startswith("base kernel, without the series: usage at rest is 2097152")
    assert patched.get("message", "").endswith("within 524288 [the base fails here too: not the series]")
    assert base.get("type") == "drift: usage-at-rest"
    assert "first bad patch" not in (base.text or "") + (patched.text or "")
    for name, suite in found.items():
        named = [node.get("name") for node in suite.iter("property")]
        assert ("first_bad_patch" in named) is ("patched v1" in name or " run " in name)


def _files(directory: Path, *names: str) -> list[str]:
    for name in names:
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text("x")
    return [f"[[ATTACHMENT|{directory / name}]]" for name in names]


def test_output_ends_with_the_attachments(tmp_path: Path) -> None:
    samples, picture = "patched-v1/anon.jsonl", "patched-v1/anon.drift.svg"
    attached = _files(tmp_path, samples, picture, "patched-v1/console.log", "patched-v1/console-2.log")
    value = run((cell("patched-v1", (
        case("anon", Verdict.FAIL, "", "patched-v1", reports=(BUG,), checks=(LEAK,), drift=picture),
        case("shm", Verdict.BROKEN, "", "patched-v1", checks=(), drift="patched-v1/shm.drift.svg"),
    ), Verdict.FAIL),), Verdict.FAIL)  # fmt: skip
    found = suites(tmp_path, value)
    output = find(found, "patched v1", "anon", "drift").findtext("system-out") or ""
    assert output.splitlines()[-2:] == attached[:2], "the picture last"
    assert "measured 2,097,152 bytes, expected 0, tolerance 524,288" in output
    assert "pages_touched = 812345" in (find(found, "patched v1", "anon").findtext("system-out") or "")
    output = find(found, "patched v1", "anon", "console").findtext("system-out") or ""
    assert sorted(output.splitlines()[-2:]) == sorted(attached[2:])
    for aspect in ("", "drift"):
        output = find(found, "patched v1", "shm", aspect).findtext("system-out") or ""
        assert "shm.drift.svg" not in output, "what is not there is not attached"


def test_a_console_report_has_the_console_of_its_guest(tmp_path: Path) -> None:
    _files(tmp_path, "patched-v1/console.log", "patched-v1/console-2.log")
    (tmp_path / "patched-v1/console-2.log").write_text(" " * BUG.offset + BUG.text)
    value = run((cell("patched-v1", (case("anon", Verdict.FAIL, "", reports=(BUG,)),), Verdict.FAIL),))
    output = find(suites(tmp_path, value), "patched v1", "anon", "console").findtext("system-out") or ""
    assert [line for line in output.splitlines() if "ATTACHMENT" in line] == [
        f"[[ATTACHMENT|{tmp_path}/patched-v1/console-2.log]]"
    ]


def test_of_a_pass_only_what_jenkins_keeps_is_attached(tmp_path: Path) -> None:
    """It trims to 500 characters at each end before junit-attachments reads."""
    deep = tmp_path / ("d" * 200) / ("e" * 200)
    deep.mkdir(parents=True)
    (picture,) = _files(deep, "base-v1/anon.drift.svg")
    assert len(picture) > 400
    good = case("anon", drift="base-v1/anon.drift.svg")
    output = find(suites(deep, run((cell("base-v1", (good,)),))), "base v1", "anon", "drift")
    assert (output.findtext("system-out") or "").endswith("\n" + picture) is (len(picture) < 500)


def test_nothing_outside_of_the_run_is_attached(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    (directory / "base-v1").mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (directory / "base-v1/link.svg").symlink_to(tmp_path / "secret")
    cases = (case("anon", drift="../secret"), case("file", drift="base-v1/link.svg"))
    assert "ATTACHMENT" not in write_junit(directory, run((cell("base-v1", cases),))).read_text()


def test_a_run_cut_off_says_so_beside_what_is_there(tmp_path: Path) -> None:
    found = suites(tmp_path, unfinished())
    error = the_run(found).find("error")
    assert error is not None
    assert error.get("message", "").startswith("the run did not come to its end: not finished")
    assert find(found, "base v1", "anon").find("error") is None
    assert [node.tag for node in the_run(suites(tmp_path, green()))] == ["system-out"]


def test_each_kernel_that_was_built_is_a_case(tmp_path: Path) -> None:
    (suite,) = (suite for name, suite in suites(tmp_path, green()).items() if " run " in name)
    built = [node for node in suite.findall("testcase") if node.get("classname") == "memcg.v6_1.build"]
    assert [(node.get("name"), node.get("time")) for node in built] == [
        ("base default", "0.000"),
        ("patched default", "42.300"),
    ]
    assert "unused variable 'x'" in (built[1].findtext("system-out") or "")


@pytest.mark.parametrize(("kernel", "tag"), [("patched", "failure"), ("base", "error")])
def test_a_kernel_that_does_not_build_is_told_once(tmp_path: Path, kernel: str, tag: str) -> None:
    verdict = Verdict.FAIL if kernel == "patched" else Verdict.BROKEN
    why = "mm/memcontrol.c:12: 'x' undeclared (log: /l)"
    value = run((), verdict, f"the {kernel} kernel does not build: {why}", kernels=(),
                finished="now" if kernel == "patched" else "",
                unbuilt=(Unbuilt(kernel=kernel, profile="plain", verdict=verdict, reason=why),))  # fmt: skip
    (suite,) = suites(tmp_path, value).values()
    ended = [(node.get("classname"), node.get("name"), node[0].tag) for node in suite.findall("testcase")]
    assert ended == [
        ("memcg.v6_1.run", "default", "system-out"),
        ("memcg.v6_1.build", f"{kernel} plain default", tag),
    ]
    assert why in (suite.findall("testcase")[1][0].get("message") or "")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_run_is_never_a_pass(tmp_path: Path, verdict: Verdict) -> None:
    for value in (run((), verdict), run((cell("base-v1", (), verdict),), verdict)):
        tags = [node[0].tag for suite in suites(tmp_path, value).values() for node in suite.iter("testcase")
                if node.get("classname") != "memcg.v6_1.build"]  # fmt: skip
        assert {"failure", "error", "skipped"} & set(tags)


def test_what_shows_in_no_case_gets_one(tmp_path: Path) -> None:
    lost = run((cell("patched-v1", (case("anon"),), Verdict.INFRA),), Verdict.INFRA, "QEMU went away")
    error = find(suites(tmp_path, lost), "patched v1", "guest").find("error")
    assert error is not None
    assert error.get("message") == "QEMU went away"
    late = msgspec.structs.replace(green(), verdict=Verdict.INFRA, reason="the disk is full")
    error = the_run(suites(tmp_path, late)).find("error")
    assert error is not None
    assert error.get("message") == "the disk is full"


def test_a_failure_without_words_is_not_dropped(tmp_path: Path) -> None:
    mute = msgspec.structs.replace(case("anon", Verdict.FAIL), reason="")
    value = run((cell("patched-v1", (mute,), Verdict.FAIL),), Verdict.FAIL)
    failure = find(suites(tmp_path, value), "patched v1", "anon").find("failure")
    assert failure is not None
    assert failure.get("message") == "fail, no reason given"


def test_a_program_and_its_tests_are_of_one_class(tmp_path: Path) -> None:
    names = (
        "selftests-cgroup.test_kill",
        "selftests-cgroup.test_kill.tree",
        "selftests-cgroup.test_kill.a.b",
    )
    value = run((cell("patched-v2", tuple(case(name, checks=(), samples="") for name in names)),))
    (suite,) = (suite for name, suite in suites(tmp_path, value).items() if "patched" in name)
    cases = suite.findall("testcase")
    assert {node.get("classname") for node in cases} == {"memcg.v6_1.v2.selftests-cgroup.test_kill"}
    assert [node.get("name") for node in cases] == [
        "patched default", "patched default console", "patched default tree", "patched default a.b",
    ]  # fmt: skip


def test_hostile_text_is_bounded_and_attaches_nothing(tmp_path: Path) -> None:
    path = write_junit(tmp_path, hostile())
    text = path.read_text()
    assert path.stat().st_size < 500_000
    assert "\x1b" not in text
    assert "characters left out" in text
    assert "[[ATTACHMENT|/etc" not in text
    node = find(suites(tmp_path, hostile()), "patched v1", "anon", "console").find("failure")
    assert node is not None
    assert (node.get("message") or "").startswith("red ]]> <![CDATA[ \\x00 \\x80 \\ud800 \\ufffe\\uffff")
    assert "To repeat" in (node.text or ""), "a long console does not push out the way to repeat it"


def test_a_kernel_that_complains_everywhere_makes_no_huge_file(tmp_path: Path) -> None:
    """Jenkins keeps every failure's text in build.xml: the first ones are whole, the others short."""
    loud = msgspec.structs.replace(BUG, text="x" * 12_000)
    names = [f"w{number}" for number in range(200)]
    cases = tuple(case(name, Verdict.FAIL, "", "patched-v1", reports=(loud,) * 5) for name in names)
    found = suites(tmp_path, run((cell("patched-v1", cases, Verdict.FAIL),), Verdict.FAIL))
    assert 4_000_000 < (tmp_path / "junit.xml").stat().st_size < 5_500_000
    texts = [find(found, "patched v1", name, "console").findtext("failure") or "" for name in names]
    assert "To repeat" in texts[0]
    assert len(texts[-1]) < 2_500
    assert f"all of it is in {tmp_path}/run.json" in texts[-1]


def test_a_reason_of_10_mb_is_a_headline(tmp_path: Path) -> None:
    value = run((cell("patched-v1", (case("anon", Verdict.INFRA, "x" * 10_000_000),), Verdict.INFRA),))
    error = find(suites(tmp_path, value), "patched v1", "anon").find("error")
    assert error is not None
    assert len(error.get("message") or "") < 500
    assert "characters left out ...]" in (error.get("message") or "")


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ("linux-source-6.1 6.1.192", "v6_1"),
        ("mmotm 2.6.27-rc3", "v2627"),
        ("linux 6.12-rc3-gdeadbeef", "v6_12"),
        ("", "v6_1"),
    ],
)
def test_version_in_names(tree: str, expected: str) -> None:
    """A stable release or the next -rc must not make every test a new one."""
    assert version(run((), tree=tree)) == expected


def test_names_hold_no_dots_of_their_own() -> None:
    scope = scope_of_run(run((), plan="my plan", tree="", kernels=()))
    assert scope.classname("a.b", "c d") == "memcg.unknown.a_b.c_d"
    assert scope.kernel("patched", "see") == "patched see my plan"
