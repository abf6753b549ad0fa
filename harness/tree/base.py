# SPDX-License-Identifier: GPL-2.0-only
"""The commit of a repository that a series was made for, or that it goes on best.

A ``base-commit:`` trailer is believed if the series goes on there, and index lines if a commit has all
their blobs; else the context of the hunks tells: rejects first, then fuzz, then offsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import Listener, Note, Task, task
from harness.series.model import Series
from harness.tree.base_course import Course, courses_of
from harness.tree.base_history import History, history
from harness.tree.base_repository import Commit, Repository
from harness.tree.base_run import Run, runs
from harness.tree.base_score import HunkScore, score
from harness.tree.base_virtual import Virtual, virtual_base

_BATCH = 200
"""file contents in memory at a time"""
_DESCRIBED = 10
"""git describe walks history for each"""

State = tuple[str, ...]
"""the blob ids of the series' files, in the order of its courses; empty where there is no file"""
Scores = tuple[HunkScore, ...]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A commit, and how the series goes on there by GNU patch's reckoning (fuzz up to 2)."""

    commit: str
    """the last of its run, or the one that a ``base-commit:`` names"""
    describe: str
    date: str
    """when it was committed, ISO 8601"""
    subject: str
    applied: bool
    """every hunk went on"""
    clean: int
    """hunks that went where they say"""
    offset: int
    """hunks that went elsewhere"""
    fuzzy: int
    """hunks that went on with context lines passed over, at whatever place"""
    rejected: int
    first: str
    """the run of commits around it on which each hunk goes in the same way, from this one"""
    last: str
    """to this one"""
    reason: str
    """``base-commit trailer``, ``index lines`` or ``context``"""
    differing: Scores = ()
    """the hunks that are fuzzy or rejected; for the best candidate alone"""
    virtual: Virtual | None = None
    """what to leave out so that more goes on; for the best candidate alone, if anything helps"""


def find_base(
    series: Series, repository: Path, *, range_: str, deadline: Deadline, listener: Listener
) -> tuple[Candidate, ...]:
    """The commits of *repository* on which *series* goes best, best first.

    *range_* is ``A..B``, or empty for a search around the series' date (harness.tree.base_history).
    Raises UserError for what is no repository, a range that it does not have, and a series without hunks.
    """
    courses = courses_of(series)
    if not any(step.hunks for course in courses for step in course.steps):
        raise UserError(f"{series.source or series.name}: no hunk in it that a base could be told by")
    source = Repository(repository, deadline)
    with task(listener, "base", f"look for the base of {ascii(series.name)[1:-1][:80]}") as progress:
        past = history(source, series, courses, range_)
        _say(past, series, listener)
        states = _states(source, past, courses)
        scores = _scores(source, courses, states, deadline, progress)
        found = _ranked(_candidates(source, past, courses, states, scores))
        progress.title = f"{len(states)} commits tried, {len(set(states.values()))} different"
        best = _explained(source, courses, states, scores, found[0], deadline)
        named = (best, *found[1:])[:_DESCRIBED]
    words = source.describe([candidate.commit for candidate in named])
    return (
        *(
            msgspec.structs.replace(candidate, describe=word)
            for candidate, word in zip(named, words, strict=True)
        ),
        *found[_DESCRIBED:],
    )


def _say(past: History, series: Series, listener: Listener) -> None:
    if series.base_commit and not past.base:
        said = ascii(series.base_commit)[1:-1][:40]
        listener(Note(f"base-commit {said} is not in the repository", warning=True))
    if past.cut:
        listener(Note("more commits touch the files than are tried: give a narrower --range", warning=True))


def _states(source: Repository, past: History, courses: Sequence[Course]) -> dict[str, State]:
    """The series' files at each commit, at the parents between which a run can end, and at the ends."""
    commits = dict.fromkeys(commit.id for commit in past.commits)
    for parents in past.parents.values():
        commits.update(dict.fromkeys(parents))
    commits.update(dict.fromkeys(past.ends))
    wanted = [(commit, course.path) for commit in commits for course in courses]
    blobs = source.blobs(wanted)
    count = len(courses)
    return {commit: tuple(blobs[at * count : (at + 1) * count]) for at, commit in enumerate(commits)}


