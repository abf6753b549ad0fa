# SPDX-License-Identifier: GPL-2.0-only
"""What a case of ``junit.xml`` says: headline, detail, standard output, properties of its suite."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.console.model import Report
from harness.pipeline.model import Case, Cell, KernelUsed, Run
from harness.report import wording
from harness.report.commands import NAME as REPEAT
from harness.report.plaintext import clean, excerpt, line

# Jenkins stores the text of a failure whole in build.xml, and trims the output of a failed case to
# 50,000 characters at each end: both stay below that.
_DETAIL = 60_000
_ONE_REPORT = 12_000
_REPORTS = 10
_STDOUT = 40_000
_HEADLINE = 400
_DEPTH = 32
"""frames of a stack, inlined calls among them"""


def headline(cell: Cell, case: Case) -> str:
    """The reason as one line, never empty. What the base does is said to be the base's."""
    reason = line(case.reason, _HEADLINE) or f"{case.verdict.value}, no reason given"
    return f"base kernel, without the series: {reason}" if cell.kernel == "base" else reason


def kind(case: Case) -> str:
    """The ``type``: the first report's title, else the first check not kept, else its end or the verdict."""
    titles = (line(report.title) for report in case.reports)
    checks = (f"drift: {line(check.name)}" for check in case.checks if not check.kept)
    return next((name for name in (*titles, *checks, case.ending) if name), case.verdict.value)


def detail(directory: Path, run: Run, cell: Cell, case: Case) -> str:
    """The text below the headline: reason, blame, checks, console reports, how to repeat."""
    parts = [headline(cell, case)]
    blame = wording.blame_of(run, cell, case)
    if blame:
        parts.append(blame)
    if case.checks:
        parts.append("Checks:\n" + _indented(map(wording.check, case.checks)))
    parts += [_report(report) for report in case.reports[:_REPORTS]]
    if len(case.reports) > _REPORTS:
        parts.append(f"{len(case.reports) - _REPORTS} more console reports are in {directory / 'run.json'}")
    # Bounded apart from what follows: a long console must not push out the way to repeat it.
    return excerpt("\n\n".join(parts), _DETAIL) + f"\n\n{repeat(run)}"


def stdout(directory: Path, cell: Cell, case: Case) -> str:
    """Facts, checks and files; the attachments alone on the last lines.

    junit-attachments reads the output after Jenkins trimmed it (500 characters at each end if the
    case passed), so nothing may follow them.
    """
    parts = [f"{line(case.name)} on the {line(cell.kernel)} kernel, cgroup {line(cell.iface)}"]
    if case.started:
        parts.append(f"started {line(case.started)}, took {wording.duration(case.seconds)}")
    if case.facts:
        parts.append("Facts:")
        parts.append(_indented(f"{line(name)} = {line(value)}" for name, value in case.facts.items()))
    if case.checks:
        parts.append("Checks:\n" + _indented(map(wording.check, case.checks)))
    files = {"console": cell.console, "samples": case.samples}
    parts += [f"{name}: {clean(path)}" for name, path in files.items() if path]
    attached = [f"[[ATTACHMENT|{clean(str(directory / path))}]]" for path in files.values() if path]
    return "\n".join([excerpt("\n".join(parts), _STDOUT), *attached])


def repeat(run: Run) -> str:
    """The commands of the run, each below what it does."""
    lines = [f"To repeat ({REPEAT} beside this file):"]
    for command in run.commands:
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


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"  {one}" for one in lines)
