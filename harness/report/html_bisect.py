# SPDX-License-Identifier: GPL-2.0-only
"""``report.html`` of a bisection: each step, the first bad patch, the consoles of both its sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import msgspec

from harness.console.model import Report
from harness.errors import UserError
from harness.files import write_whole
from harness.pipeline.bisect_decide import steps_of
from harness.pipeline.bisect_model import Bisection, Step, Try
from harness.pipeline.model import PatchText
from harness.report import wording
from harness.report.bisect import NAME as KEPT
from harness.report.bisect import certainty, evidence
from harness.report.html import NAME, file_below, fill, page_below
from harness.report.html_console import Excerpt, console_end, console_excerpt
from harness.report.html_diff import Hunk, Landed, Remark, hunks_of_diff, landed
from harness.report.html_limits import Limits
from harness.report.html_series import fitting
from harness.report.runfile import read_run

_TRIES = 200


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """The first so many patches: the base, or one more patch than the rung before."""

    number: int
    subject: str
    step: Step | None
    """None where it was not tried"""
    tries: tuple[tuple[Try, str], ...]
    """each with its console, relative to the bisection's directory; empty where that is gone"""
    answer: bool
    """it is the first bad patch, or among those that may be"""


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """The first bad patch, as far as it is known."""

    number: int
    subject: str
    author: str
    hunks: tuple[Landed, ...]
    rest: tuple[Remark, ...]
    """reports that are at none of its lines"""
    unshown: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A try on one side of the answer, and what its console has."""

    tried: Try
    title: str
    excerpt: Excerpt
    frames: tuple[str, ...]


def write_bisection_page(directory: Path, known: Bisection) -> Path:
    """Write *known* as ``report.html`` in *directory*, whole or not at all."""
    path = directory / NAME
    write_whole(path, bisection_page(directory, known))
    return path


def bisection_page(directory: Path, known: Bisection) -> bytes:
    """The page, UTF-8; with consoles, and the patch of the run that was hunted in, out of *directory*."""
    limits = Limits()
    numbers = {0, known.total, *(one.number for one in known.tries), *known.candidates}
    steps = {one.number: one for one in steps_of(known)}
    rungs = [_rung(directory, known, number, steps.get(number)) for number in range(known.total + 1)]
    return fill(
        "bisection.html",
        known=known,
        limits=limits,
        rungs=[one for one in rungs if len(rungs) <= limits.rows or one.number in numbers][: limits.rows],
        certainty=certainty(known) if known.first_bad or known.candidates else "",
        built=sum(one.built for one in known.tries),
        patch=_patch(directory, known, limits),
        sides=[_side(directory, one, limits) for one in evidence(known)],
        commands=known.commands[: limits.rows],
        hunts=_hunts(directory, known),
        files=[name for name in (KEPT, "repeat.sh") if (directory / name).is_file()],
    )


def _rung(directory: Path, known: Bisection, number: int, step: Step | None) -> Rung:
    tries = [one for one in known.tries if one.number == number][:_TRIES]
    return Rung(
        number=number,
        subject=known.subjects[number - 1] if number else "",
        step=step,
        tries=tuple((one, _console(directory, one)) for one in tries),
        answer=number == known.first_bad or number in known.candidates,
    )


def _console(directory: Path, tried: Try) -> str:
    """The console of *tried*, relative to *directory*; "" where it is not there."""
    return file_below(directory, f"{tried.directory}/console.log") if tried.directory else ""


def _patch(directory: Path, known: Bisection, limits: Limits) -> Patch | None:
    if known.first_bad is None:
        return None
    number = known.first_bad
    text = _text(directory, known, number)
    report = next((one.report for one in known.tries if one.number == number and one.report), None)
    hunks = hunks_of_diff(text.diff) if text else _kept_hunk(known, report)
    fit, _room = fitting(hunks, limits.diffs)
    shown, rest = landed(fit, (), (_remark(report),) if report else ())
    return Patch(
        number=number,
        subject=known.subjects[number - 1],
        author=text.author if text else "",
        hunks=shown,
        rest=rest,
        unshown=len(hunks) - len(fit),
    )


def _text(directory: Path, known: Bisection, number: int) -> PatchText | None:
    """Patch *number* as the run kept it in which the failure was hunted."""
    for name in _hunts(directory, known):
        try:
            run = read_run(directory / PurePosixPath(name).parent)
        except UserError:
            continue
        return next((text for text in run.texts if text.number == number), None)
    return None


def _hunts(directory: Path, known: Bisection) -> list[str]:
    """The pages of the runs of the whole series with all workloads, relative to *directory*."""
    runs = dict.fromkeys(str(PurePosixPath(one.directory).parent) for one in known.tries[:1])
    return [page for run in runs if run != "." and (page := page_below(directory, run))]


def _kept_hunk(known: Bisection, report: Report | None) -> Sequence[Hunk]:
    file = report.file if report else "the hunk"
    return hunks_of_diff(f"--- a/{file}\n+++ b/{file}\n{known.hunk}") if known.hunk else ()


def _remark(report: Report) -> Remark:
    what = f"{report.title}{f': {report.condition}' if report.condition else ''}"
    return Remark(grade="error", what="console", text=what, file=report.file, line=report.line)


def _side(directory: Path, tried: Try, limits: Limits) -> Side:
    console = _console(directory, tried)
    excerpt = (
        console_excerpt(directory, console, tried.report, limits.one_console)
        if tried.report is not None
        else console_end(directory, console)
    )
    what = {0: "the base", 1: "the first patch"}.get(tried.number, f"the first {tried.number} patches")
    return Side(
        tried=tried,
        title=f"{what}: {tried.told}",
        excerpt=excerpt,
        frames=tuple(map(wording.frame, tried.report.stack[: limits.frames])) if tried.report else (),
    )
