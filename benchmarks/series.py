#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Seconds for a series of synthetic patches, beside the tools that do a part of the same.

Each measurement is a function in ``_MEASURES`` that takes the :class:`Sample` and gives the names of
what it ran with their seconds; ``harness`` is the one that the ratios are against. All in one run, in
turn, the best of ``--repeat``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from unidiff.patch import PatchSet

from harness.analysis.analyse import analyse
from harness.analysis.states import States
from harness.deadline import Deadline
from harness.process import run
from harness.series.mailbox import split_mailbox
from harness.series.read import read_series
from harness.tree.apply import apply_series
from harness.tree.model import Applied

_FROM = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
_FILES, _HUNKS, _FEW = 3, 6, 7
Seconds = dict[str, float]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The patches to measure with."""

    mailbox: Path
    scratch: Path
    patches: int


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("patches", type=int, nargs="?", default=500)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the fastest counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="series-benchmark-") as directory:
        mailbox = Path(directory) / "series.mbox"
        text = "".join(_mail(number, options.patches) for number in range(1, options.patches + 1))
        mailbox.write_text(text)
        sample = Sample(mailbox=mailbox, scratch=Path(directory), patches=options.patches)
        print(f"{options.patches} patches, {len(text) / 1e6:.2f} MB")
        for name, measure in _MEASURES.items():
            _print(name, measure, sample, options.repeat)
    return 0


def _print(title: str, measure: Callable[[Sample], Seconds], sample: Sample, repeat: int) -> None:
    best: Seconds = {}
    for _ in range(repeat):
        for name, seconds in measure(sample).items():
            best[name] = min(seconds, best.get(name, seconds))
    for name, seconds in best.items():
        ratio = "" if name == "harness" else f"   harness / {name} = {best['harness'] / seconds:.2f}"
        print(f"{title}: {name:18} {seconds:7.3f} s{ratio}")


def _reading(sample: Sample) -> Seconds:
    """The mailbox to checked patches; unidiff has the diffs alone to do, git mailinfo the mails alone."""
    raw = sample.mailbox.read_bytes()
    text = raw.decode()
    mails = [message for _, message in split_mailbox(raw, str(sample.mailbox))]
    series: list[int] = []
    seconds = {
        "harness": _timed(lambda: series.append(len(read_series(sample.mailbox).patches))),
        "unidiff": _timed(lambda: PatchSet(text.splitlines(keepends=True))),
    }
    if series != [sample.patches]:
        raise SystemExit(f"{series} patches were read, not {sample.patches}")
    few = mails[:20]
    each = _timed(lambda: _mailinfo(sample.scratch, few)) / len(few)
    return {**seconds, "git mailinfo (20)": each * len(mails)}


def _mailinfo(scratch: Path, mails: Sequence[bytes]) -> None:
    for mail in mails:
        done = run(
            ["git", "mailinfo", str(scratch / "message"), str(scratch / "patch")],
            cwd=scratch,
            deadline=Deadline.after(60),
            stdin=mail,
        )
        if done.exit != 0:
            raise SystemExit(done.last_lines())


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _mail(number: int, total: int) -> str:
    """A patch of some 3 kB, as kernel patches are."""
    head = (
        f"{_FROM}From: A B <a@b.c>\nDate: Wed, 20 Aug 2008 18:53:06 +0900\n"
        f"Subject: [PATCH {number}/{total}] mm: step {number}\nMessage-ID: <{number}@x>\n"
        "In-Reply-To: <0@x>\n\n"
        f"{'Why this is needed, at some length.' * 12}\n\nSigned-off-by: A B <a@b.c>\n---\n mm/x.c | 2 +-\n\n"
    )
    return head + "".join(_file(f"mm/f{number}_{at}.c") for at in range(_FILES)) + "-- \n2.39\n\n"


def _file(name: str) -> str:
    hunks = "".join(_hunk(at) for at in range(_HUNKS))
    return f"diff --git a/{name} b/{name}\nindex 0123abc..4567def 100644\n--- a/{name}\n+++ b/{name}\n{hunks}"


def _hunk(at: int) -> str:
    old, new = at * 40 + 1, at * 41 + 1
    lines = (
        f" \tint a{at};", " ", f" \tif (a{at} > 1)", f"-\t\treturn b(a{at});", f"+\t\treturn c(a{at});",
        "+\t/* why */", f" \tg(a{at});", " }", " ",
    )  # fmt: skip
    return f"@@ -{old},7 +{new},8 @@ static int f{at}(void)\n" + "".join(f"{line}\n" for line in lines)


def _putting_on(sample: Sample) -> Seconds:
    """Seven patches on their files, and what analysis makes of them; git am has the same mails to put on."""
    repository = Path(tempfile.mkdtemp(dir=sample.scratch))
    few = repository / "few.mbox"
    few.write_text("".join(_mail(number, _FEW) for number in range(1, _FEW + 1)))
    series = read_series(few)
    for path in series.paths():
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text(_base())
    for words in (["init", "-q"], ["add", "mm"], ["commit", "-qm", "base"]):
        _git(repository, *words)
    applied: list[Applied] = []

    def apply() -> None:
        files = {path: (repository / path).read_bytes() for path in series.paths()}
        applied.append(apply_series(series, files.get, scratch=sample.scratch, deadline=Deadline.after(60)))

    seconds = {"harness": _timed(apply)}
    if not applied[0].whole:
        raise SystemExit("the patches did not go on")
    pristine = {path: (repository / path).read_bytes() for path in series.paths()}
    seconds["harness analyse"] = _timed(lambda: analyse(series, States(applied[0], pristine.get)))
    return {**seconds, "git am": _timed(lambda: _git(repository, "am", "-q", str(few)))}


def _base() -> str:
    """The file that :func:`_file` was made from."""
    lines = [f"/* line {number} */" for number in range(1, 40 * _HUNKS + 41)]
    for at in range(_HUNKS):
        old = [line[1:] for line in _hunk(at).splitlines()[1:] if line[0] != "+"]
        lines[at * 40 : at * 40 + len(old)] = old
    return "".join(f"{line}\n" for line in lines)


def _git(repository: Path, *words: str) -> None:
    identity = ["-c", "user.name=b", "-c", "user.email=b@b.c"]
    done = run(["git", *identity, *words], cwd=repository, deadline=Deadline.after(60))
    if done.exit != 0:
        raise SystemExit(done.last_lines())


_MEASURES: dict[str, Callable[[Sample], Seconds]] = {"read": _reading, "7 patches": _putting_on}

if __name__ == "__main__":
    raise SystemExit(main())
