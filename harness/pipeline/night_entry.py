# SPDX-License-Identifier: GPL-2.0-only
"""One entry of a night: its run, whatever comes of it, and the bisection of what is new in it.

Both are called from threads of their own where entries run side by side, and raise no error: one that is bad
must not stop the others.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness.errors import HarnessError, UserError
from harness.events import task
from harness.files import make_directory, write_whole
from harness.pipeline.bench import Request
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.bisect_narrow import narrowed
from harness.pipeline.model import Run
from harness.pipeline.night_model import Bisected, Entry, Outcome
from harness.pipeline.plan import Plan
from harness.pipeline.run import WORKLOADS, Surroundings
from harness.pipeline.stages import RUN
from harness.verdict import Verdict
from harness.workloads.catalogue import every

_PLAN = "plan.yaml"
Execute = Callable[[Request, Surroundings], Run]
Bisect = Callable[[Request, float, str], tuple[Bisection, Path]]
"""bisects a request as surely as wanted, or goes on with what the named directory has; "" is none"""


@dataclass(frozen=True)
class Told:
    """What an entry came to, and its run where it came to its end."""

    outcome: Outcome
    run: Run | None = None


def request_for(entry: Entry, where: Path, template: Request) -> Request:
    """The request of *entry*, whose directory is *where*; the plan as it is run is written there.

    What is written is JSON, which is YAML: ``repeat.sh`` needs a file with what the night's plan set anew.
    """
    make_directory(where, "the directory of an entry")
    write_whole(where / _PLAN, msgspec.json.format(msgspec.json.encode(entry.plan), indent=2) + b"\n")
    return replace(template, plan=entry.plan, plan_path=where / _PLAN, results=where)


def run_entry(entry: Entry, where: Path, template: Request, around: Surroundings, execute: Execute) -> Told:
    """Run *entry* in *where*. Every error is an outcome: of the input broken, of the machine infra."""
    began, now = time.monotonic(), datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    before = _runs(where)
    run = None
    with task(around.listener, RUN, "run") as progress:
        try:
            run = execute(request_for(entry, where, template), around)
            verdict, reason, bad_input = run.verdict, run.reason, False
        except (HarnessError, OSError) as error:
            bad_input = isinstance(error, UserError)
            verdict, reason = Verdict.BROKEN if bad_input else Verdict.INFRA, str(error)
        except Exception as error:  # a defect of ours in one entry is no reason to lose the night
            write_whole(where / "traceback.txt", traceback.format_exc())
            verdict, bad_input = Verdict.BROKEN, False
            reason = f"the harness failed, see traceback.txt: {type(error).__name__}: {error}"
        progress.outcome = str(verdict)
    made = run.run if run else next(iter(sorted(_runs(where) - before, reverse=True)), "")
    outcome = Outcome(
        entry=entry.name,
        verdict=verdict,
        reason=" ".join(reason.split()),
        input_error=bad_input,
        started=now,
        seconds=time.monotonic() - began,
        run=f"{entry.directory}/{made}" if made else "",
    )
    if run is not None:
        outcome = replace(
            outcome,
            tree_revision=run.tree_revision,
            tree_fingerprint=run.tree_fingerprint,
            series_digest=run.series_digest,
        )
    return Told(outcome, run)


def bisect_entry(request: Request, known: Bisected, wanted: float, night: Path, bisect: Bisect) -> Bisected:
    """Bisect what *known* names, or go on with it, in the directory *night*; an error is its reason."""
    case = known.case
    try:
        workload = case.workload if case.workload in {row.name for row in every(WORKLOADS)} else ""
        narrow = narrowed(request, f"{case.kconfig}-{case.iface}", workload)
        narrow = replace(narrow, plan=_short(narrow.plan))
        end, directory = bisect(narrow, wanted, str(night / known.directory) if known.directory else "")
    except Exception as error:  # as above: the night goes on
        what = "" if isinstance(error, HarnessError) else f"{type(error).__name__}: "
        return replace(known, finished=True, reason=what + " ".join(str(error).split()))
    number = end.first_bad or 0
    return replace(
        known,
        directory=str(directory.relative_to(night)),
        finished=True,
        verdict=end.verdict,
        reason=end.reason,
        number=number,
        subject=end.subjects[number - 1] if number else "",
        confidence=end.confidence,
    )


def _short(plan: Plan) -> Plan:
    """*plan* without what a bisection does not use."""
    return replace(plan, blame=False, symbols=False)


def _runs(where: Path) -> frozenset[str]:
    """The runs in *where*."""
    if not where.is_dir():
        return frozenset()
    return frozenset(path.name for path in where.iterdir() if path.is_dir() and not path.is_symlink())
