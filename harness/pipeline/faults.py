# SPDX-License-Identifier: GPL-2.0-only
"""The fault corpus put through the road: what catches each planted defect, and what survives."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import mean

import msgspec
from msgspec.structs import replace

from harness.errors import InfraError, UserError
from harness.events import Listener, Task, Work, silent, task
from harness.pipeline.bench import Request
from harness.pipeline.corpus import Corpus, Fault, Row, patch_of
from harness.pipeline.judge import base_cases, blamed_cases, like, weigh
from harness.pipeline.model import Case, Cell, Run
from harness.pipeline.run import WORKLOADS, Surroundings, execute
from harness.pipeline.signs import signs_of
from harness.pipeline.stages import RUN
from harness.verdict import Verdict
from harness.workloads.catalogue import every

CORPUS = "corpus"
"""the task that all of it is"""
_TURN = 9
"""places by which each run of the base begins further on in the catalogue of workloads"""


class Fate(StrEnum):
    """What became of a patch of the corpus."""

    KILLED = "killed"
    SURVIVED = "survived"
    QUIET = "quiet"
    """harmless, and nothing was said of it"""
    FALSE_ALARM = "false alarm"
    LEFT_OUT = "left out"
    """not judged: it does not go on this tree, or the machine failed"""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One patch of the corpus, or one run of the base (``base``), judged."""

    name: str
    kind: str
    """the class of the defect; ``harmless`` or ``base`` where there is none"""
    fate: Fate
    cell: str = ""
    case: str = ""
    """where it was caught"""
    signs: tuple[str, ...] = ()
    """all that was seen there"""
    as_stated: bool = False
    """one of the signs is among those that the corpus names"""
    reason: str = ""
    seconds: float = 0.0
    """from the patch to its verdict, building included"""
    static: str = ""
    """the rule of the analysis that could find it, as the corpus has it"""
    found: tuple[str, ...] = ()
    """the rules of the analysis that found something in it"""
    run: str = ""
    """its directory, beside the report"""


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """The whole corpus. ``faults.json`` is this value."""

    plan: str
    tree: str
    outcomes: tuple[Outcome, ...] = ()
    seconds: float = 0.0
    finished: bool = False

    def of(self, *fates: Fate) -> tuple[Outcome, ...]:
        """Those with one of *fates*."""
        return tuple(one for one in self.outcomes if one.fate in fates)

    @property
    def verdict(self) -> Verdict:
        """Pass when every defect was caught and nothing else was; left out is not caught."""
        if self.of(Fate.SURVIVED, Fate.FALSE_ALARM):
            return Verdict.FAIL
        return Verdict.INFRA if self.of(Fate.LEFT_OUT) or not self.finished else Verdict.PASS


@dataclass(frozen=True)
class Trial:
    """How the corpus is put through."""

    request: Request
    """the plan, tree and results directory; its series is each patch in turn"""
    directory: Path
    """where the patches are"""
    surroundings: Callable[[], Surroundings]
    """for each run anew"""
    publish: Callable[[Matrix], object]
    """told of all that is known, after each patch"""
    listener: Listener = silent
    """told how far the whole corpus is; the runs tell those that ``surroundings`` bring"""


def put_through(corpus: Corpus, trial: Trial, base_runs: int) -> Matrix:
    """Run the unpatched base *base_runs* times (at least once), then every patch of *corpus*.

    Each run of the base has a seed of its own, and begins with other workloads than the one before: a plan
    that bounds a cell's time leaves out the last. A patch is judged by no case that the base has not had:
    where one is missing, the base is run with it alone. UserError and InfraError of the base go on up:
    without it nothing can be judged.
    """
    with task(trial.listener, CORPUS, f"faults {trial.request.plan.name}") as overall:
        matrix = _put_through(corpus, trial, max(1, base_runs), overall)
        overall.outcome = str(matrix.verdict)
    return matrix


def _put_through(corpus: Corpus, trial: Trial, base_runs: int, overall: Task) -> Matrix:
    began = time.monotonic()
    matrix = Matrix(plan=trial.request.plan.name, tree="")
    base: list[Cell] = []

    def know(outcome: Outcome) -> None:
        nonlocal matrix
        passed = time.monotonic() - began
        matrix = replace(matrix, outcomes=(*matrix.outcomes, outcome), seconds=passed)
        trial.publish(matrix)

    for number in range(base_runs):
        _say_ahead(overall, matrix, base_runs, len(corpus.rows))
        run, seconds = _timed(turned(trial, number), f"base-{number + 1}", "")
        base += run.cells
        matrix = replace(matrix, tree=run.tree)
        know(_of_base(run, seconds))
    for row in corpus.rows:
        _say_ahead(overall, matrix, base_runs, len(corpus.rows))
        know(_judged(row, trial, base))
    matrix = replace(matrix, finished=True)
    trial.publish(matrix)
    return matrix


def _say_ahead(overall: Task, matrix: Matrix, base_runs: int, rows: int) -> None:
    """Tell how far the corpus is: each run takes about as long as those of its kind before."""
    done = len(matrix.outcomes)
    took = {
        is_base: [one.seconds for one in matrix.outcomes if (one.kind == "base") is is_base]
        for is_base in (True, False)
    }
    kinds = [number < base_runs for number in range(done, base_runs + rows)]
    seconds = [mean(took[kind]) if took[kind] else None for kind in kinds]
    work = [Work(RUN if at == 0 else "", one) for at, one in enumerate(seconds)]
    overall.ahead("base" if kinds[0] else "patches", done + 1, base_runs + rows, work)