def _scores(
    source: Repository,
    courses: Sequence[Course],
    states: Mapping[str, State],
    deadline: Deadline,
    progress: Task,
) -> dict[State, Scores]:
    """How the series goes on each state; what a file holds is judged once."""
    jobs = list(dict.fromkeys((at, blob) for state in states.values() for at, blob in enumerate(state)))
    known: dict[tuple[int, str], Scores] = {}
    for first in range(0, len(jobs), _BATCH):
        batch = jobs[first : first + _BATCH]
        contents = source.contents(blob for _, blob in batch)
        for at, blob in batch:
            known[at, blob] = score(courses[at], contents.get(blob), deadline)
        progress.progress(len(known), "files", len(jobs))
    return {
        state: tuple(one for at, blob in enumerate(state) for one in known[at, blob])
        for state in dict.fromkeys(states.values())
    }


def _candidates(
    source: Repository,
    past: History,
    courses: Sequence[Course],
    states: Mapping[str, State],
    scores: Mapping[State, Scores],
) -> Iterator[tuple[Candidate, Scores]]:
    found = list(runs(past, states, scores))
    shown = dict.fromkeys(run.last for run in found)
    commits = {one.id: one for one in source.commits("--no-walk=unsorted", *shown)}
    for run in found:
        state = states[run.state_of]
        reason = "base-commit trailer" if run.last == past.base else _reason(courses, state)
        yield _candidate(commits[run.last], run, scores[state], reason), scores[state]


def _reason(courses: Sequence[Course], state: State) -> str:
    """``index lines`` when every blob that the series names is there."""
    named = [(course, blob) for course, blob in zip(courses, state, strict=True) if course.blob]
    return "index lines" if named and all(blob.startswith(c.blob) for c, blob in named) else "context"


def _candidate(commit: Commit, run: Run, scores: Scores, reason: str) -> Candidate:
    words = [one.status for one in scores]
    return Candidate(
        commit=commit.id,
        describe=commit.id[:12],
        date=commit.date,
        subject=commit.subject,
        applied="rejected" not in words,
        clean=words.count("clean"),
        offset=words.count("offset"),
        fuzzy=words.count("fuzzy"),
        rejected=words.count("rejected"),
        first=run.first,
        last=run.last,
        reason=reason,
    )


def _ranked(found: Iterator[tuple[Candidate, Scores]]) -> list[Candidate]:
    """What the series says first, if it is true; then rejects, fuzz, offsets; of equals the newer."""
    order = ("base-commit trailer", "index lines", "context")

    def rank(entry: tuple[Candidate, Scores]) -> tuple[int, ...]:
        one, scores = entry
        said = order.index(one.reason) if one.applied else len(order)
        return said, one.rejected, one.fuzzy, one.offset, sum(abs(hunk.offset) for hunk in scores)

    newest = sorted(found, key=lambda entry: entry[0].date, reverse=True)
    return [candidate for candidate, _ in sorted(newest, key=rank)]


def _explained(
    source: Repository,
    courses: Sequence[Course],
    states: Mapping[str, State],
    scores: Mapping[State, Scores],
    best: Candidate,
    deadline: Deadline,
) -> Candidate:
    """The best candidate with its hunks that differ, and with the virtual base they describe."""
    state = states[best.commit]
    differing = tuple(one for one in scores[state] if one.status in ("fuzzy", "rejected"))
    if not differing:
        return best
    contents = source.contents(state)
    files = [contents.get(blob) for blob in state]
    virtual = virtual_base(source, best.commit, courses, files, deadline)
    return msgspec.structs.replace(best, differing=differing, virtual=virtual)
