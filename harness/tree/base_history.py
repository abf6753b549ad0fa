# SPDX-License-Identifier: GPL-2.0-only
"""Which commits of a repository can be the base of a series: those at which its files changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime

import msgspec

from harness.errors import UserError
from harness.series.model import Series
from harness.tree.base_course import Course
from harness.tree.base_repository import Commit, Repository

_DAY = 86400
_AFTER = 90 * _DAY
"""a series for -mm was made on patches that Linus took up to a release later"""
_BEFORE = 2 * 365 * _DAY
_MOST = 400
_MOST_IN_RANGE = 2000
_LEAST = 20
_MOST_FILES = 200_000
"""commits times files; each is a question to git"""
_TIPS = 8
_BLOB = re.compile(r"[0-9a-f]{4,64}")
_BASE = re.compile(r"[0-9a-f]{7,64}")


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The commits to score, newest first, and those that are in because of what the series says."""

    commits: tuple[Commit, ...]
    ends: tuple[str, ...]
    """what nothing that is looked at is later than"""
    start: str = ""
    """the first commit of a range, which need not touch the files; else empty"""
    base: str = ""
    """of the series' ``base-commit:``, when the repository has it"""
    parents: Mapping[str, tuple[str, ...]] = {}
    """of each commit of the walk; between it and the one above there are commits that change other files"""
    cut: bool = False
    """there were more commits than are looked at"""


def history(repository: Repository, series: Series, courses: Sequence[Course], range_: str) -> History:
    """The commits of *range_* (``A..B``, or ``B`` alone) that touch the series' files.

    Without a range: those of HEAD and the newest branches from two years before the series' date to 90
    days after it, and those that made the blobs of its index lines; at most 400. Raises UserError for a
    range that the repository does not have.
    """
    paths = tuple(course.path for course in courses)
    base = repository.resolve(series.base_commit) if _BASE.fullmatch(series.base_commit) else ""
    if range_:
        start, ends = _range(repository, range_)
        walk, most = (*ends, *((f"^{start}",) if start else ())), _MOST_IN_RANGE
    else:
        moment = _moment(series)
        tips = repository.tips(_TIPS)
        by_then = _ends(repository, tips, moment)
        ends = by_then or tips
        # not from the ends: one of them can be a commit of a branch that was merged later
        walk, most = (*tips, *_around(moment, bool(by_then))), _MOST
        start = ""
    if not ends:
        raise UserError(f"{repository.path}: no commit in it; give a repository that has been cloned")
    most = max(_LEAST, min(most, _MOST_FILES // len(paths)))
    found = repository.commits(f"--max-count={most + 1}", *walk, paths=paths)
    made = () if range_ else _makers(repository, ends, courses)
    known = {commit.id for commit in found}
    others = [one for one in dict.fromkeys((start, base, *ends, *made)) if one and one not in known]
    single = repository.commits("--no-walk=unsorted", *others) if others else ()
    walked = repository.commits("--no-walk=unsorted", *(one.id for one in found[:most])) if found else ()
    return History(
        commits=found[:most] + tuple(_alone(commit) for commit in single),
        ends=ends,
        start=start,
        base=base,
        parents={one.id: one.above for one in walked},
        cut=len(found) > most,
    )


def _alone(commit: Commit) -> Commit:
    """A commit that is not of the walk: what stands before it there is not known."""
    return msgspec.structs.replace(commit, above=())


def _range(repository: Repository, range_: str) -> tuple[str, tuple[str, ...]]:
    before, dots, after = range_.rpartition("..")
    if before.endswith(".") or after.startswith("."):
        raise UserError(f"--range {ascii(range_)[:80]}: three dots name no way from A to B; give A..B")
    ids = []
    for revision in (before, after or "HEAD"):
        found = repository.resolve(revision) if revision else ""
        if revision and not found:
            raise UserError(
                f"--range {ascii(range_)[:80]}: {repository.path} has no commit {ascii(revision)[:80]}; "
                "name two that it has, as A..B"
            )
        ids.append(found)
    return (ids[0] if dots else ""), (ids[1],)


def _moment(series: Series) -> int:
    """When the series was sent, in seconds since 1970; 0 when nobody says."""
    for patch in series.patches:
        try:
            return int(parsedate_to_datetime(patch.date).timestamp())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue  # no date, or none of RFC 5322; another patch may have one
    return 0


def _around(moment: int, until: bool) -> tuple[str, ...]:
    """From long before *moment*; up to some time after it, if there was anything by then."""
    since = (f"--since={moment - _BEFORE}",) if moment else ()
    return (*since, f"--before={moment + _AFTER}") if until else since


def _ends(repository: Repository, tips: tuple[str, ...], moment: int) -> tuple[str, ...]:
    """What the tips were some time after *moment*: by their own line, and by date alone."""
    ends: dict[str, None] = {}
    for tip in tips if moment else ():
        for how in (("--first-parent",), ()):
            for commit in repository.commits("--max-count=1", *how, f"--before={moment + _AFTER}", tip):
                ends.setdefault(commit.id)
    return tuple(ends)


def _makers(repository: Repository, ends: tuple[str, ...], courses: Sequence[Course]) -> tuple[str, ...]:
    """The commits that made the first file whose blob the series names, wherever in history."""
    for course in courses:
        if _BLOB.fullmatch(course.blob) and repository.has_blob(course.blob):
            return repository.makers(course.blob, course.path, ends)
    return ()