def turned(trial: Trial, number: int) -> Trial:
    """*trial* with the seed and the order of workloads of the base's run *number*."""
    plan = trial.request.plan
    names = plan.workloads or tuple(row.name for row in every(WORKLOADS))
    at = number * _TURN % len(names)
    plan = replace(plan, workloads=(*names[at:], *names[:at]), seed=plan.seed + number)
    return dataclasses.replace(trial, request=replace(trial.request, plan=plan))


def _judged(row: Row, trial: Trial, base: list[Cell]) -> Outcome:
    """One patch. What its failure needs of the base is added to *base*; that time is not the patch's."""
    kind = row.kind if isinstance(row, Fault) else "harmless"
    try:
        run, seconds = _timed(trial, row.name, str(patch_of(trial.directory, row.name)))
        _complete(base, trial, run)
    except (InfraError, UserError) as error:
        return Outcome(name=row.name, kind=kind, fate=Fate.LEFT_OUT, reason=" ".join(str(error).split()))
    return outcome_of(row, run, base, seconds)


def _complete(base: list[Cell], trial: Trial, run: Run) -> None:
    """Run the base, alone, with each case by which *run* is judged and which *base* has not had."""
    while unknown := not_in_base(run, base):
        cell, case = unknown
        more, _seconds = _timed(alone(trial, cell, case), f"base-{case.name}", "")
        base += more.cells
        if not_in_base(run, base) == unknown:
            raise InfraError(f"the base was not run with {case.name} of {cell.name}: {more.reason}")


def not_in_base(run: Run, base: Sequence[Cell]) -> tuple[Cell, Case] | None:
    """The first case that fails in *run* for other reasons than the *base*'s, and that *base* has not had."""
    known = base_cases(_as_had(base))
    blamed = blamed_cases(run.cells, known)
    return blamed[0] if blamed and like(*blamed[0]) not in known else None


def alone(trial: Trial, cell: Cell, case: Case) -> Trial:
    """*trial* with nothing but the workload of *case*, in the place of *cell*."""
    plan = replace(
        trial.request.plan,
        kconfig=cell.profile,
        ifaces=(cell.iface,),
        cells=(),
        workloads=(case.name,),
    )
    return dataclasses.replace(trial, request=replace(trial.request, plan=plan))


def _as_had(base: Sequence[Cell]) -> tuple[Cell, ...]:
    """*base* without what was left out, and what failed once last: the base is known to do so."""
    had = [
        replace(cell, cases=(case,))
        for cell in base
        for case in cell.cases
        if case.verdict in (Verdict.PASS, Verdict.FAIL)
    ]
    return tuple(sorted(had, key=lambda cell: cell.cases[0].verdict is Verdict.FAIL))


def outcome_of(row: Row, run: Run, base: Sequence[Cell], seconds: float) -> Outcome:
    """What *run*, of the patch *row* alone, came to when held against the *base*'s cells."""
    fault = isinstance(row, Fault)
    found = tuple(dict.fromkeys(one.rule for one in run.analysis.findings if one.severity != "note"))
    outcome = Outcome(
        name=row.name,
        kind=row.kind if isinstance(row, Fault) else "harmless",
        fate=Fate.SURVIVED if fault else Fate.QUIET,
        reason=run.reason,
        seconds=seconds,
        static=row.static if isinstance(row, Fault) else "",
        found=found,
        run=run.run,
    )
    caught = _caught(run, base)
    if caught is None and run.verdict in (Verdict.INFRA, Verdict.BROKEN):
        return replace(outcome, fate=Fate.LEFT_OUT)
    if caught is None:
        return outcome
    cell, case, signs, reason = caught
    return replace(
        outcome,
        fate=Fate.KILLED if fault else Fate.FALSE_ALARM,
        cell=cell,
        case=case,
        signs=signs,
        as_stated=isinstance(row, Fault) and not set(signs).isdisjoint(row.seen),
        reason=reason,
    )


def _caught(run: Run, base: Sequence[Cell]) -> tuple[str, str, tuple[str, ...], str] | None:
    """Cell, case, signs and reason of the first failure that the base does not have."""
    failed = any(case.verdict is Verdict.FAIL for cell in run.cells for case in cell.cases)
    if run.verdict is Verdict.FAIL and not failed:  # one of its kernels, not always the first, does not build
        return "", "", ("build",), run.reason
    weighed, _verdict, _reason = weigh((*_as_had(base), *run.cells))
    blamed = blamed_cases(weighed, base_cases(weighed))
    if not blamed:
        return None
    cell, case = blamed[0]
    return cell.name, case.name, signs_of(case), case.reason


def _of_base(run: Run, seconds: float) -> Outcome:
    bad = [
        (cell, case)
        for cell in run.cells
        for case in cell.cases
        if case.verdict not in (Verdict.PASS, Verdict.SKIP)
    ]
    outcome = Outcome(
        name="base", kind="base", fate=Fate.QUIET, reason=run.reason, seconds=seconds, run=run.run
    )
    if not bad:
        return outcome
    cell, case = bad[0]
    fate = Fate.FALSE_ALARM if case.verdict in (Verdict.FAIL, Verdict.BROKEN) else Fate.LEFT_OUT
    signs = signs_of(case)
    return replace(outcome, fate=fate, cell=cell.name, case=case.name, signs=signs, reason=case.reason)


def _timed(trial: Trial, name: str, series: str) -> tuple[Run, float]:
    """The run of the base, or of one patch alone, and the seconds that it took as a whole."""
    request = trial.request
    plan = replace(request.plan, name=name[:40], series=series, blame=False, symbols=False, findings="report")
    only = ("patched",) if series else ("base",)
    around = trial.surroundings()
    began = time.monotonic()
    with task(around.listener, RUN, f"fault {name}" if series else name) as progress:
        run = execute(replace(request, plan=plan, only=only, fail_fast=bool(series)), around)
        progress.outcome = str(run.verdict)
    return run, time.monotonic() - began
