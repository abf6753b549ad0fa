# SPDX-License-Identifier: GPL-2.0-only
"""What is new, which patch brought it, and where lines go: with a tool that is a function of this file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.model import Finding
from harness.analysis.states import States
from harness.analysis.tools_states import Said, brought, moved, told_apart
from harness.tree.model import Applied, HunkLanding, PatchLanding

FILE = "mm/a.c"


def states(*versions: bytes | None, path: str = FILE) -> States:
    """The file *path*: as given, then after each patch."""
    base, *later = versions
    applied = Applied(
        landings=tuple(
            PatchLanding(
                number=number,
                subject="",
                status="applied",
                hunks=(HunkLanding(file=path, hunk=1, status="offset", offset=number),),
            )
            for number in range(1, len(later) + 1)
        ),
        prefixes=({}, *({path: data} for data in later)),
    )
    return States(applied, {path: base}.get)


class Complainer:
    """Says something of every line with BAD on it, and keeps which states it was asked about."""

    def __init__(self, of: States) -> None:
        self.of = of
        self.asked: list[int] = []

    def __call__(self, state: int, files: tuple[str, ...]) -> tuple[Said, ...]:
        self.asked.append(state)
        return tuple(
            Said(
                tool="t",
                rule="bad",
                severity="warning",
                why="it is",
                file=path,
                line=number,
                message=f"bad thing {number} here",
            )
            for path in files
            for number, text in enumerate((self.of[state].read(path) or b"").splitlines(), 1)
            if b"BAD" in text
        )


def found(of: States, run: Callable[..., tuple[Said, ...]] | None = None) -> tuple[Finding, ...]:
    return brought(of, run or Complainer(of), of.touched)


CLEAN = b"int f(void)\n{\n\treturn 0;\n}\n"
DIRTY = b"int f(void)\n{\n\tBAD;\n\treturn 0;\n}\n"


def test_a_finding_is_the_patch_s_that_brought_it() -> None:
    for first in range(1, 8):
        versions = [CLEAN + b"/* %d */\n" % at for at in range(first)]
        versions += [DIRTY + b"/* %d */\n" % at for at in range(first, 8)]
        (one,) = found(states(*versions))
        assert (one.patch, one.line, one.function, one.source) == (first, 3, "f", "\tBAD;")
        assert one.surroundings == ("int f(void)", "{", "\tBAD;", "\treturn 0;", "}", "/* 7 */")


def test_other_states_are_asked_only_when_there_is_something_at_the_end() -> None:
    clean = states(*(CLEAN + b"/* %d */\n" % at for at in range(16)))
    tool = Complainer(clean)
    assert found(clean, tool) == ()
    assert tool.asked == [15]
    dirty = states(CLEAN, *(DIRTY + b"/* %d */\n" % at for at in range(15)))
    tool = Complainer(dirty)
    assert [one.patch for one in found(dirty, tool)] == [1]
    assert len(tool.asked) <= 2 + 4


def test_what_was_there_before_is_not_new_wherever_it_moves() -> None:
    assert found(states(DIRTY, b"/* one\n * two */\n" + DIRTY)) == ()
    assert found(states(DIRTY, CLEAN)) == ()
    assert found(states(CLEAN, DIRTY, CLEAN)) == (), "what the series mends itself is none either"


def test_of_two_alike_the_one_that_did_not_move_along_is_new() -> None:
    twice = b"int f(void)\n{\n\tnew BAD;\n\tBAD;\n\treturn 0;\n}\n"
    (one,) = found(states(DIRTY, twice))
    assert one.source == "\tnew BAD;"


def test_a_new_file_and_one_that_goes() -> None:
    assert [one.patch for one in found(states(None, None, DIRTY))] == [2]
    assert found(states(DIRTY, None)) == ()


def test_text_of_tools_is_one_printable_line() -> None:
    of = states(CLEAN, DIRTY)

    def run(state: int, files: tuple[str, ...]) -> tuple[Said, ...]:
        text = "a\nb\x1b[0m\u202e" + "x" * 5000
        said = Said(tool="t", rule="r", severity="note", why="", file=FILE, line=3, message=text)
        return (said,) if state and files else ()

    (one,) = found(of, run)
    assert one.message.startswith("a b?[0m?xxx")
    assert len(one.message) == 300


def test_the_same_defect_has_the_same_fingerprint_and_two_have_two() -> None:
    (here,) = found(states(CLEAN, DIRTY))
    (there,) = found(states(b"/* else */\n\n" + CLEAN, b"/* else */\n\n" + DIRTY))
    assert here.line != there.line
    assert here.fingerprint == there.fingerprint
    first, second = told_apart([here, here])
    assert (first.fingerprint, second.fingerprint != first.fingerprint) == (here.fingerprint, True)


def test_offsets_are_those_of_the_patch() -> None:
    assert states(CLEAN, DIRTY, CLEAN).offsets(2) == {(FILE, 1): 2}


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_moved(line_end: bytes) -> None:
    before = line_end.join([b"a", b"b", b"c", b"d", b"e"])
    after = line_end.join([b"a", b"new", b"c", b"d", b"also", b"e", b"f"])
    assert moved(before, after) == {1: 1, 3: 3, 4: 4, 5: 6}
    assert moved(None, after) == moved(before, None) == {}


LINES = st.lists(st.sampled_from([b"{", b"}", b"x = 1;", b"", b"\treturn;"]), max_size=30)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(before=LINES, after=LINES)
def test_moved_lines_are_equal_and_in_order(before: list[bytes], after: list[bytes]) -> None:
    lines = moved(b"\n".join(before), b"\n".join(after))
    old, new = b"\n".join(before).splitlines(), b"\n".join(after).splitlines()
    assert all(old[at - 1] == new[to - 1] for at, to in lines.items())
    in_order = [to for _at, to in sorted(lines.items())]
    assert in_order == sorted(set(in_order))
    assert moved(b"\n".join(before), b"\n".join(before)) == {at: at for at in range(1, len(old) + 1)}


def test_a_file_that_was_not_asked_about_is_not_even_read() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes:
        asked.append(path)
        return CLEAN

    of = States(states(CLEAN, DIRTY)._applied, read)

    def run(_state: int, _files: tuple[str, ...]) -> tuple[Said, ...]:
        said = Said(tool="t", rule="r", severity="note", why="", file="../secret.c", line=1, message="m")
        return (said,)

    assert brought(of, run, (FILE,)) == ()
    assert "../secret.c" not in asked
