#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How well kernel reports are found and named, and how fast a healthy console is read.

--logs DIR holds consoles with a head: lines ``TITLE: …``, ``ALT: …`` (another right title) and others, a
blank line, the console, and perhaps ``REPORT:`` with what another tool makes of it. No TITLE: a healthy
console. The first report that is more than a note is held against them.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.console.detector import Detector, find_reports
from harness.console.table import shipped

_HEAD = re.compile(r"(?P<key>[A-Z_]+): ?(?P<value>.*)")
_HEALTHY = Path(__file__).parent.parent / "tests" / "data" / "console" / "6.1-clean-boot.txt"
_CHUNK = 1 << 16
_MEGA = 1e6


@dataclass(frozen=True)
class Log:
    """One console and what is right for it."""

    name: str
    titles: tuple[str, ...]
    """none: it is healthy"""
    alternatives: tuple[str, ...]
    corrupted: bool
    text: str


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="consoles with titles")
    parser.add_argument("--show", action="store_true", help="print what was missed or named otherwise")
    parser.add_argument("--megabytes", type=int, default=100, help="of a healthy console, for the speed")
    options = parser.parse_args()
    if options.logs:
        logs = [read(path) for path in sorted(options.logs.iterdir()) if path.is_file()]
        accuracy(logs, options.show)
    if options.megabytes:
        speed(options.megabytes)
    return 0


def read(path: Path) -> Log:
    """The console at *path*, with its head taken off."""
    head, _, rest = path.read_text(encoding="utf-8", errors="replace").partition("\n\n")
    lines = [_HEAD.fullmatch(line) for line in head.splitlines() if not line.startswith("#")]
    if not all(lines):
        head, rest = "", f"{head}\n\n{rest}"
    found = [(match["key"], match["value"].strip()) for match in lines if match and head]
    return Log(
        name=path.name,
        titles=tuple(value for key, value in found if key == "TITLE" and value),
        alternatives=tuple(value for key, value in found if key == "ALT"),
        corrupted=("CORRUPTED", "Y") in found,
        text=rest.partition("\nREPORT:\n")[0],
    )


def accuracy(logs: Sequence[Log], show: bool) -> None:
    """Detection, titles and false reports over *logs*."""
    sick = [log for log in logs if log.titles]
    detected = exact = other = flagged = 0
    for log in sick:
        report = next((one for one in find_reports(log.text) if one.severity != "note"), None)
        title = report.title if report else ""
        detected += report is not None
        exact += title in log.titles
        other += title in log.titles or title in log.alternatives
        flagged += report is not None and report.corrupted == log.corrupted
        if show and title not in (*log.titles, *log.alternatives):
            print(f"{log.name}: {log.titles[0]}\n    got {title or 'no report'}")
    healthy = [log for log in logs if not log.titles]
    false = 0
    for log in healthy:
        titles = [one.title for one in find_reports(log.text) if one.severity != "note"]
        false += bool(titles)
        if show and titles:
            print(f"{log.name}: healthy\n    got {titles[0]}")
    print(f"consoles with a crash: {len(sick)}, detected {_share(detected, sick)}")
    print(f"title exact: {_share(exact, sick)}, or as an alternative: {_share(other, sick)}")
    print(f"corrupted or not, as the log's head says: {_share(flagged, sick)}")
    print(f"healthy consoles: {len(healthy)}, with a false report: {false}")


def _share(count: int, of: Sequence[Log]) -> str:
    return f"{count}/{len(of)} = {count / len(of):.3f}" if of else "none"


def speed(megabytes: int) -> None:
    """Megabytes a second on a healthy console, beside grep with the same alternation of first lines."""
    boot = _HEALTHY.read_bytes()
    data = boot * (megabytes * 1_000_000 // len(boot) + 1)
    pattern = "|".join(f"(?:{_plain(row.pattern)})" for row in shipped().table.rows)
    with tempfile.TemporaryDirectory(prefix="triage-benchmark-") as scratch:
        log, patterns = Path(scratch, "log"), Path(scratch, "patterns")
        log.write_bytes(data)
        patterns.write_text(_extended(pattern) + "\n", encoding="utf-8")
        print(f"healthy console of {len(data) / _MEGA:.0f} MB ({_HEALTHY.name}, again and again), MB/s:")
        _clock("Detector, 64 KiB chunks", len(data), lambda: _feed(data))
        argv = ["grep", "-aEcf", str(patterns), str(log)]
        for name in ("C", "C.UTF-8"):
            _clock(
                f"grep -aE, LC_ALL={name}",
                len(data),
                lambda name=name: subprocess.run(  # type: ignore[misc]
                    argv, check=False, env={"LC_ALL": name, "PATH": "/usr/bin:/bin"}, capture_output=True
                ),
            )


def _feed(data: bytes) -> None:
    detector = Detector()
    for at in range(0, len(data), _CHUNK):
        if detector.feed(data[at : at + _CHUNK]):
            raise SystemExit("a false report on a healthy console")
    detector.finish()


def _plain(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def _extended(pattern: str) -> str:
    """*pattern* in grep's extended syntax: its groups do not say that they do not capture."""
    for theirs, ours in ((r"(?:", "("), (r"\d", "[0-9]"), (r"\S", "[^[:space:]]"), (r"{0,", "{0,")):
        pattern = pattern.replace(theirs, ours)
    return pattern


def _clock(what: str, size: int, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    print(f"  {what:28} {size / _MEGA / (time.perf_counter() - began):8.0f}")


if __name__ == "__main__":
    sys.exit(main())
