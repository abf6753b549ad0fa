# SPDX-License-Identifier: GPL-2.0-only
"""A results directory with nights, a bisection and a run, as the commands leave them; and hostile ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from harness.errors import InfraError, UserError
from harness.pipeline.bench import Request
from harness.pipeline.bisect_model import Bisection, Hunted, Told, Try
from harness.pipeline.model import Command, PatchText, Run
from harness.pipeline.night import begin
from harness.pipeline.night_model import Bisected, CaseName, Change, Night, Outcome
from harness.pipeline.night_plan import NightPlan
from harness.pipeline.plan import Plan
from harness.pipeline.run import Surroundings
from harness.pipeline.standing import Seen, Stand, Standing
from harness.report.history import open_history
from harness.report.publisher import keep_night, write_bisection_reports, write_reports
from harness.report.runfile import write_run
from harness.verdict import Verdict
from tests.unit.night_sample import Fake, around, entry, run_of, site
from tests.unit.report_sample import BUG, HOSTILE, red

_PLAN = NightPlan(name="n", trees=("debian",), plans=("p.yaml",), budget="2 h")
_P, _F = Verdict.PASS, Verdict.FAIL
_NIGHTS: tuple[Mapping[str, Verdict | Exception], ...] = (
    {"new": _P, "still": _P, "fixed": _P, "flaky": _P, "gone": _P},
    {"new": _P, "still": _F, "fixed": _F, "flaky": _F, "gone": _P},
    {"new": _P, "still": _F, "fixed": _F, "flaky": _P, "gone": UserError("/srv/gone: no such tree")},
    {"new": _F, "still": _F, "fixed": _P, "flaky": _F, "gone": InfraError("QEMU: cannot allocate memory")},
)
DIFF = """\
--- a/mm/memcontrol.c
+++ b/mm/memcontrol.c
@@ -260,7 +260,8 @@ static int try_charge(struct mem_cgroup *memcg)
 \tstruct page_counter *counter;
 \tunsigned long pflags;
 \tbool charged = false;
-\tif (!nr_pages)
+\tcharged = true;
+\tVM_BUG_ON(!nr_pages);
 \t\treturn 0;
 \tif (mem_cgroup_is_root(memcg))
 \t\treturn 0;
"""


class _Kept(Fake):
    """Runs that leave their pages."""

    def __call__(self, request: Request, around: Surroundings) -> Run:
        run = super().__call__(request, around)
        keep_run(request.results / run.run, run)
        return run


def keep_run(directory: Path, run: Run) -> Path:
    """*run* with its reports in *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    write_run(directory, run)
    write_reports(directory, run)
    return directory


def nights(results: Path) -> Path:
    """Four nights over five trees, one of which is gone and one without time; the last one's directory."""
    directory = results
    with open_history(results, new=True) as history:
        for number, verdicts in enumerate(_NIGHTS):
            ends = {
                name: end
                if isinstance(end, Exception)
                else run_of("r", end, tree=f"{name}-{1 if name == 'flaky' else number}")
                for name, end in verdicts.items()
            }
            entries = [entry(name, f"/{name}", "/s") for name in (*ends, "slow")]
            told = dataclasses.replace(around(history, _Kept(**ends)), publish=keep_night)
            night, directory = begin(_PLAN, results / "n.yaml", entries, site(results), told)
    left = Outcome(
        entry="slow/s/p/plain", verdict=Verdict.SKIP, reason="left out: the budget of 120 min was used up"
    )
    outcomes = tuple(left if one.entry == left.entry else one for one in night.outcomes)
    bisected = Bisected(
        case=next(
            change.case for one in outcomes for change in one.changes if change.stand.standing is Standing.NEW
        ),
        directory="new,s,p,plain/20261124-020000-bisect-p",
        finished=True,
        verdict=_F,
        reason="patch 2/3 is the first bad one",
        number=2,
        subject="memcg: charge twice",
        confidence=0.984,
    )
    keep_bisection(directory / bisected.directory)
    outcomes = tuple(
        replace(one, bisected=bisected) if any(each.case == bisected.case for each in one.changes) else one
        for one in outcomes
    )
    keep_night(directory, replace(night, outcomes=outcomes, removed=("20261001-020000-night-n/a,s,p,plain",)))
    return directory


