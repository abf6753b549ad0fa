# SPDX-License-Identifier: GPL-2.0-only
"""A run as a page on the terminal. Each verdict is a word first; colour only repeats it.

Everything that a kernel, a guest or a patch wrote goes through plaintext.line() into a Text, where
rich looks for no markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.console.model import Report
from harness.pipeline.model import Case, Cell, Drift, KernelUsed, Run
from harness.report import wording
from harness.report.closest import closest
from harness.report.plaintext import clean, line
from harness.report.runfile import cut_off
from harness.verdict import Verdict

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.BROKEN: "yellow",
    Verdict.SKIP: "dim",
    Verdict.INFRA: "magenta",
}
_ABSENT = Text("-", style="dim")
_WIDTH = {True: 120, False: 100}
_CASE_WIDTH = 16
_CELL_WIDTH = 13
_NEW_WARNINGS = 10
_REPORTS = 20
_STACKS = 3
_DEPTH = 12
"""frames of a stack"""


def render(run: Run, directory: Path, console: Console) -> None:
    """Print *run*, whose files are in *directory*, on *console*: at most 100 columns, 120 on a terminal."""
    width = min(console.width, _WIDTH[console.is_terminal])
    for part in _page(run, directory, width):
        console.print(part, width=width, highlight=False)


def verdict_text(verdict: Verdict) -> Text:
    """``pass`` and ``skip`` as they are, what wants attention in capitals, each in its colour."""
    word = verdict.value if verdict in (Verdict.PASS, Verdict.SKIP) else verdict.value.upper()
    return Text(word, style=_STYLES[verdict])


def last_line(verdict: Verdict | None, page: Path) -> Text:
    """What a command that keeps results says last: *verdict*, None where it was cut off, and its page."""
    word = Text("CUT OFF", style="bold magenta") if verdict is None else verdict_text(verdict)
    return Text.assemble(word, f"  {line(str(page), 4096)}")


def _page(run: Run, directory: Path, width: int) -> Iterator[RenderableType]:
    yield _head(run)
    yield from _matrix(run, width)
    yield from _section("Not passed", _not_passed(run))
    yield from _section("Findings", _findings(run))
    if run.drift:
        yield from _section("Drift", _drift(run.drift))
    else:
        yield from _section("Checks, each where it came closest to its tolerance", _drift(closest(run)))
    yield from _section("Console reports", _reports(run))
    yield from _section("Stacks", _stacks(run))
    yield from _section("Kernels", _kernels(run.kernels))
    yield from _section("What each configuration could have seen", _sight(run))
    yield from _section("Edits of ours, so that today's tools build this tree", _edits(run))
    yield from _section("Files", _files(run, directory))


def _section(title: str, body: RenderableType | None) -> Iterator[RenderableType]:
    if body is not None:
        yield Text(f"\n{title}", style="bold")
        yield Padding(body, (0, 0, 0, 2), expand=False)


def _head(run: Run) -> Text:
    if cut_off(run):
        head = Text.assemble(
            "\n", ("CUT OFF", "bold magenta"), "  this run did not end: what follows is true, but not all"
        )
    else:
        head = Text.assemble("\n", verdict_text(run.verdict), "  ", (line(run.reason), "bold"))
    for words in dict.fromkeys(wording.blame(one, run) for one in run.blames):
        head.append(f"\n{words}", style="bold")
    patches = f" ({len(run.patches)} patches)" if run.patches else ""
    facts = {
        "plan": line(run.plan),
        "series": f"{line(run.series) or 'none'}{patches}",
        "tree": line(run.tree),
        "guests": line(run.machine.get("accelerator", "")),
        "took": wording.duration(run.seconds) if run.seconds else "",
    }
    for name, value in facts.items():
        head.append(f"\n{name:6}  {value}" if value else "", style="dim")
    return head


def _matrix(run: Run, width: int) -> Iterator[RenderableType]:
    """Cases down, cells across; as many tables as it takes when there are more cells than columns."""
    if not run.cells:
        yield Text("\nNothing was run.")
    across = max(1, (width - _CASE_WIDTH) // _CELL_WIDTH)
    for first in range(0, len(run.cells), across):
        cells = run.cells[first : first + across]
        names = dict.fromkeys(case.name for cell in cells for case in cell.cases)
        table = _table("case", *(line(cell.name) for cell in cells))
        for name in names:
            table.add_row(line(name), *(_at(cell, name) for cell in cells))
        table.add_section()
        table.add_row(Text("all", style="dim"), *(verdict_text(cell.verdict) for cell in cells))
        yield Text("")
        yield table


def _at(cell: Cell, name: str) -> Text:
    return next((verdict_text(case.verdict) for case in cell.cases if case.name == name), _ABSENT)


def _not_passed(run: Run) -> RenderableType | None:
    rows = [(cell, case) for cell in run.cells for case in cell.cases if case.verdict is not Verdict.PASS]
    alike: dict[str, list[tuple[Cell, Case]]] = {}
    grid = _grid()
    for cell, case in rows:
        if case.verdict is Verdict.SKIP:
            alike.setdefault(case.reason, []).append((cell, case))
            continue
        grid.add_row(
            verdict_text(case.verdict), Text(f"{line(cell.name)} {line(case.name)}"), _why(run, cell, case)
        )
    for reason, some in alike.items():
        cells, cases = (
            list(dict.fromkeys(names)) for names in zip(*((a.name, b.name) for a, b in some), strict=True)
        )
        where = f"{line(cells[0])} {line(cases[0])}" if len(some) == 1 else f"in {len(cells)} cells"
        which = "" if len(some) == 1 else f"{', '.join(map(line, cases))}: "
        grid.add_row(verdict_text(Verdict.SKIP), Text(where), Text(f"{which}{line(reason)}"))
    for cell in run.cells:
        if not cell.cases:
            grid.add_row(verdict_text(cell.verdict), line(cell.name), Text("no case ran here"))
    return grid if grid.row_count else None


def _why(run: Run, cell: Cell, case: Case) -> Text:
    why = Text(line(case.reason))
    blame = wording.blame_of(run, cell, case)
    if blame:
        why.append(f"\n{blame}", style="bold")
    return why


def _findings(run: Run) -> RenderableType | None:
    """Errors and warnings of the analysis, a line each; ``harness analyze`` shows them at length."""
    grave = [one for one in run.analysis.findings if one.severity != "note"]
    grid = _grid()
    for one in grave[:_REPORTS]:
        error = one.severity == "error"
        word = Text("ERROR" if error else "warning", style="bold red" if error else "yellow")
        where = f"{one.file}:{one.line}" if one.line else one.file
        grid.add_row(word, Text(line(where)), Text(f"patch {one.patch}: {line(one.message)}"))
    if len(grave) > _REPORTS:
        grid.add_row(Text(f"and {len(grave) - _REPORTS} more in run.json", style="dim"))
    return grid if grid.row_count else None


def _drift(rows: Iterable[Drift]) -> RenderableType | None:
    table = _table("", "check", "where", "measured", "expected", "tolerance", "unit")
    for column in table.columns[3:6]:
        column.justify = "right"
    terms: dict[str, None] = {}
    for row in rows:
        check = row.check
        state = Text("kept", style="green") if check.kept else Text("OVER", style="bold red")
        numbers = map(wording.number, (check.measured, check.expected, check.tolerance))
        words = (line(check.name), f"{line(row.cell)} {line(row.case)}", *numbers, line(check.unit))
        table.add_row(state, *map(Text, words))
        terms.setdefault(f"tolerance of {line(check.name)}: {line(check.terms)}")
    return Group(table, Text("\n".join(terms), style="dim")) if terms else None


def _reports(run: Run) -> RenderableType | None:
    grid = _grid()
    for report in run.reports[:_REPORTS]:
        style = "dim" if report.severity == "note" else "red"
        grid.add_row(Text(line(report.title), style=style), _met(run, report), Text(wording.place(report)))
    if len(run.reports) > _REPORTS:
        grid.add_row(Text(f"and {len(run.reports) - _REPORTS} more in run.json", style="dim"))
    return grid if grid.row_count else None


def _stacks(run: Run) -> RenderableType | None:
    """Those that have places, each fault's once."""
    faults: dict[str, Report] = {}
    for report in run.reports:
        if wording.placed_stack(report, _DEPTH):
            faults.setdefault(report.fingerprint or report.title, report)
    text = Text()
    for report in list(faults.values())[:_STACKS]:
        text.append(f"{line(report.title)}\n", style="red")
        text.append("".join(f"  {one}\n" for one in wording.placed_stack(report, _DEPTH)))
    text.rstrip()
    return text if faults else None


