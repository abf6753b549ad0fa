#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How well damaged patches are repaired, measured on the changes of any git history or pair of trees.

Each change is damaged as web archives do it (context marker lost, runs of blanks one blank, blanks at
line ends gone, ``+<tab>x`` now ``+ x``; with --drop-blank blank context lines gone too), repaired against
the files before it, put on exactly where the repair says, and compared with the files after it. Two files
are equal but for white space when they are so line by line. Silently wrong: a line with other
words, with another string literal, or a blank line at another place than in the truth, while the patch is
not refused, and that line (for blank lines: no blank line of its hunk) is not flagged.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
from unidiff.constants import LINE_TYPE_NO_NEWLINE
from unidiff.patch import Hunk, PatchedFile, PatchSet

from harness.deadline import Deadline
from harness.errors import HarnessError, UserError
from harness.git import GIT
from harness.process import run
from harness.series.hunks import hunks_of
from harness.series.model import DamagedFile, DamagedHunk, FileChange, Patch
from harness.series.repair import Policy, Repair, load_policy, repair
from harness.series.repair_align import Row
from harness.series.repair_blank import Way, settled, ways, windows
from harness.series.repair_habit import study
from harness.series.repair_taste import KNOWN, Taste, Worth

_QUIET = ("-c", "core.quotePath=off", "--no-pager")
_SHOWN = 0.001
_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--diff-filter=M", "-U3")
_BLANKS = re.compile(r"[ \t]+")
_ENOUGH = 8
"""lines of a class from which on its shares are printed"""
_EPOCHS, _RATE, _SHRINK, _MOST = 12, 0.3, 1e-4, 400
"""of --learn-blanks: passes, step, pull to 0, and ways of a place beyond which it is left out"""
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


class Case(msgspec.Struct, frozen=True):
    """One change: its diff, and its files before and after it."""

    name: str
    diff: str
    before: dict[str, bytes]


class Outcome(msgspec.Struct, frozen=True):
    """How one repair compares with the truth."""

    status: str
    applied: bool = False
    equal: bool = False
    identical: bool = False
    added: int = 0
    exact: int = 0
    silent: int = 0
    seconds: float = 0.0
    wrong: tuple[str, ...] = ()
    """for --show: what was wrong"""
    trust: tuple[tuple[float, bool], ...] = ()
    """for --calibration: confidence of each guess, and whether it was right"""


