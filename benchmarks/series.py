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
from collections.abc import Callable
from pathlib import Path

import msgspec
from unidiff import PatchSet

from harness.deadline import Deadline
from harness.process import run
from harness.series.mailbox import split_mailbox
from harness.series.read import read_series

_FROM = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
_FILES, _HUNKS = 3, 6
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
    each = _timed(lambda: [_mailinfo(sample.scratch, mail) for mail in few]) / len(few)
    return {**seconds, "git mailinfo (20)": each * len(mails)}


def _mailinfo(scratch: Path, mail: bytes) -> None:
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


_MEASURES: dict[str, Callable[[Sample], Seconds]] = {"read": _reading}

if __name__ == "__main__":
    raise SystemExit(main())