def _met(run: Run, report: Report) -> Text:
    """Cell and case that met *report*; nothing for one from outside all cases."""
    met = (
        f"{line(cell.name)} {line(case.name)}"
        for cell in run.cells
        for case in cell.cases
        if report in case.reports
    )
    return Text(next(met, ""))


def _kernels(kernels: Iterable[KernelUsed]) -> RenderableType | None:
    grid = _grid()
    for kernel in kernels:
        took = wording.duration(kernel.seconds)
        made = f"cached (took {took} to build)" if kernel.cached else f"built in {took}"
        count = len(kernel.new_warnings)
        what = Text(f"{made}, {count} new compiler warning{'' if count == 1 else 's'}" if count else made)
        for warning in kernel.new_warnings[:_NEW_WARNINGS]:
            what.append(f"\n{line(f'{warning.file}: {warning.message} {warning.option}')}", style="yellow")
        if count > _NEW_WARNINGS:
            what.append(f"\nand {count - _NEW_WARNINGS} more in run.json", style="dim")
        grid.add_row(Text(line(kernel.name)), Text(line(kernel.release)), what)
    return grid if grid.row_count else None


def _sight(run: Run) -> RenderableType | None:
    """Only where there is something to choose between: a reader of one profile's run asked for it."""
    grid = _grid()
    for profile in run.profiles if len(run.profiles) > 1 else ():
        grid.add_row(Text(line(profile.name)), Text("sees"), Text(line("; ".join(profile.sees))))
        if profile.misses:
            misses = Text(line("; ".join(profile.misses)), style="dim")
            grid.add_row("", Text("misses", style="dim"), misses)
    return grid if grid.row_count else None


