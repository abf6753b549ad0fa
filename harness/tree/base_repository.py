# SPDX-License-Identifier: GPL-2.0-only
"""A git repository that is only read, and not trusted.

None of its settings is heeded that starts a program (hooks, fsmonitor, signatures, external diffs, text
conversion, remotes to fetch missing objects from); only plumbing commands are used, and nothing is written.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.git import ALONE, GIT
from harness.process import run

_ENVIRONMENT = {
    **ALONE,
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PAGER": "cat",
}
_SETTINGS = (
    "safe.directory=*",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "log.showSignature=false",
    "i18n.logOutputEncoding=UTF-8",
)
_ID = re.compile(r"[0-9a-f]{40,64}")
_OBJECT = re.compile(rb"([0-9a-f]{40,64}) blob (\d{1,12})")
_COMMIT = re.compile(r"commit ([0-9a-f]{40,64}(?: [0-9a-f]{40,64})*)")
_LARGEST = 8 << 20
"""bytes; a larger file is no source that hunks are tried on"""
_FORMAT = "--format=%ct%x09%cI%x09%s"


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One commit of a listing."""

    id: str
    above: tuple[str, ...]
    """the nearest commits before it in the listing; with a listing of all commits, its parents"""
    seconds: int
    """when it was committed, since 1970"""
    date: str
    """the same in ISO 8601 with its zone"""
    subject: str


class Repository:
    """Commits and files of the repository at a path, up to a deadline."""

    def __init__(self, path: Path, deadline: Deadline) -> None:
        """Raises UserError when there is no repository at *path*."""
        self.path = path
        self._deadline = deadline
        if not path.is_dir() or self._run("rev-parse", "--git-dir") is None:
            raise UserError(f"{path}: no git repository; give the top directory of one")

    def resolve(self, revision: str) -> str:
        """The id of the commit that *revision* names; empty when there is none."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        found = (self._run(*words) or b"").decode("ascii", "replace").strip()
        return found if _ID.fullmatch(found) else ""

    def tips(self, most: int) -> tuple[str, ...]:
        """Ids of HEAD and of the newest branches, local and remote, each once."""
        words = ("for-each-ref", "--format=%(objectname)", "--sort=-committerdate", f"--count={most}")
        raw = self._lines(*words, "refs/heads", "refs/remotes")
        return tuple(dict.fromkeys(id_ for id_ in (self.resolve("HEAD"), *raw) if _ID.fullmatch(id_)))

    def commits(self, *words: str, paths: Sequence[str] = ()) -> tuple[Commit, ...]:
        """What ``git rev-list`` lists for *words*, in its order; only commits that touch *paths* if given."""
        found: list[Commit] = []
        ids: list[str] = []
        for line in self._lines("rev-list", "--parents", _FORMAT, *words, "--", *paths):
            header = _COMMIT.fullmatch(line)
            if header is not None:
                ids = header[1].split()
            elif ids:
                found.append(_commit(ids, line))
                ids = []
        return tuple(found)

    def blobs(self, wanted: Sequence[tuple[str, str]]) -> list[str]:
        """The blob ids of (commit, path) pairs, in order; empty where there is no file, or one too large."""
        requests = [os.fsencode(f"{commit}:{path}") for commit, path in wanted]
        asked = [b"" if b"\n" in request else request for request in requests]
        raw = self._checked("cat-file", "--batch-check", stdin=b"".join(name + b"\n" for name in asked))
        answers = raw.split(b"\n")[:-1]
        if len(answers) != len(asked):
            raise InfraError(f"git cat-file: {len(answers)} answers to {len(asked)} questions")
        found = (_OBJECT.fullmatch(answer) for answer in answers)
        return [one[1].decode() if one is not None and int(one[2]) <= _LARGEST else "" for one in found]

    def contents(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs by id."""
        wanted = [id_ for id_ in dict.fromkeys(ids) if id_]
        raw = self._checked("cat-file", "--batch", stdin="".join(f"{id_}\n" for id_ in wanted).encode())
        found: dict[str, bytes] = {}
        at = 0
        for id_ in wanted:
            end = raw.find(b"\n", at)
            header = _OBJECT.fullmatch(raw[at:end])
            if header is None:
                raise InfraError(f"git cat-file: no contents for {id_}")
            at = end + 2 + int(header[2])
            found[id_] = raw[end + 1 : at - 1]
        return found

    def reverted(self, commit: str, paths: Sequence[str]) -> bytes:
        """The diff that takes *commit* back in *paths*; empty for a merge or a commit without parents."""
        how = ("-p", "-R", "--no-commit-id", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
        prefixes = ("--src-prefix=a/", "--dst-prefix=b/")
        return self._run("diff-tree", *how, *prefixes, commit, "--", *paths) or b""

    def has_blob(self, blob: str) -> bool:
        """True when the abbreviated id *blob* is that of a file's contents here, and of no other object's."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{blob}^{{blob}}")
        return self._run(*words) is not None

    def makers(self, blob: str, path: str, ends: Sequence[str]) -> tuple[str, ...]:
        """The commits before *ends* that gave *path* the contents *blob*, those after, and their parents."""
        how = ("--no-show-signature", "--no-color", "--no-ext-diff", "--no-textconv", "--max-count=4")
        lines = self._lines("log", *how, "--format=%H %P", f"--find-object={blob}", *ends, "--", path)
        ids = [id_ for line in lines for id_ in line.split() if _ID.fullmatch(id_)]
        return tuple(dict.fromkeys(ids))

    def describe(self, commits: Sequence[str]) -> list[str]:
        """``v2.6.27-rc3-12-g64d6519dda3d``, or an abbreviated id where no tag is near."""
        if not commits:
            return []
        found = self._lines("describe", "--tags", "--always", "--abbrev=12", *commits)
        if len(found) != len(commits):
            return [commit[:12] for commit in commits]
        return found

    def _lines(self, *words: str) -> list[str]:
        return self._checked(*words).decode("utf-8", "replace").split("\n")[:-1]

    def _checked(self, *words: str, stdin: bytes | None = None) -> bytes:
        code, said = self._git(words, stdin)
        if code != 0:
            why = ascii(said[-300:].decode("utf-8", "replace").strip().rpartition("\n")[2])[1:-1]
            raise InfraError(f"{self.path}: git {words[0]}: {why}; try 'git fsck' there")
        return said

    def _run(self, *words: str) -> bytes | None:
        """What git says; None when it fails."""
        code, said = self._git(words, None)
        return said if code == 0 else None

    def _git(self, words: Sequence[str], stdin: bytes | None) -> tuple[int, bytes]:
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / "said"
            settings = [word for setting in _SETTINGS for word in ("-c", setting)]
            done = run(
                [*GIT, "--no-pager", *settings, *words],
                cwd=self.path,
                deadline=self._deadline,
                env={**_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(self.path.resolve().parent)},
                log=log,
                stdin=stdin,
            )
            return done.exit, log.read_bytes()


def _commit(ids: list[str], line: str) -> Commit:
    seconds, date, subject = [*line.split("\t", 2), "", ""][:3]
    return Commit(
        id=ids[0],
        above=tuple(ids[1:]),
        seconds=int(seconds) if seconds.isdigit() else 0,
        date=date,
        subject=subject,
    )
