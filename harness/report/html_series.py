# SPDX-License-Identifier: GPL-2.0-only
"""The series as a page shows it: patch by patch, what was found beside the lines it was found on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.analysis.model import Finding
from harness.console.model import Report
from harness.pipeline.model import BlameStep, Run
from harness.report.html_diff import Hunk, Landed, Remark, hunks_of_diff, landed
from harness.report.html_limits import Limits
from harness.tree.model import PatchLanding


class PatchShown(msgspec.Struct, frozen=True, kw_only=True):
    """One patch."""

    landing: PatchLanding
    author: str
    hunks: tuple[Landed, ...]
    """empty where the run did not keep the patch"""
    unshown: int
    """hunks left out for want of room"""
    left_out: int
    """bytes that the run did not keep"""
    remarks: tuple[Remark, ...]
    """those that are on none of the hunks"""
    tried: BlameStep | None
    first_bad: bool
    opened: bool

    @property
    def rough(self) -> bool:
        """A hunk went on other than byte for byte where it says."""
        return any(hunk.status != "clean" for hunk in self.landing.hunks)


def patches(run: Run, known: Mapping[tuple[str, str], str], limits: Limits) -> tuple[PatchShown, ...]:
    """All patches; as much of their hunks as there is room for, those with remarks first to be open."""
    texts = {text.number: text for text in run.texts}
    parsed = {number: hunks_of_diff(text.diff) for number, text in texts.items()}
    steps = {step.number: step for blame in run.blames for step in blame.steps}
    bad = {blame.number for blame in run.blames}
    room = limits.diffs
    shown = []
    for landing in run.patches[: limits.rows]:
        all_of = parsed.get(landing.number, ())
        fit, room = fitting(all_of, room)
        later = [parsed[number] for number in sorted(parsed) if number > landing.number]
        remarks = _remarks(run, landing.number, known, limits)
        hunks, rest = landed(fit, later, remarks)
        text = texts.get(landing.number)
        shown.append(
            PatchShown(
                landing=landing,
                author=text.author if text else "",
                hunks=hunks,
                unshown=len(all_of) - len(fit),
                left_out=text.left_out if text else 0,
                remarks=rest,
                tried=steps.get(landing.number),
                first_bad=landing.number in bad,
                opened=landing.number in bad
                or len(run.patches) == 1
                or any(remark.grade != "note" for remark in remarks),
            )
        )
    return tuple(shown)


def fitting(hunks: Sequence[Hunk], room: int) -> tuple[tuple[Hunk, ...], int]:
    """The first of *hunks* that fit into *room* characters, and what is left of it."""
    fit: list[Hunk] = []
    for hunk in hunks:
        size = sum(len(line.text) + 40 for line in hunk.lines)
        if size > room:
            return tuple(fit), 0
        room -= size
        fit.append(hunk)
    return tuple(fit), room


def _remarks(
    run: Run, number: int, known: Mapping[tuple[str, str], str], limits: Limits
) -> tuple[Remark, ...]:
    found = [_finding(one) for one in run.analysis.findings if one.patch == number]
    said: dict[str, Remark] = {}
    for cell in run.cells:
        for case in cell.cases:
            for report in case.reports:
                if number in report.patches and report.severity != "note":
                    remark = _complaint(report, known.get((cell.name, case.name), ""))
                    said.setdefault(f"{report.title} {report.file} {report.line}", remark)
    return (*said.values(), *found)[: limits.rows]


def _finding(one: Finding) -> Remark:
    seen = "" if one.tools == ("harness",) else f" ({', '.join(one.tools)})"
    return Remark(
        grade=one.severity,
        what=f"{one.rule}{seen}",
        text=one.message,
        file=one.file,
        line=one.line,
        source=one.source,
        surroundings=one.surroundings,
    )


def _complaint(report: Report, anchor: str) -> Remark:
    return Remark(
        grade="error",
        what="console",
        text=f"{report.title}{f': {report.condition}' if report.condition else ''}",
        file=report.file,
        line=report.line,
        anchor=anchor,
    )
