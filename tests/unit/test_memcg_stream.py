# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from harness.memcg.stream import LONGEST_LINE, MOST_LINES, read_records, to_jsonl

DATA = Path(__file__).parent.parent / "data" / "memcg"
END = b'{"type":"end","ms":1.0}\n'
SAMPLE = b'{"type":"sample","stage":"run","ms":5.0,"files":{"memory.current":"4096\\n"}}\n'


@pytest.mark.parametrize("path", sorted(DATA.glob("*.jsonl")), ids=lambda path: path.stem)
def test_recorded_stream_is_whole(path: Path) -> None:
    stream = read_records(path.read_bytes().splitlines(keepends=True))
    assert stream.complete
    assert stream.garbage == 0
    assert stream.begin is not None
    assert stream.before is not None
    assert stream.after is not None
    assert {sample.stage for sample in stream.samples} == {"born", "run", "exit", "rest"}
    assert [step.action for step in stream.steps][-1] == "rmdir"
    assert len(stream.work) == stream.begin.workers


def test_a_stream_without_its_end_is_cut_off() -> None:
    assert not read_records([SAMPLE]).complete
    assert read_records([SAMPLE, END]).complete


def test_garbage_is_counted_and_passed_over() -> None:
    lines = [
        b"login: \xff\xfe\n",
        b'{"type":"sample","stage":"run"\n',
        b'{"type":"sample","stage":"run","ms":"soon","files":{}}\n',
        b'{"type":"nothing"}\n',
        b'{"type":"end","ms":' + b"[" * 5000 + b"\n",
        b"\n",
        SAMPLE,
        END,
    ]
    stream = read_records(lines)
    assert (stream.garbage, len(stream.samples), stream.complete) == (5, 1, True)


def test_a_line_beyond_the_bound_is_garbage() -> None:
    padded = SAMPLE.rstrip() + b" " * LONGEST_LINE
    assert read_records([padded, END]).garbage == 1


def test_an_endless_stream_is_read_to_the_bound() -> None:
    stream = read_records(itertools.repeat(SAMPLE))
    assert len(stream.samples) == MOST_LINES
    assert not stream.complete


def test_nothing_after_the_end_counts() -> None:
    assert read_records([END, SAMPLE]).samples == ()


def test_samples_are_kept_as_numbers() -> None:
    line = (
        b'{"type":"sample","stage":"run","ms":5.5,"files":{"memory.current":"4096\\n",'
        b'"memory.max":"max\\n","memory.stat":"anon 1\\nfile 2\\nodd\\n","memory.events":"?"}}'
    )
    (row,) = to_jsonl(read_records([line]))
    assert row.endswith(b"\n")
    assert json.loads(row) == {
        "stage": "run",
        "ms": 5.5,
        "current": 4096,
        "max": (1 << 63) - 1,
        "stat": {"anon": 1, "file": 2},
    }


def test_groups_below_and_the_host_are_read_and_kept() -> None:
    sample = (
        b'{"type":"sample","stage":"exit","ms":5.0,"files":{"memory.current":"8192\\n"},'
        b'"below":{"a/b":{"memory.current":"4096\\n","memory.odd":"text"}}}\n'
    )
    host = b'{"type":"host","stage":"rest","ms":6.0,"cgroups":2,"dying":0,"files":{"page_cgroup":"7"}}\n'
    stream = read_records([sample, host, END])
    assert stream.samples[0].below == {"a/b": {"memory.current": "4096\n", "memory.odd": "text"}}
    assert stream.emptied is not None
    assert stream.emptied.files == {"page_cgroup": "7"}
    kept = [json.loads(line) for line in to_jsonl(stream)]
    assert kept == [{"stage": "exit", "ms": 5.0, "current": 8192, "below": {"a/b": {"current": 4096}}}]


def test_an_older_stream_has_neither() -> None:
    assert read_records([SAMPLE]).samples[0].below == {}
    host = b'{"type":"host","stage":"before","ms":0.0,"cgroups":1,"dying":-1}\n'
    before = read_records([host]).before
    assert before is not None
    assert before.files == {}