def main() -> int:
    """Measure and print; exit 1 if anything was silently wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("repo", type=Path, nargs="?", help="git repository")
    parser.add_argument(
        "--trees", type=Path, nargs=2, metavar=("OLD", "NEW"), help="instead: two directories"
    )
    parser.add_argument("--paths", nargs="+", default=["mm/memcontrol.c"])
    parser.add_argument("--range", default="HEAD", metavar="A..B")
    parser.add_argument("--limit", type=int, default=60, help="the newest so many changes")
    parser.add_argument("--drop-blank", action="store_true", help="blank context lines are gone too")
    parser.add_argument("--show", action="store_true", help="print what was not restored")
    parser.add_argument(
        "--calibration", action="store_true", help="print how often guesses are right, by confidence"
    )
    parser.add_argument(
        "--learn", action="store_true", help="print the rates of the files in --paths, for the table"
    )
    parser.add_argument(
        "--learn-blanks", action="store_true", help="print the weights of the table's blanks for the changes"
    )
    options = parser.parse_args()
    policy = load_policy()
    if options.learn:
        return _learn(options.repo, options.paths)
    if options.learn_blanks:
        return _learn_blanks(_from_git(options.repo or Path(), options.range, options.paths, options.limit))
    if options.trees:
        old, new = options.trees
        cases = _from_trees(old, new, options.limit)
    else:
        cases = _from_git(options.repo or Path(), options.range, options.paths, options.limit)
    outcomes = []
    for case in cases:
        outcome = _measured(case, policy, options.drop_blank)
        outcomes.append(outcome)
        if options.show:
            for line in outcome.wrong:
                print(f"{case.name}: {line}")
    _print(outcomes, options.calibration)
    return 1 if any(outcome.silent for outcome in outcomes) else 0


def _git(repo: Path, *arguments: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="repair-benchmark-") as scratch:
        log = Path(scratch) / "out"
        done = run([*GIT, *_QUIET, *arguments], cwd=repo, deadline=Deadline.after(120), log=log)
        if done.exit != 0:
            raise UserError(f"{repo}: git {arguments[0]}: {done.last_lines(1)}")
        return log.read_bytes() if log.exists() else b""


def _from_git(repo: Path, revisions: str, paths: list[str], limit: int) -> Iterator[Case]:
    listed = _git(repo, "log", "--no-merges", "--format=%H", f"-n{limit}", revisions, "--", *paths)
    for commit in listed.decode().split():
        diff = _git(repo, "diff", *_PLAIN, f"{commit}^", commit, "--", *paths).decode(
            "utf-8", "surrogateescape"
        )
        if diff:
            names = [file.path for file in PatchSet(diff)]
            yield Case(commit[:12], diff, {name: _git(repo, "show", f"{commit}^:{name}") for name in names})


def _from_trees(old: Path, new: Path, limit: int) -> Iterator[Case]:
    """Each file that the two trees have in common and that differs is a change."""
    taken = 0
    for path in sorted(old.rglob("*.[ch]")):
        name = path.relative_to(old).as_posix()
        there = new / name
        if taken == limit or not there.is_file() or path.read_bytes() == there.read_bytes():
            continue
        with tempfile.TemporaryDirectory(prefix="repair-benchmark-") as scratch:
            log = Path(scratch) / "out"
            argv = [
                *GIT,
                *_QUIET,
                "diff",
                "--no-index",
                *_PLAIN[:-2],
                str(path.resolve()),
                str(there.resolve()),
            ]
            run(argv, cwd=Path(scratch), deadline=Deadline.after(120), log=log)
            body = log.read_text("utf-8", "surrogateescape").split("\n@@ ", 1)
        if len(body) > 1:
            taken += 1
            yield Case(name, f"--- a/{name}\n+++ b/{name}\n@@ {body[1]}", {name: path.read_bytes()})


def _damaged(file: PatchedFile, drop_blank: bool) -> DamagedFile:
    return DamagedFile(
        path=file.path, kind="modified", hunks=tuple(_damaged_hunk(hunk, drop_blank) for hunk in file)
    )


def _damaged_hunk(hunk: Hunk, drop_blank: bool) -> DamagedHunk:
    lines = []
    for line in hunk:
        if line.line_type == LINE_TYPE_NO_NEWLINE:
            lines.append("\\ No newline at end of file")
            continue
        text = _BLANKS.sub(" ", str(line).rstrip("\n")).strip(" ")
        if text or not drop_blank:
            lines.append(text)
    return DamagedHunk(
        old_start=hunk.source_start,
        old_count=hunk.source_length,
        new_start=hunk.target_start,
        new_count=hunk.target_length,
        section=hunk.section_header,
        lines=tuple(lines),
        place=0,
    )


def _patch(case: Case, parsed: PatchSet, damaged: tuple[DamagedFile, ...], diff: bytes) -> Patch:
    files = tuple(
        FileChange(
            path=file.path,
            kind="modified",
            old_path=file.path,
            added=file.added,
            removed=file.removed,
            hunks=len(file),
        )
        for file in parsed
    )
    return Patch(
        number=1,
        total=1,
        subject=case.name,
        author="",
        message_id="",
        diff=diff,
        files=files,
        origin=case.name,
        damaged=damaged,
    )


def _put_on(patch: Patch, before: dict[str, bytes]) -> dict[str, list[str]] | None:
    """The files with *patch* on, every hunk exactly at its line; None if one does not fit."""
    after: dict[str, list[str]] = {}
    for change, hunks in hunks_of(patch):
        old = before[change.path].split(b"\n")
        new: list[bytes] = []
        at = 0
        for hunk in hunks:
            start = hunk.old_start - 1 if hunk.old else hunk.old_start
            wanted = [line.removesuffix(b"\n") for line in hunk.old]
            if start < at or old[start : start + len(wanted)] != wanted:
                return None
            new += old[at:start] + [line.removesuffix(b"\n") for line in hunk.new]
            at = start + len(wanted)
        after[change.path] = [line.decode("utf-8", "surrogateescape") for line in new + old[at:]]
    return after


def _measured(case: Case, policy: Policy, drop_blank: bool) -> Outcome:
    parsed = PatchSet(case.diff)
    whole = _patch(case, parsed, (), str(parsed).encode("utf-8", "surrogateescape"))
    truth = _put_on(whole, case.before)
    if truth is None:
        raise UserError(f"{case.name}: the change itself does not go on")
    damaged = _patch(case, parsed, tuple(_damaged(file, drop_blank) for file in parsed), b"")
    began = time.perf_counter()
    repaired = repair(damaged, case.before.get, policy)
    seconds = time.perf_counter() - began
    if repaired.status == "refused":
        return Outcome("refused", seconds=seconds, added=parsed.added, wrong=(repaired.reason,))
    return _compared(case, whole, truth, repaired, seconds, policy.flag)


def _compared(
    case: Case, whole: Patch, truth: dict[str, list[str]], repaired: Repair, seconds: float, flag: float
) -> Outcome:
    result = _put_on(repaired.patch, case.before)
    if result is None:
        return Outcome("misplaced", seconds=seconds, silent=1, wrong=("does not go on where it says",))
    equal = all(_bare(truth[name]) == _bare(result[name]) for name in truth)
    identical = truth == result
    added, exact, silent = 0, 0, 0
    wrong: list[str] = []
    trust: list[tuple[float, bool]] = []
    guesses = {(guess.file, guess.hunk, guess.line): guess for guess in repaired.guesses}
    for (change, old), (_, new) in zip(hunks_of(whole), hunks_of(repaired.patch), strict=True):
        for number, (left, right) in enumerate(zip(old, new, strict=True), 1):
            misplaced = doubted = 0
            rows = _marked(right.old, right.new, right.marks)
            wanted = _marked(left.old, left.new, left.marks)
            for at, (mark, text) in enumerate(rows, 1):
                there = wanted[at - 1] if at <= len(wanted) else ("", "")
                guess = guesses.get((change.path, number, at))
                added += mark == "+"
                exact += mark == "+" and there == (mark, text)
                if guess:
                    trust.append((guess.confidence, there == (mark, text)))
                if there != (mark, text):
                    sure = f"{guess.confidence:.2f} {guess.reason}" if guess else "sure"
                    wrong.append(f"{change.path}:{number}:{at} {there[1]!r} became {text!r} ({sure})")
                unflagged = guess is None or guess.confidence >= flag
                silent += unflagged and _other_string(there[1], text)
                misplaced += not text.strip() and bool(there[1].strip())
                doubted += not text.strip() and not unflagged
            silent += _words(rows) != _words(wanted) or (misplaced > 0 and not doubted)
    return Outcome(
        repaired.status, True, equal, identical, added, exact, silent, seconds, tuple(wrong), tuple(trust)
    )


def _other_string(there: str, here: str) -> bool:
    """True where two lines with the same words have different string literals."""
    same = "".join(there.split()) == "".join(here.split())
    return same and _STRING.findall(there) != _STRING.findall(here)


def _words(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows that are not blank, without their white space."""
    return [(mark, "".join(text.split())) for mark, text in rows if text.strip()]


