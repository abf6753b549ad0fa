# SPDX-License-Identifier: GPL-2.0-only
"""The virtual base: a commit with some of the commits before it left out, so that more of a series goes on.

A series for -mm or linux-next was made on a tree that no repository has: before some commits that are in
the nearest one, after others. Each of the last commits that touched a file with hunks that differ is taken
back in memory, and the one that helps most stays out; again until none helps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from harness.deadline import Deadline
from harness.series.hunks import HunkLines, hunks_of
from harness.series.model import FileChange, Patch
from harness.tree.base_course import Course
from harness.tree.base_repository import Commit, Repository
from harness.tree.base_score import HunkScore, revert, score

_COMMITS = 12
"""of each file, the newest ones that are tried"""
_PATHS = 16
"""the files with the most rejected hunks; the commits of others are not tried"""
_MOST = 64
_ROUNDS = 8
_CONTEXT = 3
_RUN = re.compile(r"[-+]+")

Files = tuple[bytes | None, ...]
Cost = tuple[int, int, int]
"""hunks rejected, lines of fuzz, lines of offset"""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A commit, or a part of one, that the series' author did not have."""

    commit: str
    subject: str
    files: tuple[str, ...]
    """the files of the series in which it is left out"""
    changes: str = "all"
    """``all`` that it does there, or which of its runs of changed lines: ``2 of 5``"""


class Virtual(msgspec.Struct, frozen=True, kw_only=True):
    """What to leave out, in the order in which it was found, and how the series then goes on."""

    commits: tuple[LeftOut, ...]
    clean: int
    offset: int
    fuzzy: int
    rejected: int
    differing: tuple[HunkScore, ...]
    """what is still fuzzy or rejected"""


class _Undo(msgspec.Struct, frozen=True, kw_only=True):
    left_out: LeftOut
    hunks: Mapping[str, tuple[HunkLines, ...]]


def virtual_base(
    repository: Repository,
    commit: str,
    courses: Sequence[Course],
    files: Sequence[bytes | None],
    deadline: Deadline,
) -> Virtual | None:
    """What to leave out of *commit*, whose *files* go with *courses*; None when nothing helps."""
    search = _Search(courses, tuple(files), deadline)
    undos = list(_undos(repository, commit, search.bad_paths()))
    search.leave_out(undos)
    search.leave_out([part for undo in undos for part in _parts(undo)])
    search.put_back()
    return search.result()


class _Search:
    """Greedy: what is left out so far, the files without it, and the scores of each course on its file."""

    def __init__(self, courses: Sequence[Course], files: Files, deadline: Deadline) -> None:
        self._courses = courses
        self._given = files
        self._deadline = deadline
        self._chosen: list[_Undo] = []
        self._files = files
        self._scores = [score(course, data, deadline) for course, data in zip(courses, files, strict=True)]

    def bad_paths(self) -> tuple[str, ...]:
        """The files in which hunks are fuzzy or rejected, the worst first."""
        bad = {
            course.path: ([one.status for one in scores].count("rejected"), sum(one.fuzz for one in scores))
            for course, scores in zip(self._courses, self._scores, strict=True)
        }
        return tuple(sorted((path for path in bad if any(bad[path])), key=bad.__getitem__, reverse=True))

    def leave_out(self, undos: Sequence[_Undo]) -> None:
        """Leave out the best of *undos*, then the best of the others, while it helps."""
        for _ in range(_ROUNDS):
            cost = self._cost(self._scores)
            tried = [(undo, self._without(undo, self._files)) for undo in undos]
            good = [
                (self._cost(self._scored(files)), undo, files)
                for undo, files in tried
                if files is not None and undo not in self._chosen
            ]
            best = min(good, key=lambda entry: entry[0], default=None)
            if best is None or best[0] >= cost:
                return
            self._chosen.append(best[1])
            self._scores, self._files = self._scored(best[2]), best[2]

    def put_back(self) -> None:
        """Put back what later choices have made needless."""
        for undo in list(self._chosen):
            others = [one for one in self._chosen if one is not undo]
            files: Files | None = self._given
            for one in others:
                files = self._without(one, files) if files is not None else None
            if files is not None and self._cost(self._scored(files)) <= self._cost(self._scores):
                self._scores, self._files, self._chosen = self._scored(files), files, others

    def result(self) -> Virtual | None:
        """None when nothing was left out."""
        if not self._chosen:
            return None
        scores = [one for found in self._scores for one in found]
        words = [one.status for one in scores]
        return Virtual(
            commits=tuple(undo.left_out for undo in self._chosen),
            clean=words.count("clean"),
            offset=words.count("offset"),
            fuzzy=words.count("fuzzy"),
            rejected=words.count("rejected"),
            differing=tuple(one for one in scores if one.status in ("fuzzy", "rejected")),
        )

    def _cost(self, scores: Sequence[Sequence[HunkScore]]) -> Cost:
        hunks = [one for found in scores for one in found]
        rejected = sum(one.status == "rejected" for one in hunks)
        # where blank lines may be lost, offsets tell little
        offset = 0 if self._courses[0].squeezed else sum(abs(one.offset) for one in hunks)
        return rejected, sum(one.fuzz for one in hunks), offset

    def _without(self, undo: _Undo, files: Files) -> Files | None:
        """*files* with *undo* taken back; None when it cannot be."""
        changed = list(files)
        for at, course in enumerate(self._courses):
            hunks, data = undo.hunks.get(course.path), files[at]
            if hunks is None:
                continue
            changed[at] = revert(data, hunks, self._deadline) if data is not None else None
            if changed[at] is None:
                return None
        return tuple(changed)

    def _scored(self, files: Files) -> list[tuple[HunkScore, ...]]:
        return [
            known if data is self._files[at] else score(self._courses[at], data, self._deadline)
            for at, (data, known) in enumerate(zip(files, self._scores, strict=True))
        ]


