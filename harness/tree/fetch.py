# SPDX-License-Identifier: GPL-2.0-only
"""A branch of a repository elsewhere, ``URL@BRANCH``: fetched, without history, into one of ours."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from harness.address import refuse_credentials, shown
from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, task
from harness.files import locked, make_directory
from harness.git import ALONE, GIT
from harness.process import run

_URL = re.compile(r"(?:https?|git|ssh|file)://[^/\s]*/\S+")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*")
_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")
# What an old copy was checked out from must stay: no cleaning up behind it, least of all in the background.
_KEEP_ALL = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")


def fetch(spec: str, *, cache: Path, listener: Listener, deadline: Deadline) -> tuple[Path, str]:
    """Repository and commit of *spec*, ``URL@BRANCH``, as the branch is now.

    UserError for what is no such address or holds a password, and for a branch that is not there; InfraError
    when it cannot be fetched.
    """
    refuse_credentials(spec)
    url, _at, branch = spec.rpartition("@")
    if not _URL.fullmatch(url) or not _BRANCH.fullmatch(branch):
        raise UserError(
            f"{shown(spec)}: no branch of a repository; give https://HOST/PATH.git@BRANCH, or the address of "
            "a .tar[.gz|.xz|.bz2|.zst]"
        )
    name = _UNFIT.sub("-", url.rstrip("/").rpartition("/")[2].removesuffix(".git")).strip("-.")[:40] or "tree"
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    home = make_directory(cache / "git" / f"{name}-{digest}", "the cache of repositories")
    with (
        locked(home / ".lock", deadline, f"the copy of {url}"),
        task(listener, "fetch", f"fetch {spec}") as progress,
    ):
        _git(home, deadline, spec, "init", "--quiet", "--bare", ".")
        ref = f"refs/heads/{branch}"
        words = ("--quiet", "--no-tags", "--depth=1", "--end-of-options", url, f"+{ref}:{ref}")
        _git(home, deadline, spec, *_KEEP_ALL, "fetch", *words)
        commit = _git(home, deadline, spec, "rev-parse", "--verify", "--end-of-options", ref)
        progress.outcome = commit[:12]
    return home, commit


def _git(home: Path, deadline: Deadline, spec: str, *words: str) -> str:
    done = run([*GIT, *words], cwd=home, deadline=deadline, env=ALONE)
    if done.exit != 0:
        said = ascii(done.last_lines(2))[1:300]
        if "find remote ref" in said:
            raise UserError(f"{ascii(spec)[1:-1]}: no such branch there; name one that `git ls-remote` has")
        raise InfraError(f"{ascii(spec)[1:-1]}: cannot be fetched: {said}")
    return done.output.strip()
