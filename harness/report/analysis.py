# SPDX-License-Identifier: GPL-2.0-only
"""An analysis on the terminal, and as the JSON object of ``harness analyze --json``.

Findings come first, by patch, each with its line and the path that leads there; notes are one line each.
All text comes from patches, so it goes through plaintext.line() into a Text, where rich sees no markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.analysis.model import Analysis, CallChange, Finding, Severity, StructureChange
from harness.report.plaintext import clean, encodable, line
from harness.series.model import Series

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "dim"}
_GRAVEST_FIRST: tuple[Severity, ...] = ("error", "warning", "note")
_WIDTH = {True: 120, False: 100}
_BEFORE = 3
_SHOWN = 50
_NOTES = 10
_ROWS = 40
_STEPS = 12
_LONGEST = 200
_TAB = 4


def analysis_answer(analysis: Analysis) -> dict[str, Any]:
    """*analysis* in the shape of the command contract; scalars, lists and dicts, UTF-8 throughout.

    ``findings`` (with ``rule``, ``severity``, ``patch``, ``file``, ``line``, ``function``,
    ``message``), ``functions``, ``assertions`` (``added``, ``removed``) and ``workloads`` (``name``,
    ``because``) stay as they are; whatever else the model has is an addition, under the model's names.
    """
    answer: dict[str, Any] = msgspec.to_builtins(analysis)
    answer["assertions"] = {
        "added": answer.pop("assertions_added"),
        "removed": answer.pop("assertions_removed"),
    }
    answer["workloads"] = [{"name": row.pop("workload"), **row} for row in answer["workloads"]]
    safe: dict[str, Any] = encodable(answer)
    return safe


def render_analysis(analysis: Analysis, series: Series, console: Console) -> None:
    """Print *analysis* on *console*: at most 100 columns, 120 on a terminal; lists are cut and counted."""
    width = min(console.width, _WIDTH[console.is_terminal])
    for part in _page(analysis, series):
        console.print(part, width=width, highlight=False)


def _page(analysis: Analysis, series: Series) -> Iterator[RenderableType]:
    yield _head(analysis, series)
    yield from _findings(analysis.findings, series)
    yield from _section("Functions", _functions(analysis))
    yield from _section("Structures", _structures(analysis))
    yield from _section("Assertions", _assertions(analysis))
    yield from _section("Locks, RCU and charges", _calls(analysis.calls))
    yield from _section("Compiled only with", _words(analysis.guards))
    yield from _section("Workloads that reach it", _workloads(analysis))
    yield from _section("Reached by no workload", _words(analysis.unreached))
    yield from _section("Not understood by the parser", _words(analysis.unparsed))
    yield from _section("Tools", _listed(analysis.tools))


def _head(analysis: Analysis, series: Series) -> Text:
    counts = {level: sum(one.severity == level for one in analysis.findings) for level in _GRAVEST_FIRST}
    head = Text("\n")
    for level, count in counts.items():
        word = f"{count} {level}{'' if count == 1 else 's'}"
        head.append(word, style=_STYLES[level] if count else "green" if level == "error" else "dim")
        head.append("  ")
    patches = f"{len(series.patches)} patch{'' if len(series.patches) == 1 else 'es'}"
    return head.append(f"in {line(series.name)}, {patches}", style="dim")


def _section(title: str, body: RenderableType | None) -> Iterator[RenderableType]:
    if body is not None:
        yield Text(f"\n{title}", style="bold")
        yield Padding(body, (0, 0, 0, 2), expand=False)


def _findings(findings: Sequence[Finding], series: Series) -> Iterator[RenderableType]:
    """By patch; errors and warnings at length, then notes; a long list is cut at its end."""
    subjects = {
        patch.number: f"{patch.number}/{patch.total} {line(patch.subject)}" for patch in series.patches
    }
    shown, cut = _cut_short(findings)
    explained: set[str] = set()
    for number, group in groupby(shown, key=lambda one: one.patch):
        yield Text(f"\nPatch {subjects.get(number, str(number))}", style="bold")
        for one in group:
            if one.severity == "note":
                yield Padding(_note(one), (0, 0, 0, 2), expand=False)
                continue
            yield Text("")
            yield Padding(_finding(one, one.rule not in explained), (0, 0, 0, 2), expand=False)
            explained.add(one.rule)
    if cut:
        yield Text(f"\nand {', '.join(cut)} more; --json has all", style="dim")


def _cut_short(findings: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """What is shown, in order of patch and severity, and in words how many of each severity are not."""
    shown: list[Finding] = []
    cut: list[str] = []
    for level in _GRAVEST_FIRST:
        those = [one for one in findings if one.severity == level]
        room = _NOTES if level == "note" else _SHOWN
        shown += those[:room]
        if len(those) > room:
            cut.append(f"{len(those) - room} {level}s")
    order = {level: at for at, level in enumerate(_GRAVEST_FIRST)}
    return sorted(shown, key=lambda one: (one.patch, order[one.severity], one.file, one.line)), cut


def _note(one: Finding) -> Text:
    return Text.assemble(
        (f"{one.severity}  ", _STYLES[one.severity]),
        f"{_where(one)}  {line(one.message)}",
        _seen_by(one),
        no_wrap=True,
        overflow="ellipsis",
    )


def _finding(one: Finding, explain: bool) -> RenderableType:
    """All that is known of *one*; with the rule's explanation the first time that the rule comes up."""
    word = one.severity.upper() if one.severity == "error" else one.severity
    where = _where(one) + (f"  in {line(one.function)}" if one.function else "")
    head = Text.assemble((word, _STYLES[one.severity]), f"  {line(one.rule)}  {where}", _seen_by(one))
    parts: list[RenderableType] = [head, Text(line(one.message))]
    parts += [Padding(part, (0, 0, 0, 2), expand=False) for part in (_source(one), _path(one)) if part]
    if explain:
        parts.append(Text(line(one.why, 600), style="dim"))
    return Group(*parts)


