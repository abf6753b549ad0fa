# SPDX-License-Identifier: GPL-2.0-only
"""What memcg-case said, as one value; and the counter samples of it as numbers, to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from harness.memcg.interface import numbers
from harness.memcg.record import Begin, End, Fault, Host, Record, Sample, Step, Stuck, Work

T = TypeVar("T")

LONGEST_LINE = 256 * 1024
"""bytes; a longer line is garbage"""
_DECODER = msgspec.json.Decoder(Record)
"""made on import: msgspec crashes when two threads meet a type for the first time at once"""
MOST_LINES = 100_000
"""lines that are read; a stream that goes on is taken as cut off there"""


class CaseStream(msgspec.Struct, frozen=True, kw_only=True):
    """One case as the guest tells it, in the order in which things happened."""

    begin: Begin | None = None
    samples: tuple[Sample, ...] = ()
    steps: tuple[Step, ...] = ()
    work: tuple[Work, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    before: Host | None = None
    """the guest before the group was made"""
    emptied: Host | None = None
    """the guest when the group was emptied and at rest, still there"""
    after: Host | None = None
    """the guest after the group was removed"""
    faults: tuple[Fault, ...] = ()
    complete: bool = False
    """the last word was said; a stream without it was cut off"""
    garbage: int = 0
    """lines that were no record"""

    def at(self, stage: str) -> tuple[Sample, ...]:
        """The samples of one stage, in order."""
        return tuple(sample for sample in self.samples if sample.stage == stage)

    def last_step(self, action: str) -> Step | None:
        """The last step of that name, if any was taken."""
        return next((step for step in reversed(self.steps) if step.action == action), None)


def read_records(lines: Iterable[bytes]) -> CaseStream:
    """Read memcg-case's JSON lines. Never fails: what is no record is counted in ``garbage``.

    The first ``begin`` counts, the last ``host`` of each stage; nothing after ``end`` is read.
    """
    seen: dict[type, list[Record]] = {}
    garbage = 0
    for count, line in enumerate(lines):
        if count >= MOST_LINES:
            break
        try:
            record = _DECODER.decode(line) if len(line) <= LONGEST_LINE else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            record = None
        if record is None:
            garbage += bool(line.strip())
            continue
        seen.setdefault(type(record), []).append(record)
        if isinstance(record, End):
            break
    hosts = {host.stage: host for host in _of(seen, Host)}
    return CaseStream(
        begin=next(iter(_of(seen, Begin)), None),
        samples=_of(seen, Sample),
        steps=_of(seen, Step),
        work=_of(seen, Work),
        stuck=_of(seen, Stuck),
        before=hosts.get("before"),
        emptied=hosts.get("rest"),
        after=hosts.get("after"),
        faults=_of(seen, Fault),
        complete=End in seen,
        garbage=garbage,
    )


def to_jsonl(stream: CaseStream) -> Iterator[bytes]:
    """The samples for storage, a JSON object a line with its line end.

    Keys: ``stage``, ``ms`` (since the case began), then each file by its name without ``memory.``:
    a number, or an object of numbers for files that hold many; ``below`` has the same for each group below,
    by its path. Units as the interface gives them (configs/memcg.yaml); a file that cannot be read as
    numbers is left out.
    """
    for sample in stream.samples:
        row: dict[str, object] = {"stage": sample.stage, "ms": sample.ms, **_numbers(sample.files)}
        if sample.below:
            row["below"] = {path: _numbers(files) for path, files in sample.below.items()}
        yield msgspec.json.encode(row) + b"\n"


def _numbers(files: Mapping[str, str]) -> dict[str, object]:
    read = ((name.removeprefix("memory."), numbers(text)) for name, text in files.items())
    return {name: value for name, value in read if value is not None}


def _of(seen: dict[type, list[Record]], kind: type[T]) -> tuple[T, ...]:
    return tuple(record for record in seen.get(kind, ()) if isinstance(record, kind))
