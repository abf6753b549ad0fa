# SPDX-License-Identifier: GPL-2.0-only
"""What a case of ``junit.xml`` says: headline, detail, standard output, properties of its suite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.console.model import Report
from harness.pipeline.judge import base_cases, blamed_cases
from harness.pipeline.model import Case, Cell, KernelUsed, Run
from harness.report import wording
from harness.report.commands import NAME as REPEAT
from harness.report.html_console import console_excerpt
from harness.report.html_limits import Budget
from harness.report.junitaspects import CONSOLE, DRIFT, OWN, Aspect, bad
from harness.report.plaintext import clean, excerpt, line
from harness.verdict import Verdict

# Jenkins stores the text of a failure whole in build.xml, and trims the output of a failed case to
# 50,000 characters at each end: both stay below that. Of a case that passes it keeps 500 at each end.
_DETAIL = 60_000
_ONE_REPORT = 12_000
_REPORTS = 10
_ALL = 4_000_000
"""characters for the texts of all failures of a run; those that do not fit are short"""
_SHORT = 2_000
_STDOUT = 40_000
_KEPT_OF_A_PASS = 500
_HEADLINE = 400
_DEPTH = 32
"""frames of a stack, inlined calls among them"""


class Teller:
    """Tells of the cases of one run, whose files are in *directory*."""

    def __init__(self, directory: Path, run: Run) -> None:
        self._directory = directory
        self._run = run
        blamed = blamed_cases(run.cells, base_cases(run.cells))
        self._blamed = {(cell.name, case.name) for cell, case in blamed}
        self._cells = tuple(cell.name for cell in run.cells)
        self._room = Budget(_ALL)

    def headline(self, cell: Cell, case: Case, aspect: Aspect) -> str:
        """The reason as one line, never empty; whose failure it is not is said first or last."""
        reason = line(aspect.reason, _HEADLINE) or f"{aspect.verdict.value}, no reason given"
        if cell.kernel == "base":
            return f"base kernel, without the series: {reason}"
        excused = aspect.verdict is Verdict.FAIL and (cell.name, case.name) not in self._blamed
        mark = "the base fails here too"
        return f"{reason} [{mark}: not the series]" if excused and mark not in reason else reason

    def detail(self, cell: Cell, case: Case, aspect: Aspect) -> str:
        """The text below the headline: reason, blame, evidence of this *aspect*, how to repeat."""
        parts = [self.headline(cell, case, aspect)]
        blame = wording.blame_of(self._run, cell, case)
        if blame and aspect.verdict is Verdict.FAIL:
            parts.append(blame)
        if aspect.word == CONSOLE:
            parts += self._reports(case)
        elif aspect.word == DRIFT:
            parts.append(_checks(case))
        else:
            parts += [f"{one.verdict.value}: {line(one.reason, 2_000)}" for one in case.said]
        # Bounded apart from what follows: a long console must not push out the way to repeat it.
        found = excerpt("\n\n".join(parts), _DETAIL)
        how = repeat(self._run, self._others(cell, case))
        if not self._room.take(len(found) + len(how)):
            found, how = excerpt(found, _SHORT), f"all of it is in {clean(str(self._directory / 'run.json'))}"
        return f"{found}\n\n{how}"

    def stdout(self, cell: Cell, case: Case, aspect: Aspect, known: Sequence[str] = ()) -> str:
        """What is *known* of it beside this run, facts or checks; the attachments on the last lines."""
        parts = [f"{line(case.name)} on the {line(cell.kernel)} kernel, cgroup {line(cell.iface)}"]
        parts += [line(word) for word in known]
        parts.append(line(aspect.reason))
        if aspect.word == OWN and case.started:
            parts.append(f"started {line(case.started)}, took {wording.duration(case.seconds)}")
        if aspect.word == OWN and case.facts:
            facts = (f"{line(name)} = {line(value)}" for name, value in case.facts.items())
            parts += ["Facts:", _indented(facts)]
        if aspect.word == DRIFT and case.checks:
            parts.append(_checks(case))
        notes = [report for report in case.reports if report.severity == "note"]
        if aspect.word == CONSOLE and notes:
            parts.append("Notes:\n" + _indented(line(report.title) for report in notes[:_REPORTS]))
        quiet = aspect.verdict in (Verdict.PASS, Verdict.SKIP)
        return attached("\n".join(parts), self._files(cell, case, aspect), whole=not quiet)

    def _reports(self, case: Case) -> list[str]:
        first = bad(case)
        reports = [*first, *(report for report in case.reports if report.severity == "note")]
        parts = [_report(report) for report in reports[:_REPORTS]]
        if len(reports) > _REPORTS:
            more = len(reports) - _REPORTS
            parts.append(f"{more} more console reports are in {clean(str(self._directory / 'run.json'))}")
        return parts

    def _files(self, cell: Cell, case: Case, aspect: Aspect) -> list[Path]:
        """What to look at, the best last; consoles and samples only of what fails, for they are large."""
        failed = aspect.verdict not in (Verdict.PASS, Verdict.SKIP)
        names = {
            OWN: [case.facts.get("output", ""), *self._consoles(cell, case)] if failed else [],
            DRIFT: [case.samples if failed else "", case.drift],
            CONSOLE: self._consoles(cell, case) if failed else [],
        }[aspect.word]
        found = [self._directory / name for name in names if name]
        return [path for path in found if self._is_ours(path)]

    def _consoles(self, cell: Cell, case: Case) -> list[str]:
        """The console that has the case's report; all of the cell's guests, where none is known to."""
        first = self._directory / cell.console
        if not cell.console or not self._is_ours(first):
            return []
        reports = bad(case)
        log = console_excerpt(self._directory, cell.console, reports[0], 1).log if reports else ""
        logs = sorted(first.parent.glob(f"{first.stem}*{first.suffix}"))
        return [log] if log else [path.relative_to(self._directory).as_posix() for path in logs]

    def _is_ours(self, path: Path) -> bool:
        """True for a file that is there, and in the run's directory."""
        try:
            return self._directory.resolve() in path.resolve().parents and path.is_file()
        except (OSError, ValueError):  # too long, a NUL in it, not to be encoded
            return False

    def _others(self, cell: Cell, case: Case) -> tuple[str, ...]:
        """How the steps begin that are of other cases."""
        root = ".".join(case.name.split(".")[:2])
        own = f"{cell.name}: {root}"
        return tuple(
            command.step
            for command in self._run.commands
            if command.step != own and command.step.split(": ")[0] in self._cells
        )