def _marked(old: tuple[bytes, ...], new: tuple[bytes, ...], marks: str) -> list[tuple[str, str]]:
    left, right = iter(old), iter(new)
    rows = []
    for mark in marks:
        text = next(left) if mark != "+" else b""
        text = next(right) if mark != "-" else text
        rows.append((mark, text.decode("utf-8", "surrogateescape").removesuffix("\n")))
    return rows


def _bare(lines: list[str]) -> list[str]:
    return ["".join(line.split()) for line in lines]


def _learn(repo: Path | None, paths: list[str]) -> int:
    """By class of line, the share of lines that follow each rule, by expectation maximisation."""
    kinds: dict[str, list[frozenset[str]]] = {}
    for path in sorted(found for pattern in paths for found in (repo or Path()).glob(pattern)):
        texts = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
        for kind, entries in study(texts, frozenset()).kinds.items():
            kinds.setdefault(kind, []).extend(entry.right for entry in entries if entry.right)
    for kind, lines in sorted(kinds.items()):
        if len(lines) >= _ENOUGH:
            rules = sorted(frozenset().union(*lines))
            shares = {rule: 1 / len(rules) for rule in rules}
            for _ in range(30):
                drawn: defaultdict[str, float] = defaultdict(float)
                for right in lines:
                    mass = sum(shares[rule] for rule in right)
                    for rule in right:
                        drawn[rule] += shares[rule] / mass if mass else 1 / len(right)
                shares = {rule: drawn[rule] / len(lines) for rule in rules}
            shown = ", ".join(f"{rule}: {share:.3f}" for rule, share in shares.items() if share >= _SHOWN)
            print(f"  {kind!r}: {{{shown}}}")
    return 0


