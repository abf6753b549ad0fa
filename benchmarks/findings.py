#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the rules say of real commits: findings per commit, by rule and severity, new against the parent.

Each commit of the range that touches the paths (merges left out) is analysed as a series of one patch on
its parent. A merged commit is taken to be right: an ``error`` on it is a false one until somebody has read
it and found that it is not; --list shows each, to be read. The same arguments give the same answer.

With --mutate N it is the other way round: of the directory REPO as it lies, N functions are taken at random
(by --seed), as many for each kind as there are; from each one unlock, put or uncharge is deleted, as a patch
would, and counted is at which severity the rules that follow paths speak of that function. --list shows what
was not found. Not each of them is a defect: some locks are released for another reason further down.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from harness.analysis.analyse import analyse
from harness.analysis.cfg import called, walk
from harness.analysis.flow_table import shipped
from harness.analysis.model import Finding
from harness.analysis.rules import RULES
from harness.analysis.rules_flow import FLOW_RULES
from harness.analysis.scope import Rule
from harness.analysis.source import Source
from harness.analysis.states import Read, States
from harness.analysis.tools import Kit, outside
from harness.analysis.tools_join import joined
from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError, UserError
from harness.events import silent
from harness.git import GIT
from harness.paths import cache
from harness.process import run, spawned
from harness.series.model import FileChange, Patch, Series
from harness.series.source import open_series
from harness.tree.model import Applied, Overlay, PatchLanding

_QUIET = ("-c", "core.quotePath=off", "--no-pager")
_CHANGED = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([AMDT])\t(.+)")
_C = (".c", ".h")
_STATEMENT = "expression_statement"
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
    parser.add_argument(
        "--checkpatch",
        type=Path,
        metavar="FILE",
        help="ask the outside tools that need no build too: this checkpatch.pl, and coccinelle",
    )
    parser.add_argument("--mutate", type=int, metavar="N", help="delete N releases, count what is found")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    asked = parser.parse_args()
    try:
        if asked.mutate:
            return _recall(asked)
        with blobs(asked.repo) as store:
            return _report(asked, store)
    except HarnessError as error:
        print(f"findings: {error}", file=sys.stderr)
        return error.exit_code


def _report(asked: argparse.Namespace, store: Blobs) -> int:
    chosen = commits(asked.repo, asked.range, asked.paths, asked.limit)
    started = time.monotonic()
    rules: Counter[tuple[str, str]] = Counter()
    tools: Counter[tuple[str, str]] = Counter()
    kit = Kit(checkpatch=asked.checkpatch) if asked.checkpatch else None
    wrong = 0
    for commit in chosen:
        every = findings(asked.repo, commit, store, kit)
        found = [one for one in every if not asked.rules or one.rule in asked.rules]
        rules.update((one.severity, one.rule) for one in found)
        tools.update((one.severity, tool) for one in found for tool in one.tools)
        wrong += any(one.severity == "error" for one in found)
        for one in found if asked.list else ():
            print(
                f"{commit[:12]} {one.severity} {one.rule} {one.file}:{one.line} {one.function}: {one.message}"
            )
    seconds = time.monotonic() - started
    for counts in (rules, tools if kit else Counter[tuple[str, str]]()):
        for (severity, name), count in sorted(
            counts.items(), key=lambda item: (_GRAVEST_FIRST.index(item[0][0]), item[0][1])
        ):
            print(f"{severity:8} {name:40} {count:5}  {count / len(chosen):.2f} a commit")
    share = wrong / len(chosen)
    print(
        f"{len(chosen)} commits, {wrong} with an error ({share:.1%}); {seconds / len(chosen):.2f} s a commit"
    )
    return 0


class Deleted(NamedTuple):
    """A release that was deleted, and the file before and after."""

    kind: str
    path: str
    line: int
    function: str
    text: str
    before: bytes
    after: bytes


def _recall(asked: argparse.Namespace) -> int:
    counts: Counter[tuple[str, str]] = Counter()
    for one in deletions(asked.repo, asked.paths, asked.mutate, asked.seed):
        severity = found_at(one)
        counts[one.kind, severity] += 1
        if asked.list and severity != "error":
            print(f"{severity:8} {one.kind:9} {one.path}:{one.line} {one.function}: {one.text}")
    for kind in (*RELEASES, "all"):
        row = {
            level: sum(count for (of, at), count in counts.items() if at == level and kind in (of, "all"))
            for level in (*_GRAVEST_FIRST, "-")
        }
        print(f"{kind:9} {sum(row.values()):4} deleted", *(f"{row[level]:4} {level}" for level in row))
    return 0


def found_at(one: Deleted) -> str:
    """The gravest severity that the deletion brings to its function; ``-`` when nothing is said."""
    said = {
        finding.severity
        for finding in _brought({one.path: one.before}.get, {one.path: one.after}, FLOW_RULES)
        if finding.function == one.function
    }
    return next((level for level in _GRAVEST_FIRST if level in said), "-")


