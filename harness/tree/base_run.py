# SPDX-License-Identifier: GPL-2.0-only
"""Runs of commits that are one base: a series goes on each of them in the same way, hunk by hunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from harness.tree.base_history import History
from harness.tree.base_repository import Commit
from harness.tree.base_score import HunkScore

State = tuple[str, ...]
Scores = tuple[HunkScore, ...]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """From the commit ``first`` to ``last``; they are equal where only one is known."""

    first: str
    last: str

    @property
    def state_of(self) -> str:
        """The commit whose files stand for the run."""
        return self.last


def runs(past: History, states: Mapping[str, State], scores: Mapping[State, Scores]) -> Iterator[Run]:
    """Every run once; one that has the commit of the ``base-commit:`` trailer ends with that."""
    by_commit = {commit: scores[state] for commit, state in states.items()}
    seen = set()
    based = False
    for group in _linked(past, by_commit):
        mine = by_commit[group[0].id]
        if len(group) == 1 and not group[0].above and mine in seen and group[0].id != past.base:
            continue  # an end of the walk, or a commit found by its blobs, that is in a run already
        seen.add(mine)
        run = Run(first=_first(group, past, by_commit), last=_last(group, past, by_commit))
        if past.base in {run.last, *(commit.id for commit in group)}:
            if based:
                continue  # it stands by itself in the listing, and ended a run already
            based = True
            run = Run(first=run.first, last=past.base)
        yield run


def _linked(past: History, scores: Mapping[str, Scores]) -> list[list[Commit]]:
    """The listed commits, put together where one follows the other and nothing goes on differently.

    The walk's commits come first and newest first, so the groups with a history come before single ones.
    """
    listed = {commit.id: commit for commit in past.commits}
    group_of: dict[str, list[Commit]] = {}
    groups: list[list[Commit]] = []
    for commit in past.commits:
        group = group_of.get(commit.id)
        if group is None:
            group = []
            groups.append(group)
        group.append(commit)
        group_of[commit.id] = group
        for above in commit.above:
            if above in listed and above not in group_of and scores[above] == scores[commit.id]:
                group_of[above] = group
    return groups


def _first(group: list[Commit], past: History, scores: Mapping[str, Scores]) -> str:
    """The oldest of the group; the start of the range, when nothing changed from there."""
    oldest = group[-1]
    listed = {commit.id for commit in past.commits}
    follows = past.start and not listed.intersection(oldest.above) and oldest.above
    return past.start if follows and scores[past.start] == scores[oldest.id] else oldest.id


def _last(group: list[Commit], past: History, scores: Mapping[str, Scores]) -> str:
    """The last commit before one that makes a difference, or the end of the walk."""
    mine = scores[group[0].id]
    members = {commit.id for commit in group}
    for end in past.ends:
        if scores[end] == mine and _newest(past) in members:
            return end
    for commit in past.commits:
        if commit.id not in members and members.intersection(commit.above):
            same = [parent for parent in past.parents.get(commit.id, ()) if scores[parent] == mine]
            if same:
                return same[0]
    return group[0].id


def _newest(past: History) -> str:
    return past.commits[0].id if past.commits else ""