Choices = tuple[list[Way], tuple[int, ...]]
"""the ways to place a window's dropped blanks, and the result of the true one"""


def _learn_blanks(cases: Iterator[Case]) -> int:
    """The weights that make the true places likeliest: a conditional logit, by gradient ascent (AdaGrad)."""
    taste = dict.fromkeys(KNOWN, Worth(0.0, ""))
    found = [
        choices
        for case in cases
        for file in PatchSet(case.diff)
        for hunk in file
        for choices in _choices(_rows(hunk), len(case.before[file.path].splitlines()), taste)
    ]
    weights = dict.fromkeys(sorted(KNOWN), 0.0)
    steps = dict.fromkeys(weights, 1e-8)
    for _ in range(_EPOCHS):
        for possible, true in found:
            for name, slope in _slope(possible, true, weights).items():
                pull = slope - _SHRINK * weights[name]
                steps[name] += pull * pull
                weights[name] += _RATE * pull / math.sqrt(steps[name])
    print(f"# {len(found)} places")
    for name, weight in weights.items():
        print(f"  {name}: {weight:.1f}")
    return 0


def _rows(hunk: Hunk) -> list[Row]:
    rows = []
    at = hunk.source_start - 1
    for line in hunk:
        if line.line_type == LINE_TYPE_NO_NEWLINE:
            continue
        text = line.value.rstrip("\n")
        old = line.line_type != "+"
        rows.append(
            Row(
                line.line_type,
                text if old else _BLANKS.sub(" ", text).rstrip(),
                at if old else -1,
                filled=line.line_type == " " and not text.strip(),
            )
        )
        at += old
    return rows


def _choices(rows: list[Row], length: int, taste: Taste) -> Iterator[Choices]:
    """The places of a hunk at which more than one result is possible, if the true one is among them."""
    for window in windows(rows, length):
        possible = ways(window, taste)
        true = tuple(
            settled(window, sum(not row.filled for row in rows[: rows.index(blank)]) - window.first)
            for blank in window.blanks
        )
        if (
            len(possible) <= _MOST
            and true in (results := {way.result for way in possible})
            and results - {true}
        ):
            yield possible, true


def _slope(possible: list[Way], true: tuple[int, ...], weights: dict[str, float]) -> dict[str, float]:
    """How the logarithm of the true result's likelihood changes with each weight."""
    scores = [sum(weights[name] for name in way.signs) for way in possible]
    highest = max(scores)
    shares = [math.exp(score - highest) for score in scores]
    total = sum(shares)
    right = sum(share for share, way in zip(shares, possible, strict=True) if way.result == true)
    slope: dict[str, float] = dict.fromkeys(weights, 0.0)
    for share, way in zip(shares, possible, strict=True):
        pull = (share / right if way.result == true else 0.0) - share / total
        for name in way.signs:
            slope[name] += pull
    return slope


def _print(outcomes: list[Outcome], calibration: bool) -> None:
    count = len(outcomes)
    added = sum(outcome.added for outcome in outcomes)
    rows = {
        "changes": count,
        "applied": sum(outcome.applied for outcome in outcomes),
        "equal but for white space": sum(outcome.equal for outcome in outcomes),
        "byte-identical": sum(outcome.identical for outcome in outcomes),
        "flagged": sum(outcome.status == "flagged" for outcome in outcomes),
        "refused": sum(outcome.status == "refused" for outcome in outcomes),
        "silently wrong": sum(outcome.silent > 0 for outcome in outcomes),
    }
    for name, value in rows.items():
        print(f"{name:28} {value:6} {100 * value / max(count, 1):6.1f} %")
    exact = sum(outcome.exact for outcome in outcomes)
    print(f"{'added lines exact':28} {exact:6} {100 * exact / max(added, 1):6.1f} % of {added}")
    print(f"{'seconds a patch':28} {sum(outcome.seconds for outcome in outcomes) / max(count, 1):6.3f}")
    print(f"{'slowest':28} {max((outcome.seconds for outcome in outcomes), default=0.0):6.3f}")
    if calibration:
        trust = [one for outcome in outcomes for one in outcome.trust]
        for low in (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98):
            high = {0.0: 0.2, 0.2: 0.4, 0.9: 0.95, 0.95: 0.98, 0.98: 1.01}.get(low, low + 0.1)
            bucket = [good for sure, good in trust if low <= sure < high]
            if bucket:
                print(f"confidence {low:.2f} to {min(high, 1):.2f}: {sum(bucket)} of {len(bucket)} right")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
