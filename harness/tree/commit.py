# SPDX-License-Identifier: GPL-2.0-only
"""The private copy of one commit of a git repository: checked out by git, from a git directory of ours.

The user's repository lends its objects (``objects/info/alternates``) and nothing else: not its
configuration, whose filters and hooks would be programs to run, nor its index or work tree. From one
commit to another git writes just the files that differ, so that a build after it is incremental.
"""

from __future__ import annotations

from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, task
from harness.files import make_directory, write_whole
from harness.git import ALONE, GIT
from harness.process import run
from harness.tree.identify import identify
from harness.tree.place import SOURCE
from harness.tree.record import Record, drop_record, load_record, save_record

_DIRECTORY = "git"


def split_commit(spec: str) -> tuple[Path, str] | None:
    """Repository and revision of ``REPO@REVISION``; None when *spec* is not that, but a path."""
    repository, at, revision = spec.rpartition("@")
    path = Path(repository).expanduser()
    if not at or not repository or Path(spec).expanduser().exists() or _objects(path) is None:
        return None
    return path, revision


def check_out(
    repository: Path, revision: str, spec: str, home: Path, listener: Listener, deadline: Deadline
) -> Record:
    """Make ``home/src`` hold *revision* of *repository*; files that are the same keep their times.

    The fingerprint is git's id of the commit's tree. Raises UserError, naming *spec*, for a revision that
    is not there and for one that is no kernel.
    """
    objects = _objects(repository)
    if objects is None:
        raise UserError(f"{spec}: {repository} is no git repository; give REPOSITORY@REVISION")
    own = _Git(home, deadline)
    own.borrow(objects)
    commit = _resolved(repository, f"{revision}^{{commit}}", spec, deadline)
    record = load_record(home) if (home / SOURCE).is_dir() else None
    key = ("commit", commit)
    if record is not None and record.key == key:
        return record
    drop_record(home)
    make_directory(home / SOURCE, "the copy of a commit")
    with task(listener, "tree", f"check out {spec}"):
        own.git("checkout", "--force", "--quiet", "--detach", commit)
        own.git("clean", "--force", "-d", "-x", "--quiet")
    identify(home / SOURCE, spec)
    record = Record(key, _resolved(repository, f"{commit}^{{tree}}", spec, deadline))
    save_record(home, record)
    return record


class _Git:
    """git on a directory of ours in *home*, with ``src`` as its work tree."""

    def __init__(self, home: Path, deadline: Deadline) -> None:
        self._home = home
        self._deadline = deadline

    def borrow(self, objects: Path) -> None:
        """Have the objects in *objects* at hand."""
        directory = self._home / _DIRECTORY
        if not (directory / "HEAD").is_file():
            self.git("init", "--quiet")
        info = make_directory(directory / "objects" / "info", "the copy of a commit")
        write_whole(info / "alternates", f"{objects}\n".encode())

    def git(self, *words: str) -> None:
        """Run git; InfraError with its words when it fails."""
        source = make_directory(self._home / SOURCE, "the copy of a commit")
        environment = {**ALONE, "GIT_CEILING_DIRECTORIES": str(self._home)}
        where = (f"--git-dir={self._home / _DIRECTORY}", f"--work-tree={source}")
        done = run([*GIT, *where, *words], cwd=source, deadline=self._deadline, env=environment)
        if done.exit != 0:
            raise InfraError(f"git {words[0]}: {ascii(done.last_lines(2))[1:300]}")


def _objects(repository: Path) -> Path | None:
    """Where *repository*, bare or with a work tree, keeps its objects; None when it is no repository."""
    for directory in (_linked(repository / ".git"), repository):
        if (directory / "HEAD").is_file() and (directory / "objects").is_dir():
            return (directory / "objects").resolve()
    return None


def _linked(entry: Path) -> Path:
    """What a ``.git`` file of an added work tree points to: the common directory of its repository."""
    if not entry.is_file():
        return entry
    directory = entry.parent / entry.read_text(errors="replace").removeprefix("gitdir:").strip()
    common = directory / "commondir"
    return directory / common.read_text(errors="replace").strip() if common.is_file() else directory


def _resolved(repository: Path, what: str, spec: str, deadline: Deadline) -> str:
    """The id of *what* in *repository*; ``--end-of-options`` keeps a revision from being an option."""
    done = run(
        [*GIT, "-c", "safe.directory=*", "rev-parse", "--verify", "--quiet", "--end-of-options", what],
        cwd=repository,
        deadline=deadline,
        env=ALONE,
    )
    if done.exit != 0:
        raise UserError(f"{spec}: no such revision; name a commit, tag or branch of {repository}")
    return done.output.strip()
