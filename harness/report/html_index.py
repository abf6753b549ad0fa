# SPDX-License-Identifier: GPL-2.0-only
"""``index.html`` of a directory of results: its runs, the newest first, with what each came to."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.errors import InfraError
from harness.files import write_whole
from harness.report.html import NAME as REPORT
from harness.report.html import fill
from harness.report.plaintext import encodable
from harness.report.runfile import NAME as RUN
from harness.verdict import Verdict

NAME = "index.html"
_MOST = 2_000
"""runs in the list"""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a run.json."""

    run: str
    verdict: Verdict
    reason: str
    plan: str
    started: str
    finished: str = ""
    tree: str = ""
    series: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the list; ``run`` is None where its run.json cannot be read."""

    directory: str
    """name, relative to the results directory"""
    page: str
    """its report.html, relative as well; empty where it has none"""
    run: Listed | None


def entries(results: Path) -> tuple[Entry, ...]:
    """The runs right below *results* and one level further (a corpus keeps its runs so), newest first.

    Their names begin with the time. InfraError when the directory cannot be read.
    """
    try:
        found = {path for form in ("*", "*/*") for path in results.glob(f"{form}/{RUN}")}
    except OSError as error:
        raise InfraError(f"{results}: cannot be read: {error.strerror}") from error
    own = (path.parent for path in found if not any(one.is_symlink() for one in _way(results, path)))
    return tuple(_entry(results, run) for run in sorted(own, key=lambda run: run.name, reverse=True))


def write_index(results: Path, listed: tuple[Entry, ...]) -> Path:
    """Write ``index.html`` of *results*, whole or not at all."""
    page = fill("index.html", entries=listed[:_MOST], left_out=max(0, len(listed) - _MOST))
    write_whole(results / NAME, page)
    return results / NAME


def index_answer(results: Path, listed: tuple[Entry, ...]) -> dict[str, object]:
    """What ``harness report RESULTS --json`` prints."""
    runs = [
        {"directory": one.directory, "report": one.page, **(msgspec.to_builtins(one.run) if one.run else {})}
        for one in listed
    ]
    answer: dict[str, object] = encodable({"runs": runs, "files": [str(results / NAME)]})
    return answer


def _way(results: Path, path: Path) -> list[Path]:
    """What lies between *results* and *path*: ``latest`` is another name of a run that is there."""
    return [one for one in path.parents if one != results and results in one.parents]


def _entry(results: Path, directory: Path) -> Entry:
    try:
        run = msgspec.json.decode((directory / RUN).read_bytes(), type=Listed)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        run = None
    name = directory.relative_to(results).as_posix()
    page = f"{name}/{REPORT}" if (directory / REPORT).is_file() else ""
    return Entry(directory=name, page=page, run=run)