def deletions(root: Path, paths: list[str], count: int, seed: int) -> Iterator[Deleted]:
    """*count* deletions in the C files under *paths*, as many of each kind as there are, at most one for a
    function and kind."""
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret with it
    files = sorted(file for path in paths for file in (root / path).rglob("*.c"))
    if not files:
        raise UserError(f"{root}: no C files under {' '.join(paths)}; give a kernel tree and --paths in it")
    kinds: dict[str, dict[tuple[str, str], list[Deleted]]] = {kind: {} for kind in RELEASES}
    for file in files:
        source = Source(file.relative_to(root).as_posix(), file.read_bytes())
        for one in _releases(source):
            kinds[one.kind].setdefault((one.path, one.function), []).append(one)
    left = count
    for at, (_kind, functions) in enumerate(sorted(kinds.items(), key=lambda item: len(item[1]))):
        some = min(left // (len(kinds) - at), len(functions))
        left -= some
        yield from (chance.choice(functions[key]) for key in chance.sample(sorted(functions), some))


def _releases(source: Source) -> Iterator[Deleted]:
    kinds = {name: kind for kind, names in RELEASES.items() for name in names}
    for function in source.functions:
        statements = [] if function.broken else [one for one in walk(function.node) if one.type == _STATEMENT]
        for node in statements:
            name = called(node.named_children[0]) if node.named_children else None
            kind = kinds.get(source.text(name)) if name is not None else None
            if kind is None:
                continue
            inside = node.parent is not None and node.parent.type == "compound_statement"
            data, (start, end) = source.data, (node.start_byte, node.end_byte)
            yield Deleted(
                kind,
                source.path,
                source.line_of(node),
                function.name,
                " ".join(source.text(node).split()),
                data,
                data[:start] + (b"" if inside else b"{ }") + data[end:],
            )


def _names() -> dict[str, frozenset[str]]:
    """The calls that release, by kind, each in one."""
    rows = shipped()
    unlocks = {name for row in rows.sections for name in row.closes}
    puts = {name for row in rows.references for name in row.gives}
    uncharges = {name for row in rows.charges for name in row.undoes if re.search("uncharge|cancel", name)}
    return {
        "uncharge": frozenset(uncharges),
        "put": frozenset(puts - uncharges - unlocks),
        "unlock": frozenset(unlocks),
    }


RELEASES = _names()


def commits(repo: Path, span: str, paths: list[str], limit: int) -> list[str]:
    """At most *limit* commits of *span* that touch *paths*, newest first, evenly spread."""
    listed = _git(repo, "rev-list", "--no-merges", span, "--", *paths).split()
    if not listed or limit < 1:
        raise UserError(
            f"{repo}: no commits in {span} touch {' '.join(paths)}; give another --range or --paths"
        )
    step = max(1, len(listed) // limit)
    return listed[::step][:limit]


def findings(repo: Path, commit: str, store: Blobs, kit: Kit | None = None) -> tuple[Finding, ...]:
    """What *commit* brings, by the rules that are shipped, and by the tools of *kit* if there is one."""
    overlay: dict[str, bytes | None] = {}
    for line in _git(
        repo, "diff-tree", "-r", "--no-renames", "--no-commit-id", "--no-abbrev", commit
    ).splitlines():
        match = _CHANGED.fullmatch(line)
        if match is not None and (kit or match[6].endswith(_C)):
            path = match[6]
            overlay[path] = store.read(f"{commit}:{path}") if match[5] != "D" else None

    def read(path: str) -> bytes | None:
        return store.read(f"{commit}^:{path}")

    ours = _brought(read, {path: data for path, data in overlay.items() if path.endswith(_C)}, RULES)
    if kit is None:
        return ours
    series = open_series(
        f"{repo}@{commit}^..{commit}", cache=cache(), listener=silent, deadline=Deadline.after(60)
    )
    landing = PatchLanding(number=1, subject=commit, status="applied", hunks=())
    applied = Applied(landings=(landing,), prefixes=({}, overlay), patches=series.patches)
    said = outside(States(applied, read), series.patches, kit, deadline=Deadline.after(600))
    return joined(ours, said.findings)


def _brought(read: Read, overlay: Overlay, rules: Sequence[Rule]) -> tuple[Finding, ...]:
    """What a patch brings that makes *overlay* of the tree that *read* reads."""
    changes = tuple(
        FileChange(path=path, old_path=path, kind="modified", added=0, removed=0, hunks=0) for path in overlay
    )
    patch = Patch(number=1, total=1, subject="", author="", message_id="", diff=b"", files=changes, origin="")
    applied = Applied(landings=(), prefixes=({}, overlay), patches=(patch,))
    series = Series(name="", version=1, patches=(patch,))
    return analyse(series, States(applied, read), rules=rules).findings


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