def attached(text: str, files: Sequence[Path], *, whole: bool = True) -> str:
    """*text*, and each of *files* alone on a last line, as junit-attachments reads it.

    It does so after Jenkins trimmed the output, so nothing may follow them. Where it is not kept *whole* the
    first of *files* are left out that would be cut.
    """
    lines = [f"[[ATTACHMENT|{clean(str(path))}]]" for path in files if "]]" not in str(path)]
    while not whole and sum(len(one) + 1 for one in lines) > _KEPT_OF_A_PASS:
        lines.pop(0)
    return "\n".join([excerpt(text, _STDOUT), *lines])


def repeat(run: Run, without: Sequence[str] = ()) -> str:
    """The commands of the run, each below what it does; not the steps *without*."""
    lines = [f"To repeat ({REPEAT} beside run.json):"]
    for command in run.commands:
        if command.step not in without:
            lines += [f"# {line(command.step)}", command.command]
    return excerpt("\n".join(lines), _DETAIL)


def properties(run: Run, cell: Cell | None) -> dict[str, str]:
    """What the suite was: run, tree, series, machine, and for a cell its kernel."""
    found = {
        "run": run.run,
        "plan": run.plan,
        "tree": run.tree,
        "tree_origin": run.tree_origin,
        "tree_fingerprint": run.tree_fingerprint,
        "series": run.series,
    }
    found.update({f"machine.{name}": value for name, value in run.machine.items()})
    if cell is not None:
        used = next((one for one in run.kernels if _is_of(one, cell)), None)
        found.update(kernel=cell.kernel, interface=cell.iface, kconfig=cell.profile, boots=str(cell.boots))
        found["boot_seconds"] = f"{cell.boot_seconds:.2f}"
        if used is not None:
            found.update(release=used.release, kernel_key=used.key)
    # Not on the other cells' suites: least of all is a patch to blame for what the base does.
    blamed = [wording.blame(one, run) for one in run.blames if cell is None or cell.name == one.cell]
    found["first_bad_patch"] = "; ".join(dict.fromkeys(blamed))
    found["edits_of_ours"] = "; ".join(f"{edit.file}: {edit.name}" for edit in run.edits)
    for profile in run.profiles:
        if cell is None or cell.profile == profile.name:
            found[f"kconfig.{profile.name}.sees"] = "; ".join(profile.sees)
    return {line(name): line(value) for name, value in found.items() if value}


def _is_of(kernel: KernelUsed, cell: Cell) -> bool:
    return kernel.name in (cell.kernel, f"{cell.kernel}-{cell.profile}") and kernel.profile == cell.profile


def _report(report: Report) -> str:
    mark = ", cut short" if report.corrupted else ""
    place = wording.place(report)
    head = f"Console: {line(report.title)} ({line(report.severity)}{mark})"
    where = f"  at {place}, byte {report.offset} of the console" if place else f"  byte {report.offset}"
    told = [f"  {line(words)}" for words in (report.condition, report.because) if words]
    stack = wording.placed_stack(report, _DEPTH)
    told += ["  stack:", *(f"    {one}" for one in stack)] if stack else []
    return "\n".join([head, where, *told, excerpt(report.text, _ONE_REPORT)]).rstrip()


def _checks(case: Case) -> str:
    """Those that were not kept first."""
    ordered = sorted(case.checks, key=lambda one: one.kept)
    return "Checks:\n" + _indented(map(wording.check, ordered))


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"  {one}" for one in lines)
