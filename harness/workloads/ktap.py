# SPDX-License-Identifier: GPL-2.0-only
"""KTAP and TAP: what a test program printed, as results.

Formats: KTAP 1 (Documentation/dev-tools/ktap.rst of Linux 6.1), TAP 13 and 14 (testanything.org), and
what kselftest prints beside them (tools/testing/selftests/kselftest.h: a skipped test's name stands
behind the directive). A nested test is indented by white space or by ``# ``; its parent's result line
follows it. Lines that are neither are allowed everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

_RESULT = re.compile(r"(?P<bad>not )?ok(?=\s|\Z)(?:\s+(?P<number>\d{1,9})(?=\s|\Z))?\s*(?:- )?(?P<rest>.*)")
_PLAN = re.compile(r"1\.\.(?P<count>\d{1,9})\s*(?:#\s*(?P<rest>.*))?\Z")
_BAIL = re.compile(r"Bail out!\s*(?P<reason>.*)")
_DIRECTIVE = re.compile(
    r"(?:^|(?<=\s))#\s*(?P<word>SKIP|TODO|XFAIL|TIMEOUT|ERROR)(?:PED)?\b:?\s*(?P<text>.*)", re.IGNORECASE
)
_EXIT = re.compile(r"\s#\s*exit=(?P<code>-?\d+)\s*\Z")
_INDENT = re.compile(r"\A(?:#|\s)+")
_NAME = re.compile(r"[^A-Za-z0-9._]+")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")

_MOST = 2000
"""results of a program that are taken; a table of cases is not that long"""
_LINE = 1000
_TEXT = 200
_NAME_LENGTH = 80
_DEPTH = 32
"""columns of indentation that are told apart: eight levels of TAP 14"""

_GRAVITY = ("pass", "skip", "xfail", "todo", "error", "timeout", "fail")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One test."""

    name: str
    """of letters, digits, ``.``, ``_`` and ``-``; of a nested test behind those of its parents, with dots"""
    status: str
    """``pass``, ``fail``, or a directive: ``skip``, ``todo``, ``xfail``, ``timeout``, ``error``.

    ``todo`` and ``xfail`` are only for a test that failed, as its author expects."""
    reason: str = ""
    """what stands behind the directive, or the program's exit code; printable, at most 200 characters"""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What a program printed."""

    results: tuple[Result, ...] = ()
    planned: int | None = None
    """how many tests the program said that it has; None where it did not say"""
    missing: int = 0
    """tests that were planned or counted and have no result, nested ones too"""
    bail: str | None = None
    """why the program gave up, where it said that it does"""
    skipped: str | None = None
    """why it has no tests to run, from its plan: ``1..0 # SKIP …``"""
    cut: bool = False
    """there were more results than are taken"""


@dataclass
class _Test:
    name: str
    status: str
    reason: str
    nested: list[_Group] = field(default_factory=list)


@dataclass
class _Group:
    """Tests of one indentation that belong together."""

    column: int
    tests: list[_Test] = field(default_factory=list)
    numbered: dict[int, _Test] = field(default_factory=dict)
    planned: int | None = None
    loose: list[_Group] = field(default_factory=list)
    """nested groups whose parent has not spoken yet"""

    def missing(self) -> int:
        """Tests without a result, of this group and all nested in it."""
        expected = max([self.planned or 0, *self.numbered])
        nested = [group for test in self.tests for group in test.nested] + self.loose
        return max(0, expected - len(self.tests)) + sum(group.missing() for group in nested)


