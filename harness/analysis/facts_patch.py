# SPDX-License-Identifier: GPL-2.0-only
"""What one patch changes in the C files of a tree, as facts, without judging it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

from harness.analysis.facts_calls import Difference, assertions, call_changes, calls_changed
from harness.analysis.facts_shape import Touched, functions_touched, structures_changed
from harness.analysis.guards import Conditionals, enabled_around, makefile_guards
from harness.analysis.lines import Changed
from harness.analysis.model import Assertion, CallChange, FunctionChange, StructureChange
from harness.analysis.source import Function, Source
from harness.analysis.states import Parsed, State
from harness.analysis.table import Facts
from harness.series.model import FileChange, Patch

_C = (".c", ".h")
_LONGEST = 300


class PatchFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one patch."""

    functions: tuple[FunctionChange, ...] = ()
    structures: tuple[StructureChange, ...] = ()
    assertions_added: tuple[Assertion, ...] = ()
    assertions_removed: tuple[Assertion, ...] = ()
    calls: tuple[CallChange, ...] = ()
    guards: tuple[str, ...] = ()
    """symbols that guard anything which it changes"""
    unparsed: tuple[str, ...] = ()
    """``file:line`` of touched functions that the parser had to guess at, and of files that it refused"""


class _File(msgspec.Struct, frozen=True):
    """One C file on both sides of a patch."""

    path: str
    before: Source | None
    after: Source | None
    lines: Changed
    touched: Touched

    def side(self, change: str) -> tuple[Source | None, frozenset[int]]:
        """Where a function that was touched so stands, and the lines there that differ."""
        if change == "removed":
            return self.before, self.lines.removed
        return self.after, self.lines.around


def c_files(patch: Patch) -> Iterable[FileChange]:
    """The changes of *patch* to C sources and headers."""
    return (change for change in patch.files if change.path.endswith(_C) or change.old_path.endswith(_C))


def patch_facts(patch: Patch, before: State, after: State, parsed: Parsed, facts: Facts) -> PatchFacts:
    """The facts of *patch*, which turns the state *before* into *after*."""
    files = [_file(change, before, after, parsed) for change in c_files(patch)]
    names = {*facts.assertions, *facts.topics()}
    differences = [(file, calls_changed(file.before, file.after, set(file.touched), names)) for file in files]
    return PatchFacts(
        functions=tuple(change for file in files for change in _functions(patch.number, file, before, after)),
        structures=tuple(
            change
            for file in files
            for change in structures_changed(patch.number, file.path, file.before, file.after)
        ),
        assertions_added=_assertions(patch, differences, facts, added=True),
        assertions_removed=_assertions(patch, differences, facts, added=False),
        calls=tuple(call_changes(patch.number, [(file.path, one) for file, one in differences], facts)),
        guards=tuple(dict.fromkeys(guard for file in files for guard in _guards(file, before, after))),
        unparsed=tuple(place for file in files for place in _unparsed(file)),
    )


def _assertions(
    patch: Patch, differences: list[tuple[_File, Difference]], facts: Facts, *, added: bool
) -> tuple[Assertion, ...]:
    return tuple(
        assertion
        for file, one in differences
        for assertion in assertions(patch.number, file.path, one.added if added else one.removed, facts)
    )


def _file(change: FileChange, before: State, after: State, parsed: Parsed) -> _File:
    old, new = before.source(change.old_path), after.source(change.path)
    lines = parsed.changed(old.data if old else None, new.data if new else None)
    return _File(change.path, old, new, lines, functions_touched(old, new, lines))


def _functions(number: int, file: _File, before: State, after: State) -> Iterable[FunctionChange]:
    around = {side: _Around(file, side, before, after) for side in ("removed", "changed")}
    for name, (kind, function) in file.touched.items():
        side = around["removed" if kind == "removed" else "changed"]
        inside = side.lines_in(function) or [function.first]
        yield msgspec.convert(
            {
                "patch": number,
                "file": file.path,
                "name": name[:_LONGEST],
                "change": kind,
                "line": inside[0] if kind == "changed" else function.first,
                "guards": side.guards(function, inside),
            },
            FunctionChange,
        )


class _Around:
    """What guards the changed lines on one side of a patch to one file."""

    def __init__(self, file: _File, change: str, before: State, after: State) -> None:
        self.source, lines = file.side(change)
        self.lines = sorted(lines)
        self.built = makefile_guards(file.path, (before if change == "removed" else after).read)
        self.conditionals = Conditionals(self.source.data if self.source else b"")

    def lines_in(self, function: Function) -> list[int]:
        return self.lines[bisect_left(self.lines, function.first) : bisect_right(self.lines, function.last)]

    def guards(self, function: Function, lines: list[int]) -> tuple[str, ...]:
        enabled = enabled_around(self.source, function, lines) if self.source else ()
        return tuple(dict.fromkeys((*self.built, *self.conditionals.at(lines), *enabled)))


def _guards(file: _File, before: State, after: State) -> Iterable[str]:
    """The symbols that guard any changed line of *file*, in functions or not."""
    for side in (_Around(file, "changed", before, after), _Around(file, "removed", before, after)):
        if side.source and side.lines:
            yield from (*side.built, *side.conditionals.at(side.lines))
            for function in side.source.functions:
                inside = side.lines_in(function)
                if inside:
                    yield from enabled_around(side.source, function, inside)


def _unparsed(file: _File) -> Iterable[str]:
    if file.after is None:
        return
    if not file.after.readable:
        yield f"{file.path}:1"
    for kind, function in file.touched.values():
        if kind != "removed" and function.broken:
            yield f"{file.path}:{function.first}"
