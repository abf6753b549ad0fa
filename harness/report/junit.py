# SPDX-License-Identifier: GPL-2.0-only
"""``junit.xml`` of a run: a suite for each kernel and configuration, one for the run and its builds, one for
the findings. Each case shows in as many cases as it has aspects (junitaspects).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.files import write_whole
from harness.pipeline.model import Case, Cell, KernelUsed, Run
from harness.report import wording
from harness.report.junitagain import Knower, nothing_known
from harness.report.junitaspects import OWN, Aspect, aspects
from harness.report.junitfindings import findings_suite
from harness.report.junitnames import Scope, scope_of_run
from harness.report.junittext import Teller, properties, repeat
from harness.report.junitxml import Suite, Told, document
from harness.report.plaintext import excerpt, line
from harness.report.runfile import cut_off
from harness.verdict import Verdict

NAME = "junit.xml"
_TEXT = 20_000


def write_junit(directory: Path, run: Run) -> Path:
    """Write *run* as ``junit.xml`` in *directory*, whole or not at all; every text made printable.

    Attachments are named by absolute paths below *directory*, as far as they are there.
    """
    path = directory / NAME
    suites = suites_of(directory.absolute(), run, scope_of_run(run))
    write_whole(path, document(suites, run.seconds))
    return path


def suites_of(
    directory: Path, run: Run, scope: Scope, known: Knower = nothing_known, beside: Sequence[str] = ()
) -> list[Suite]:
    """The suites of *run*, named within *scope*; the first one's case ``run`` has what no other accounts for.

    *known* tells what else is known of a case, *beside* of the run as a whole.
    """
    teller = Teller(directory, run)
    suites = [_cell_suite(teller, run, scope, known, cell) for cell in run.cells]
    if run.analysis.tools:  # it was made: each tool has its line, also one that is not there
        suites.append(findings_suite(run, run.analysis, scope))
    builds = [*_built(run, scope), *_unbuilt(run, scope)]
    told = [*builds, *(case for suite in suites for case in suite.cases)]
    return [_run_suite(run, scope, [_whole(run, scope, told, beside), *builds]), *suites]


def _cell_suite(teller: Teller, run: Run, scope: Scope, known: Knower, cell: Cell) -> Suite:
    cases = [
        one
        for case in (*cell.cases, *_of_guest(run, cell))
        for one in _CaseTold(teller, scope, cell, case).told(known)
    ]
    began = next((case.started for case in cell.cases if case.started), run.started)
    return Suite(
        scope.suite(cell.kernel, cell.profile or scope.kconfig, cell.iface),
        cases,
        hostname=line(run.machine.get("host", "")),
        timestamp=line(began),
        properties=properties(run, cell),
    )


@dataclass(frozen=True)
class _CaseTold:
    """One case of a cell, in all its aspects."""

    teller: Teller
    scope: Scope
    cell: Cell
    case: Case

    def told(self, known: Knower) -> Iterable[Told]:
        """A ``<testcase>`` each; tries that failed go to the first that fails, else to the case itself."""
        found = known(self.cell, self.case)
        some = aspects(self.case)
        bearer = next((one for one in some if one.verdict is Verdict.FAIL), some[0])
        for aspect in some:
            classname, name = self.scope.of_case(self.cell, self.case, aspect.word)
            yield Told(
                classname=classname,
                name=name,
                verdict=aspect.verdict,
                headline=self.teller.headline(self.cell, self.case, aspect),
                kind=line(aspect.kind),
                detail=self._detail(aspect),
                seconds=max(0.0, self.case.seconds) if aspect.word == OWN else 0.0,
                stdout=self.teller.stdout(self.cell, self.case, aspect, found.words),
                again=found.again if aspect is bearer else (),
            )

    def _detail(self, aspect: Aspect) -> str:
        quiet = aspect.verdict in (Verdict.PASS, Verdict.SKIP)
        return "" if quiet else self.teller.detail(self.cell, self.case, aspect)


def _of_guest(run: Run, cell: Cell) -> tuple[Case, ...]:
    """A case ``guest`` for what befell the cell and shows in none of its cases."""
    if not cell.cases:
        verdict = Verdict.BROKEN if cell.verdict is Verdict.PASS else cell.verdict
        because = f": {run.reason}" if run.reason and cell.verdict is run.verdict else ""
        return (Case(name="guest", verdict=verdict, reason=f"no case ran on {cell.name}{because}"),)
    if cell.verdict in (Verdict.PASS, Verdict.SKIP) or cell.verdict in {case.verdict for case in cell.cases}:
        return ()
    return (Case(name="guest", verdict=cell.verdict, reason=run.reason),)


def _built(run: Run, scope: Scope) -> list[Told]:
    return [
        Told(
            classname=scope.classname("build"),
            name=scope.kernel(kernel.name.partition("-")[0], kernel.profile),
            verdict=Verdict.PASS,
            headline="built",
            seconds=0.0 if kernel.cached else max(0.0, kernel.seconds),
            stdout=_build_words(kernel),
        )
        for kernel in run.kernels
    ]


def _build_words(kernel: KernelUsed) -> str:
    how = "from the cache" if kernel.cached else f"built in {wording.duration(kernel.seconds)}"
    warnings = [f"  {line(one.file)}: {line(one.message)}" for one in kernel.new_warnings]
    new = ["warnings that the base does not have:", *warnings] if warnings else []
    return excerpt("\n".join([f"Linux {line(kernel.release)}, {how}", line(kernel.image), *new]), _TEXT)


def _unbuilt(run: Run, scope: Scope) -> list[Told]:
    return [
        Told(
            classname=scope.classname("build"),
            name=scope.kernel(one.kernel, one.profile),
            verdict=one.verdict,
            headline=f"the {line(one.kernel)} kernel does not build: {line(one.reason)}",
            kind="build",
            detail=f"{excerpt(one.reason, _TEXT)}\n\n{repeat(run)}",
        )
        for one in run.unbuilt
    ]


def _whole(run: Run, scope: Scope, told: Sequence[Told], beside: Sequence[str]) -> Told:
    """What the run came to; it passes where the cases *told* say so already. Its time is what they leave."""
    verdict, reason = _untold(run, {one.verdict for one in told})
    headline = line(reason) or verdict.value
    words = [f"{run.verdict.value}: {line(run.reason)}", f"Linux {line(run.tree)}", *map(line, beside)]
    return Told(
        classname=scope.classname("run"),
        name=scope.name(),
        verdict=verdict,
        headline=headline,
        kind="cut off" if cut_off(run) else "",
        detail=f"{headline}\n\n{repeat(run)}",
        seconds=max(0.0, run.seconds - sum(one.seconds for one in told)),
        stdout="\n".join(words),
    )


def _untold(run: Run, told: Collection[Verdict]) -> tuple[Verdict, str]:
    """What befell the run and shows in none of the verdicts *told*."""
    if cut_off(run):
        why = f"the run did not come to its end: {run.reason}; what is reported is true, but not all"
        return (Verdict.PASS if run.unbuilt else Verdict.INFRA), why
    if run.verdict is Verdict.PASS and not run.cells:
        return Verdict.BROKEN, run.reason or "the run has no results"
    if run.verdict is Verdict.SKIP and run.cells:
        return Verdict.PASS, run.reason
    return (Verdict.PASS if run.verdict in told else run.verdict), run.reason


def _run_suite(run: Run, scope: Scope, cases: Sequence[Told]) -> Suite:
    return Suite(
        scope.suite("run", scope.kconfig),
        cases,
        hostname=line(run.machine.get("host", "")),
        timestamp=line(run.started),
        properties=properties(run, None),
    )
