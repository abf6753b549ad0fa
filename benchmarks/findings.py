#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the rules say of real commits: findings per commit, by rule and severity, new against the parent.

Each commit of the range that touches the paths (merges left out) is analysed as a series of one patch on
its parent. A merged commit is taken to be right: an ``error`` on it is a false one until somebody has read
it and found that it is not; --list shows each, to be read. The same arguments give the same answer.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.analysis.analyse import analyse
from harness.analysis.model import Finding
from harness.analysis.states import States
from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError, UserError
from harness.git import GIT
from harness.process import run, spawned
from harness.series.model import FileChange, Patch, Series
from harness.tree.model import Applied

_QUIET = ("-c", "core.quotePath=off", "--no-pager")
_CHANGED = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([AMDT])\t(.+)")
_KINDS = {"A": "added", "M": "modified", "D": "deleted", "T": "modified"}
_C = (".c", ".h")
_GRAVEST_FIRST = ("error", "warning", "note")


def main() -> int:
    """Measure and print; exit 2 or 3 when it cannot be measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("repo", type=Path, help="git repository")
    parser.add_argument("--paths", nargs="+", default=["mm"], help="commits that touch these")
    parser.add_argument("--range", default="HEAD", metavar="A..B")
    parser.add_argument(
        "--limit", type=int, default=100, help="so many commits, spread evenly over the range"
    )
    parser.add_argument("--rules", nargs="+", metavar="ID", help="only these")
    parser.add_argument("--list", action="store_true", help="print each finding")
    asked = parser.parse_args()
    try:
        with blobs(asked.repo) as store:
            return _report(asked, store)
    except HarnessError as error:
        print(f"findings: {error}", file=sys.stderr)
        return error.exit_code


def _report(asked: argparse.Namespace, store: Blobs) -> int:
    chosen = commits(asked.repo, asked.range, asked.paths, asked.limit)
    started = time.monotonic()
    rules: Counter[tuple[str, str]] = Counter()
    wrong = 0
    for commit in chosen:
        found = [
            one for one in findings(asked.repo, commit, store) if not asked.rules or one.rule in asked.rules
        ]
        rules.update((one.severity, one.rule) for one in found)
        wrong += any(one.severity == "error" for one in found)
        for one in found if asked.list else ():
            print(
                f"{commit[:12]} {one.severity} {one.rule} {one.file}:{one.line} {one.function}: {one.message}"
            )
    seconds = time.monotonic() - started
    for severity in _GRAVEST_FIRST:
        for (level, rule), count in sorted(rules.items()):
            if level == severity:
                print(f"{severity:8} {rule:26} {count:5}  {count / len(chosen):.2f} a commit")
    share = wrong / len(chosen)
    print(
        f"{len(chosen)} commits, {wrong} with an error ({share:.1%}); {seconds / len(chosen):.2f} s a commit"
    )
    return 0


def commits(repo: Path, span: str, paths: list[str], limit: int) -> list[str]:
    """At most *limit* commits of *span* that touch *paths*, newest first, evenly spread."""
    listed = _git(repo, "rev-list", "--no-merges", span, "--", *paths).split()
    if not listed or limit < 1:
        raise UserError(
            f"{repo}: no commits in {span} touch {' '.join(paths)}; give another --range or --paths"
        )
    step = max(1, len(listed) // limit)
    return listed[::step][:limit]


def findings(repo: Path, commit: str, store: Blobs) -> tuple[Finding, ...]:
    """What *commit* brings, by the rules that are shipped."""
    parent = f"{commit}^"
    overlay: dict[str, bytes | None] = {}
    changes = []
    for line in _git(
        repo, "diff-tree", "-r", "--no-renames", "--no-commit-id", "--no-abbrev", commit
    ).splitlines():
        match = _CHANGED.fullmatch(line)
        if match is None or not match[6].endswith(_C):
            continue
        path = match[6]
        overlay[path] = store.read(f"{commit}:{path}") if match[5] != "D" else None
        kind = _KINDS[match[5]]
        changes.append(FileChange(path=path, old_path=path, kind=kind, added=0, removed=0, hunks=0))
    if not changes:
        return ()
    patch = Patch(
        number=1,
        total=1,
        subject=commit,
        author="",
        message_id="",
        diff=b"",
        files=tuple(changes),
        origin=commit,
    )
    applied = Applied(landings=(), prefixes=({}, overlay), patches=(patch,))
    series = Series(name=commit, version=1, patches=(patch,))
    return analyse(series, States(applied, lambda path: store.read(f"{parent}:{path}"))).findings


class Blobs:
    """Contents of files of commits, from one ``git cat-file`` for all."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._known: dict[str, bytes | None] = {}

    def read(self, spec: str) -> bytes | None:
        """Contents of ``COMMIT:PATH``; None when there is no such file. Those of one commit are kept."""
        commit = spec.partition(":")[0].removesuffix("^")
        if not any(known.startswith(commit) for known in list(self._known)[:1]):
            self._known.clear()
        if spec not in self._known:
            self._known[spec] = self._fetch(spec)
        return self._known[spec]

    def _fetch(self, spec: str) -> bytes | None:
        asked, told = self._child.stdin, self._child.stdout
        if asked is None or told is None or "\n" in spec:
            return None
        asked.write(spec.encode("utf-8", "surrogateescape") + b"\n")
        asked.flush()
        head = told.readline()
        if not head:
            raise InfraError("git cat-file has ended before it was asked everything")
        fields = head.split()
        if fields[-1] == b"missing" or fields[-2] != b"blob":
            if fields[-1].isdigit():
                told.read(int(fields[-1]) + 1)
            return None
        return told.read(int(fields[-1]) + 1)[:-1]


@contextmanager
def blobs(repo: Path) -> Iterator[Blobs]:
    """A reader of *repo*'s files. UserError when it is no repository."""
    _git(repo, "rev-parse", "--git-dir")
    with spawned([*GIT, *_QUIET, "cat-file", "--batch"], cwd=repo, stdin=subprocess.PIPE) as child:
        yield Blobs(child)


def _git(repo: Path, *arguments: str) -> str:
    if not repo.is_dir():
        raise UserError(f"{repo}: no such directory; give a git repository")
    said: list[str] = []
    done = run([*GIT, *_QUIET, *arguments], cwd=repo, deadline=Deadline.after(600), on_line=said.append)
    if done.exit:
        raise UserError(
            f"{repo}: git {arguments[0]}: {done.last_lines(1)}; give a repository and a range in it"
        )
    return "\n".join(said)


if __name__ == "__main__":
    sys.exit(main())
