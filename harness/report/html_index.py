# SPDX-License-Identifier: GPL-2.0-only
"""``index.html`` of a directory of results: nights, runs, bisections, and cases over the nights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import HarnessError, InfraError
from harness.files import write_whole
from harness.pipeline.bisect_model import Bisection
from harness.pipeline.night_model import Night
from harness.report.bisect import NAME as BISECTION
from harness.report.history import NAME as HISTORY
from harness.report.html import NAME as REPORT
from harness.report.html import fill
from harness.report.html_strip import Strips, strips
from harness.report.night import NAME as NIGHT
from harness.report.plaintext import encodable
from harness.report.runfile import NAME as RUN
from harness.verdict import Verdict

NAME = "index.html"
_MOST = 2_000
"""rows of each list"""
T = TypeVar("T")


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
    """What one directory keeps; ``run``, ``night`` or ``bisection``, none of them where it cannot be read."""

    directory: str
    """name, relative to the results directory"""
    page: str
    """its report.html, relative as well; empty where it has none"""
    run: Listed | None = None
    night: Night | None = None
    bisection: Bisection | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All that a results directory has, each the newest first."""

    runs: tuple[Entry, ...]
    nights: tuple[Entry, ...]
    bisections: tuple[Entry, ...]
    strips: Strips

    def __bool__(self) -> bool:
        return bool(self.runs or self.nights or self.bisections)


def found(results: Path) -> Found:
    """What is right below *results*; runs one level further too (a corpus keeps them so).

    What a night or a bisection ran is reached by its own page. Names begin with the time. InfraError when
    the directory cannot be read.
    """
    return Found(
        runs=tuple(
            Entry(directory=name, page=page, run=_read(path, Listed))
            for name, page, path in _kept(results, RUN, "*", "*/*")
        ),
        nights=tuple(
            Entry(directory=name, page=page, night=_read(path, Night))
            for name, page, path in _kept(results, NIGHT, "*")
        ),
        bisections=tuple(
            Entry(directory=name, page=page, bisection=_read(path, Bisection))
            for name, page, path in _kept(results, BISECTION, "*")
        ),
        strips=_strips(results),
    )


def index(results: Path) -> Path:
    """Write ``index.html`` of what *results* has; InfraError when that cannot be done."""
    return write_index(results, found(results))


def write_index(results: Path, listed: Found) -> Path:
    """Write ``index.html`` of *results*, whole or not at all."""
    kinds = {"nights": listed.nights, "runs": listed.runs, "bisections": listed.bisections}
    page = fill(
        "index.html",
        strips=listed.strips,
        left_out={name: max(0, len(some) - _MOST) for name, some in kinds.items()},
        **{name: some[:_MOST] for name, some in kinds.items()},
    )
    write_whole(results / NAME, page)
    return results / NAME


def index_answer(results: Path, listed: Found) -> dict[str, object]:
    """What ``harness report RESULTS --json`` prints."""
    answer: dict[str, object] = encodable(
        {
            "runs": [
                {**_where(one), **(msgspec.to_builtins(one.run) if one.run else {})} for one in listed.runs
            ],
            "nights": [{**_where(one), **_ended(one.night)} for one in listed.nights],
            "bisections": [{**_where(one), **_ended(one.bisection)} for one in listed.bisections],
            "files": [str(results / NAME)],
        }
    )
    return answer


def _where(entry: Entry) -> dict[str, str]:
    return {"directory": entry.directory, "report": entry.page}


def _ended(known: Night | Bisection | None) -> dict[str, object]:
    if known is None:
        return {}
    return {
        "verdict": known.verdict.value,
        "reason": known.reason,
        "started": known.started,
        "finished": known.finished,
    }


def _kept(results: Path, name: str, *forms: str) -> Iterator[tuple[str, str, Path]]:
    """Each directory that has a file *name*, its page, and the file; newest first."""
    try:
        files = {path for form in forms for path in results.glob(f"{form}/{name}")}
    except OSError as error:
        raise InfraError(f"{results}: cannot be read: {error.strerror}") from error
    own = [path for path in files if not any(one.is_symlink() for one in _way(results, path))]
    for path in sorted(own, key=lambda path: path.parent.name, reverse=True):
        directory = path.parent.relative_to(results).as_posix()
        page = f"{directory}/{REPORT}" if (path.parent / REPORT).is_file() else ""
        yield directory, page, path


def _way(results: Path, path: Path) -> list[Path]:
    """What lies between *results* and *path*: ``latest`` is another name of a run that is there."""
    return [one for one in path.parents if one != results and results in one.parents]


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _strips(results: Path) -> Strips:
    if not (results / HISTORY).is_file():
        return Strips()
    try:
        return strips(results)
    except HarnessError as error:
        return Strips(trouble=str(error))
