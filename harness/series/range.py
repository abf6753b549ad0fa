# SPDX-License-Identifier: GPL-2.0-only
"""The commits ``A..B`` of a git repository as a series, by ``git format-patch``.

The repository lends its objects to a git directory of ours and nothing else: not its configuration
or attributes, which may name programs to run or another form of diff.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.files import make_directory
from harness.git import ALONE, GIT
from harness.process import Completed, run
from harness.series.model import Series
from harness.series.read import read_series

_TRUSTED = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false")
_RANGE = re.compile(r"(?P<from>[^\s:?*\[\\]*?)\.\.(?P<to>[^\s:?*\[\\]*)")
_MOST = 2000
_FORMAT = (
    "format-patch", "--quiet", "--no-signature", "--no-color", "--no-ext-diff", "--no-textconv",
    "--no-attach", "--no-thread", "--numbered", "--no-cover-letter", "--full-index", "--find-renames",
    "--unified=3", "--diff-algorithm=myers", "--src-prefix=a/", "--dst-prefix=b/", "--no-base", "--no-notes",
)  # fmt: skip


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Commits that are in ``newest`` and not in ``base``, as the user names them."""

    repository: Path
    base: str
    newest: str


def split_range(spec: str) -> Range | None:
    """The range that *spec* names, as ``REPO@A..B`` or as ``A..B`` of the current directory, or None.

    A missing end is HEAD, as git has it. What begins or goes on as a path does, ``../x``, is none.
    """
    for at in (at for at, character in enumerate(spec) if character == "@"):
        repository = Path(spec[:at]).expanduser()
        if at and repository.is_dir():
            found = _commits(spec[at + 1 :])
            if found is not None:
                return Range(repository=repository, base=found[0], newest=found[1])
    found = _commits(spec)
    return Range(repository=Path(), base=found[0], newest=found[1]) if found else None


def _commits(text: str) -> tuple[str, str] | None:
    found = _RANGE.fullmatch(text)
    if found is None or text == ".." or text.startswith(("../", "/", "-")) or "/../" in text or "..." in text:
        return None
    return found["from"] or "HEAD", found["to"] or "HEAD"


def read_range(wanted: Range, spec: str, deadline: Deadline) -> Series:
    """The series of the commits of *wanted*, oldest first, with ``base_commit`` set; merges left out.

    Raises UserError for what is no repository, a revision that it has not, and an empty range.
    """
    base = _commit(wanted, wanted.base, spec, deadline)
    newest = _commit(wanted, wanted.newest, spec, deadline)
    done = _git(
        wanted.repository, "rev-parse", "--path-format=absolute", "--git-path", "objects", deadline=deadline
    )
    objects = done.output.strip()
    if done.exit != 0 or not Path(objects).is_dir():
        raise UserError(f"{spec}: {wanted.repository} is no git repository; give REPOSITORY@A..B")
    with tempfile.TemporaryDirectory(prefix="harness-range-") as directory:
        return _formatted(Path(directory), objects, (base, newest), spec, deadline)


def _formatted(scratch: Path, objects: str, ends: tuple[str, str], spec: str, deadline: Deadline) -> Series:
    base, newest = ends
    own = scratch / "git"
    _must(_git(scratch, "init", "--quiet", "--bare", "--template=", str(own), deadline=deadline), spec)
    info = make_directory(own / "objects" / "info", "the objects of the range")
    (info / "alternates").write_text(f"{objects}\n")
    where = f"{base}..{newest}"
    commits = _count(own, where, "--no-merges", spec=spec, deadline=deadline)
    merges = _count(own, where, "--merges", spec=spec, deadline=deadline)
    if not commits:
        raise UserError(f"{spec}: no commit in it; the older end stands first, as in v6.1..v6.2")
    if commits > _MOST:
        raise UserError(f"{spec}: {commits} commits, over the {_MOST} that are read at once; give fewer")
    out = scratch / "patches"
    _must(_git(own, *_FORMAT, "-o", str(out), where, deadline=deadline), spec)
    fork = _must(_git(own, "merge-base", base, newest, deadline=deadline), spec).output.strip()
    series = read_series(out)
    left_out = (f"{merges} merges left out",) if merges else ()
    return msgspec.structs.replace(
        series,
        name=spec,
        source=spec,
        base_commit=fork,
        notes=(*series.notes, *left_out),
        patches=tuple(
            msgspec.structs.replace(patch, origin=f"{spec}: {Path(patch.origin).name}")
            for patch in series.patches
        ),
    )


def _count(own: Path, where: str, kind: str, *, spec: str, deadline: Deadline) -> int:
    return int(_must(_git(own, "rev-list", "--count", kind, where, deadline=deadline), spec).output.strip())


def _commit(wanted: Range, revision: str, spec: str, deadline: Deadline) -> str:
    """The id of *revision*; ``--end-of-options`` keeps a revision from being an option."""
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    done = _git(wanted.repository, *words, deadline=deadline)
    if done.exit != 0:
        where = wanted.repository.resolve()
        raise UserError(f"{spec}: {revision!a} is no commit of {where}; give a file, or REPOSITORY@A..B")
    return done.output.strip()


def _git(cwd: Path, *words: str, deadline: Deadline) -> Completed:
    return run([*GIT, *_TRUSTED, *words], cwd=cwd, deadline=deadline, env=ALONE)


def _must(done: Completed, spec: str) -> Completed:
    if done.exit != 0:
        raise InfraError(f"{spec}: git: {ascii(done.last_lines(2))[1:300]}")
    return done