def bisection() -> Bisection:
    """Of three patches, the second of which hits a BUG at a line of its own."""
    hunted = Hunted(profile="plain", iface="v1", case="anon", signs=(), cause=BUG, reason=BUG.title)
    tries = [
        *(("whole/r/patched-v1", 3, Told.BAD), ("03-2", 3, Told.BAD), ("03-3", 3, Told.BAD)),
        *(("00-1", 0, Told.GOOD), ("00-2", 0, Told.GOOD), ("00-3", 0, Told.GOOD)),
        *(("02-1", 2, Told.BAD), ("01-1", 1, Told.GOOD), ("01-2", 1, Told.GOOD), ("01-3", 1, Told.GOOD)),
    ]
    return Bisection(
        run="20261124-020000-bisect-p", plan=Plan(name="p"), plan_path="/p.yaml", tree="linux-6.1 (6.1.192)",
        tree_origin="debian", tree_fingerprint="f", series="memcg-checks", series_digest="d",
        subjects=("memcg: check charge", "memcg: charge twice", "memcg: check uncharge"),
        wanted=0.95, started="2026-11-24T02:00:00+00:00", hunted=hunted,
        tries=tuple(
            Try(
                number=number, told=told, reason=BUG.title if told is Told.BAD else "24 checks kept",
                seconds=9.0, built=4.0 if name.endswith("-1") else 0.0, directory=name,
                report=BUG if told is Told.BAD else None,
            )
            for name, number, told in tries
        ),
        first_bad=2, confidence=0.984, verdict=_F, reason="patch 2/3 is the first bad one",
        finished="2026-11-24T02:04:00+00:00", seconds=240.0,
        commands=(Command(step="the first 2 patches: bad", command="harness boot /c/bb/bzImage"),),
    )  # fmt: skip


def keep_bisection(directory: Path, known: Bisection | None = None) -> Path:
    """*known* with the run that it began with, its consoles and its page in *directory*."""
    known = known or bisection()
    text = PatchText(number=2, author="A Hacker <a@example.org>", diff=DIFF)
    keep_run(directory / "whole" / "r", replace(red(), run="r", texts=(text,)))
    for name in ("01-1", "02-1"):
        (directory / name).mkdir()
        boot = "".join(f"[    0.{number:06}] line {number}\n" for number in range(300))
        said = boot + "[    2.000000] memcg-harness: case anon begin\n"
        (directory / name / "console.log").write_text(
            said + (f"{BUG.text}\n" if name == "02-1" else "all well\n")
        )
    offset = len(said)
    tries = tuple(
        replace(one, report=replace(one.report, offset=offset)) if one.report else one for one in known.tries
    )
    write_bisection_reports(directory, replace(known, tries=tries))
    return directory


def results(root: Path) -> Path:
    """All of it below *root*."""
    root.mkdir(exist_ok=True)
    nights(root)
    keep_run(root / red().run, red())
    keep_bisection(root / bisection().run)
    return root


def hostile_night(text: str = HOSTILE) -> Night:
    """*text* wherever a tree, a plan or a kernel chooses it, and more of everything than goes on a page."""
    case = CaseName(tree=text, series=text, plan=text, kconfig=text, kernel=text, iface=text, workload=text)
    seen = Seen(night=text, verdict=_F, run="../../etc", tree_revision=text, series_digest=text)
    change = Change(
        case=case,
        verdict=_F,
        reason=text * 30,
        stand=Stand(standing=Standing.NEW, first_bad=seen, last_good=seen),
    )
    outcome = Outcome(
        entry=text, verdict=_F, reason=text * 30, run="../../etc", changes=(change,) * 500,
        bisected=Bisected(case=case, directory="/etc", reason=text, number=1, subject=text),
    )  # fmt: skip
    entries = tuple(replace(entry(f"{text}{number}"), plan_name=f"{text}{number}") for number in range(500))
    return Night(
        run=text, verdict=_F, reason=text * 30, name=text, plan_path=text, started=text, finished=text,
        entries=entries, outcomes=(outcome,) * 500, removed=(text,) * 5_000,
    )  # fmt: skip


def hostile_bisection(text: str = HOSTILE) -> Bisection:
    """The same for a bisection of 2,000 patches."""
    known = bisection()
    report = replace(
        BUG, title=text, condition=text, text=(text + "\n") * 20_000, file=text, stack=BUG.stack * 100
    )
    tries = tuple(
        replace(one, reason=text * 30, directory="../../etc", report=replace(report) if one.report else None)
        for one in known.tries
    )
    return replace(
        known, run=text, tree=text, series=text, reason=text * 30, tries=tries * 20, subjects=(text,) * 2_000,
        hunk=f"@@ -1,1 +1,2 @@ {text}\n {text}\n+{text}\n",
        commands=(Command(step=text, command=text),) * 500,
    )  # fmt: skip