def _edits(run: Run) -> RenderableType | None:
    grid = _grid()
    for edit in run.edits:
        times = f" ({edit.times} lines)" if edit.times > 1 else ""
        grid.add_row(Text(line(edit.file)), Text(line(f"{edit.name}{times}: {edit.why}"), style="dim"))
    return grid if grid.row_count else None


def _files(run: Run, directory: Path) -> RenderableType:
    grid = _grid()
    grid.add_row(Text("results", style="dim"), Text("report.html, run.json, junit.xml, harness.log"))
    grid.add_row(Text("by hand", style="dim"), Text("repeat.sh"))
    consoles = [cell.console for cell in run.cells if cell.console]
    samples = [case.samples for cell in run.cells for case in cell.cases if case.samples]
    drawn = [case.drift for cell in run.cells for case in cell.cases if case.drift]
    for what, names in (("console", consoles), ("samples", samples), ("drift", drawn)):
        if names:
            more = f", and {len(names) - 1} more" if len(names) > 1 else ""
            grid.add_row(Text(what, style="dim"), Text(line(names[0]) + more))
    return Group(Text(clean(str(directory))), grid)


def _grid() -> Table:
    return Table.grid(padding=(0, 2, 0, 0))


def _table(*headers: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim"
    )
    for header in headers:
        table.add_column(Text(header))
    return table