class _Reader:
    def __init__(self) -> None:
        self.stack = [_Group(0)]
        self.count = 0
        self.cut = False
        self.bail: str | None = None
        self.skipped: str | None = None

    def take(self, raw: bytes) -> None:
        text = raw[:_LINE].decode("utf-8", "replace").rstrip()
        body = _INDENT.sub("", text)
        column = min(len(text) - len(body), _DEPTH)
        if plan := _PLAN.match(body):
            self._plan(column, int(plan["count"]), plan["rest"] or "")
        elif bail := _BAIL.match(body):
            self.bail = self.bail or _printable(bail["reason"]) or "no reason given"
        elif (result := _RESULT.match(body)) and (column == 0 or result["number"]):  # not "# ok, so far"
            self._result(column, bool(result["bad"]), int(result["number"] or 0), result["rest"])

    def _at(self, column: int) -> _Group:
        """The open group of *column*; deeper ones are closed and wait for their parent."""
        while self.stack[-1].column > column:
            closed = self.stack.pop()
            if not self.stack or self.stack[-1].column < column:
                self.stack.append(_Group(column))
            self.stack[-1].loose.append(closed)
        if self.stack[-1].column < column:
            self.stack.append(_Group(column))
        return self.stack[-1]

    def _plan(self, column: int, count: int, rest: str) -> None:
        group = self._at(column)
        group.planned = count if group.planned is None else group.planned
        directive = _DIRECTIVE.match(f"# {rest}")
        if count == 0 and column == 0:
            why = directive["text"] if directive and directive["word"].upper() == "SKIP" else rest
            self.skipped = _printable(why) or "it has no tests"

    def _result(self, column: int, bad: bool, number: int, rest: str) -> None:
        group = self._at(column)
        if self.count >= _MOST:
            self.cut = True
            return
        self.count += 1
        name, status, reason = _describe(rest, bad)
        test = _Test(_plain(name) or str(number or len(group.tests) + 1), status, reason, group.loose)
        group.loose = []
        twin = group.numbered.get(number)
        if twin is None:
            group.tests.append(test)
            if number:
                group.numbered[number] = test
        else:  # told twice: a child that inherited the buffer of stdout prints it again
            twin.nested += test.nested
            if _GRAVITY.index(status) > _GRAVITY.index(twin.status):
                twin.status, twin.reason = status, reason

    def output(self) -> Output:
        top = self._at(0)
        results: list[Result] = []
        _flatten(top, "", results)
        return Output(
            results=tuple(results),
            planned=top.planned,
            missing=top.missing(),
            bail=self.bail,
            skipped=self.skipped if not results else None,
            cut=self.cut,
        )


def read_ktap(lines: Iterable[bytes]) -> Output:
    """The results in a program's output. Never raises, whatever *lines* hold: it is untrusted.

    A test is told once: of two results of one number the graver holds. Names are told apart by ``-2``, ….
    """
    reader = _Reader()
    for line in lines:
        reader.take(line)
    return reader.output()


def _describe(rest: str, bad: bool) -> tuple[str, str, str]:
    """Name, status and reason of a result line's *rest*."""
    found = _DIRECTIVE.search(rest)
    if found is None:
        code = _EXIT.search(rest)
        said = f"exit={code['code']}" if code else ""
        return rest[: code.start()] if code else rest, "fail" if bad else "pass", said
    name, word = rest[: found.start()].strip(), found["word"].lower()
    text = found["text"]
    if not name:  # kselftest.h: "ok 11 # SKIP test_memcg_sock"
        name, text = text, ""
    if word == "todo" and not bad:
        word = "pass"
    return name, word, _printable(text)


def _flatten(group: _Group, above: str, results: list[Result]) -> None:
    taken: set[str] = set()
    for test in group.tests:
        name, again = test.name, 2
        while name in taken:
            name, again = f"{test.name}-{again}", again + 1
        taken.add(name)
        full = f"{above}{name}"
        for nested in test.nested:
            _flatten(nested, f"{full}.", results)
        results.append(Result(name=full, status=test.status, reason=test.reason))
    for orphans in group.loose:
        _flatten(orphans, above, results)


def _plain(name: str) -> str:
    return _NAME.sub("-", name).strip("-.")[:_NAME_LENGTH].rstrip("-.")


def _printable(text: str) -> str:
    return _NOT_PRINTABLE.sub(" ", text).strip()[:_TEXT]