def _undos(repository: Repository, commit: str, bad: Sequence[str]) -> Iterator[_Undo]:
    """The newest commits that touched files in which hunks differ, each as what takes it back there."""
    commits: dict[str, Commit] = {}
    for path in bad[:_PATHS]:
        limit = ("--no-merges", f"--max-count={_COMMITS}")
        commits.update({one.id: one for one in repository.commits(*limit, commit, paths=(path,))})
    for one in sorted(commits.values(), key=lambda entry: entry.seconds, reverse=True)[:_MOST]:
        hunks = _hunks(repository.reverted(one.id, bad))
        if hunks:
            left_out = LeftOut(commit=one.id, subject=one.subject, files=tuple(hunks))
            yield _Undo(left_out=left_out, hunks=hunks)


def _hunks(diff: bytes) -> dict[str, tuple[HunkLines, ...]]:
    """The hunks of git's own diff by file; nothing where it cannot be read (a name in quotes)."""
    try:
        sections = PatchSet(diff.decode("utf-8", "surrogateescape"))
    except UnidiffParseError:
        return {}
    files = tuple(
        FileChange(
            path=section.path, kind="modified", old_path=section.path, added=0, removed=0, hunks=len(section)
        )
        for section in sections
    )
    patch = Patch(
        number=1, total=1, subject="", author="", message_id="", diff=diff, files=files, origin="git"
    )
    return {change.path: hunks for change, hunks in hunks_of(patch) if hunks}


def _parts(undo: _Undo) -> Iterator[_Undo]:
    """Each change of *undo* by itself, where it has several."""
    changes = [
        (path, part) for path, hunks in undo.hunks.items() for hunk in hunks for part in _changes(hunk)
    ]
    for number, (path, part) in enumerate(changes, 1):
        if len(changes) > 1:
            of = f"{number} of {len(changes)}"
            left_out = msgspec.structs.replace(undo.left_out, files=(path,), changes=of)
            yield _Undo(left_out=left_out, hunks={path: (part,)})


def _changes(hunk: HunkLines) -> Iterator[HunkLines]:
    """The hunk once for each run of changed lines in it, the lines of the others left as they were."""
    for run in _RUN.finditer(hunk.marks):
        old, new = iter(hunk.old), iter(hunk.new)
        lines: list[tuple[str, bytes]] = []
        for at, mark in enumerate(hunk.marks):
            line = next(new if mark == "+" else old)
            if mark == " ":
                next(new)
            if run.start() <= at < run.end():
                lines.append((mark, line))
            elif mark != "+":
                lines.append((" ", line))
        marks = "".join(mark for mark, _ in lines)
        first = max(0, len(marks) - len(marks.lstrip(" ")) - _CONTEXT)
        end = min(len(lines), len(marks.rstrip(" ")) + _CONTEXT)
        yield _part(hunk, lines[first:end], first, marks[first:end])


def _part(hunk: HunkLines, lines: list[tuple[str, bytes]], skipped: int, marks: str) -> HunkLines:
    return msgspec.structs.replace(
        hunk,
        old=tuple(line for mark, line in lines if mark != "+"),
        new=tuple(line for mark, line in lines if mark != "-"),
        old_start=hunk.old_start + skipped,
        new_start=hunk.new_start + skipped,
        trailing=len(marks) - len(marks.rstrip(" ")),
        marks=marks,
    )