def _where(one: Finding) -> str:
    if not one.file:
        return "the patch as a whole"
    return line(f"{one.file}:{one.line}" if one.line else one.file)


def _seen_by(one: Finding) -> tuple[str, str]:
    return "" if one.tools == ("harness",) else f"  ({', '.join(one.tools)})", "dim"


def _source(one: Finding) -> RenderableType | None:
    """The line and its surroundings with their numbers; the line itself is marked."""
    if not one.line or not (one.surroundings or one.source):
        return None
    first = max(1, one.line - _BEFORE) if one.surroundings else one.line
    grid = Table.grid(padding=(0, 1, 0, 0))
    for number, text in enumerate(one.surroundings or (one.source,), first):
        style = "bold" if number == one.line else "dim"
        mark = ">" if number == one.line else " "
        code = Text(_code(text), style=style, no_wrap=True, overflow="ellipsis")
        grid.add_row(Text(f"{mark}{number:6}", style=style), code)
    return grid


def _code(text: str) -> str:
    """One source line, its tabs as blanks: a tab's width is the terminal's to choose."""
    return clean(text[:_LONGEST]).replace("\n", " ").expandtabs(_TAB).rstrip()


def _path(one: Finding) -> RenderableType | None:
    grid = _grid()
    for step in one.related[:_STEPS]:
        where = f"{step.line}" if step.file == one.file else f"{step.file}:{step.line}"
        grid.add_row(Text(line(where), style="dim"), Text(line(step.text)))
    if len(one.related) > _STEPS:
        grid.add_row("", Text(f"and {len(one.related) - _STEPS} more steps", style="dim"))
    return grid if grid.row_count else None


def _functions(analysis: Analysis) -> RenderableType | None:
    rows = ((str(one.patch), one.change, one.name, f"{one.file}:{one.line}") for one in analysis.functions)
    return _table(rows, "patch", "", "function", "where")


def _structures(analysis: Analysis) -> RenderableType | None:
    rows = (
        (str(one.patch), one.change, one.name, f"{one.file}:{one.line}", _fields(one))
        for one in analysis.structures
    )
    return _table(rows, "patch", "", "structure", "where", "fields")


def _fields(one: StructureChange) -> str:
    """``+added -removed ~changed``."""
    changes = (("+", one.fields_added), ("-", one.fields_removed), ("~", one.fields_changed))
    return " ".join(f"{mark}{name}" for mark, names in changes for name in names)


def _assertions(analysis: Analysis) -> RenderableType | None:
    changes = (("added", analysis.assertions_added), ("removed", analysis.assertions_removed))
    rows = (
        (str(one.patch), change, f"{one.kind}({one.condition})", one.function, f"{one.file}:{one.line}")
        for change, assertions in changes
        for one in assertions
    )
    return _table(rows, "patch", "", "assertion", "function", "where")


def _calls(calls: Iterable[CallChange]) -> RenderableType | None:
    rows = (
        (
            str(one.patch),
            one.change,
            one.call,
            f"{one.moved_from} -> {one.function}" if one.moved_from else one.function,
            f"{one.file}:{one.line}",
        )
        for one in calls
    )
    return _table(rows, "patch", "", "call", "function", "where")


def _workloads(analysis: Analysis) -> RenderableType | None:
    return _table(((one.workload, one.because) for one in analysis.workloads), "workload", "because")


def _words(words: Sequence[str]) -> RenderableType | None:
    if not words:
        return None
    more = f" and {len(words) - _ROWS} more" if len(words) > _ROWS else ""
    return Text("  ".join(line(word) for word in words[:_ROWS]) + more)


def _listed(lines: Sequence[str]) -> RenderableType | None:
    return Text("\n".join(line(text) for text in lines), style="dim") if lines else None


def _table(rows: Iterable[tuple[str, ...]], *headers: str) -> RenderableType | None:
    """The first rows below *headers*, and how many more there are; None when there are none."""
    grid = _grid()
    for _header in headers:
        grid.add_column(overflow="fold")  # a name that is cut is of no use
    grid.add_row(*(Text(header, style="dim") for header in headers))
    count = 0
    for row in rows:
        count += 1
        if count <= _ROWS:
            grid.add_row(*(Text(line(cell)) for cell in row))
    if count > _ROWS:
        grid.add_row(Text(f"+ {count - _ROWS}", style="dim"), Text("more", style="dim"))
    return grid if count else None


def _grid() -> Table:
    return Table.grid(padding=(0, 2, 0, 0))
