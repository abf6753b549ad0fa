# SPDX-License-Identifier: GPL-2.0-only
"""From what a test program printed to cases: one of its own, and one for each of its tests. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from harness.console.model import Report
from harness.pipeline.judge import cause, told
from harness.pipeline.judge_ending import Afterwards, End, end_of
from harness.pipeline.model import Case, Said
from harness.span import Numbers
from harness.verdict import Verdict
from harness.workloads.ktap import Output, Result, read_ktap
from harness.workloads.program import Program
from harness.workloads.runner import Delivered

# tools/testing/selftests/kselftest.h of Linux 6.1: the exit codes.
_PASS, _FAIL, _XFAIL, _XPASS, _SKIP = range(5)
_NO_PROGRAM = (126, 127)
"""the shell could not start it"""
_BY_SIGNAL = 128
"""the shell that runs it adds this to the signal's number"""
_WORDS = 200


@dataclass(frozen=True)
class Heard:
    """All that is known of one program's run."""

    delivered: Delivered
    started: str
    reports: tuple[Report, ...]
    """console reports that began while it ran"""
    after: Afterwards
    output: str = ""
    """path of what it printed, relative to the run's directory"""

    @property
    def end(self) -> End | None:
        """How it was cut short, or its guest was, where that is a finding."""
        whole = self.delivered.ended.exit is not None
        return end_of(self.delivered, self.after, self.reports, whole=whole, samples=False)


def judge_program(program: Program, heard: Heard, kernel: Numbers) -> tuple[Case, ...]:
    """The program's own case, for how it ran, and one for each test that it told of.

    A test that fails fails its own case alone; a kernel report, or a result that is missing, is the
    program's. ``known`` rows make a failure ``skip``: it ran, and says nothing.
    """
    output = read_ktap(heard.delivered.lines) if program.test.ktap else Output()
    ran = _ending(heard) or _killed(heard) or _said(program, heard, output)
    verdict, reason = _console(heard) or ran
    own = Case(
        name=program.name,
        verdict=verdict,
        reason=reason,
        seconds=heard.delivered.seconds,
        started=heard.started,
        reports=heard.reports,
        said=() if ran[0] is Verdict.PASS else (Said(verdict=ran[0], reason=ran[1]),),
        ending=heard.end.word if heard.end else "",
        facts={"output": heard.output} if heard.output else {},
    )
    return own, *(_case(program, result, kernel, heard.started) for result in output.results)


def _console(heard: Heard) -> tuple[Verdict, str] | None:
    bad = [report for report in heard.reports if report.severity != "note"]
    return (Verdict.FAIL, told(cause(bad))) if bad else None


def _ending(heard: Heard) -> tuple[Verdict, str] | None:
    """What it is that there is no exit code, where there is none."""
    if end := heard.end:
        return end.verdict, end.reason
    if heard.delivered.ended.exit is not None:
        return None
    return Verdict.INFRA, f"cut off: {heard.delivered.ended.why}"


def _said(program: Program, heard: Heard, output: Output) -> tuple[Verdict, str]:
    if not program.test.ktap:
        return _by_code(heard.delivered.ended.exit or 0, heard.delivered.lines)
    return _no_tests(heard, output) or _all_told(heard, output)


def _killed(heard: Heard) -> tuple[Verdict, str] | None:
    number = (heard.delivered.ended.exit or 0) - _BY_SIGNAL
    if number not in set(signal.Signals):
        return None
    name = signal.Signals(number).name
    ours = number in (signal.SIGKILL, signal.SIGTERM)
    return (Verdict.BROKEN if ours else Verdict.FAIL), f"was killed by {name}"


def _no_tests(heard: Heard, output: Output) -> tuple[Verdict, str] | None:
    """Why a program that ended told of no tests, or not of all."""
    code, last = heard.delivered.ended.exit, _last_words(heard.delivered.lines)
    if output.skipped is not None or (code == _SKIP and not output.results):
        return Verdict.SKIP, output.skipped or last or "it says that it cannot run"
    if output.bail is not None:
        return Verdict.BROKEN, f"gave up: {output.bail}"
    if not output.results:
        return Verdict.BROKEN, f"told of no test, and ended with {code}: {last}"
    if output.missing or output.cut:
        missing = f"{output.missing} tests have no result"
        return Verdict.BROKEN, missing if output.missing else "it has more tests than are taken"
    return None


def _all_told(heard: Heard, output: Output) -> tuple[Verdict, str]:
    """A program that ended with a result for each test: does its exit code agree?"""
    code = heard.delivered.ended.exit
    if code == _FAIL and not any(one.status in _FAILURES for one in output.results):
        return Verdict.FAIL, "ended with 1, though none of its tests fails"
    if code not in (_PASS, _FAIL, _XFAIL, _XPASS, _SKIP):
        return Verdict.BROKEN, f"ended with {code}"
    return Verdict.PASS, f"ran to its end: {_count(output)}"


def _by_code(code: int, lines: tuple[bytes, ...]) -> tuple[Verdict, str]:
    """For a program that tells of no tests, as the kernel's own runner takes it."""
    if code in (_PASS, _XPASS):
        return Verdict.PASS, f"ended with {code}"
    if code in (_SKIP, _XFAIL):
        return Verdict.SKIP, _last_words(lines) or f"ended with {code}"
    verdict = Verdict.BROKEN if code in _NO_PROGRAM else Verdict.FAIL
    return verdict, f"ended with {code}: {_last_words(lines)}"


def _case(program: Program, result: Result, kernel: Numbers, started: str) -> Case:
    verdict, reason = _VERDICTS[result.status]
    why = f"{reason}: {result.reason}" if result.reason else reason
    if verdict in (Verdict.FAIL, Verdict.BROKEN):
        excuse = program.test.excuse(result.name, kernel)
        if excuse:
            verdict, why = Verdict.SKIP, f"{why}, which says nothing here: {excuse}"
    return Case(name=f"{program.name}.{result.name}", verdict=verdict, reason=why, started=started)


_FAILURES = ("fail", "error", "timeout")
_VERDICTS = {
    "pass": (Verdict.PASS, "ok"),
    "fail": (Verdict.FAIL, "not ok"),
    "skip": (Verdict.SKIP, "skipped by the test itself"),
    "todo": (Verdict.SKIP, "not ok, and known to its author (TODO)"),
    "xfail": (Verdict.SKIP, "fails as its author expects (XFAIL)"),
    "timeout": (Verdict.FAIL, "not ok, out of time"),
    "error": (Verdict.BROKEN, "the test could not do its work"),
}


def _count(output: Output) -> str:
    statuses = [one.status for one in output.results]
    return ", ".join(f"{statuses.count(one)} {one}" for one in dict.fromkeys(statuses))


def _last_words(lines: tuple[bytes, ...]) -> str:
    """The last line that is not empty, printable and bounded."""
    said = next((line for line in reversed(lines) if line.strip()), b"")
    text = said[:_WORDS].decode("ascii", "replace").strip()
    return "".join(one if one.isprintable() and one.isascii() else "?" for one in text)
