# SPDX-License-Identifier: GPL-2.0-only
"""Where the hunks of one file land, and why one does not: git apply's rules without fuzz, told in words.

git (apply.c, find_pos and match_fragment of 2.39): the old side must be there byte for byte; a hunk
that begins at line 1 must be at the beginning, one without trailing context at the end; lines that
an earlier hunk wrote do not count. git takes the nearest place. Here a hunk that is not where it
says and could be at several places is refused: the nearest can be the wrong function.
"""

from __future__ import annotations

import re

import msgspec

from harness.series.hunks import HunkLines
from harness.tree.model import HunkLanding

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_SHOWN = 80
_PLACES = 5


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """One file after its hunks; ``data`` is as far as it goes where one was rejected."""

    data: bytes
    hunks: tuple[HunkLanding, ...]

    @property
    def whole(self) -> bool:
        """True when every hunk went on."""
        return all(hunk.status != "rejected" for hunk in self.hunks)


class _Image:
    """A file's lines while hunks are put on; ``ours`` marks those that a hunk wrote."""

    def __init__(self, data: bytes) -> None:
        self.lines: list[bytes] = _LINE.findall(data)
        self.ours = [False] * len(self.lines)

    def find(self, wanted: tuple[bytes, ...]) -> list[int]:
        """Every 0-based line at which *wanted* stands, among lines that no hunk wrote."""
        count = len(wanted)
        return [
            at
            for at in range(len(self.lines) - count + 1)
            if (not count or self.lines[at] == wanted[0])
            and tuple(self.lines[at : at + count]) == wanted
            and not any(self.ours[at : at + count])
        ]

    def put(self, at: int, hunk: HunkLines) -> None:
        end = at + len(hunk.old)
        self.lines[at:end] = hunk.new
        self.ours[at:end] = [True] * len(hunk.new)


def land(data: bytes, hunks: tuple[HunkLines, ...], file: str) -> Landed:
    """Put *hunks* on the contents *data* of *file*, each where it belongs."""
    image = _Image(data)
    landings = []
    for number, hunk in enumerate(hunks, 1):
        expected = max(0, hunk.new_start - 1)
        places = [at for at in image.find(hunk.old) if _allowed(at, hunk, image)]
        if expected in places or len(places) == 1:
            at = expected if expected in places else places[0]
            image.put(at, hunk)
            status = "clean" if at == expected else "offset"
            landings.append(HunkLanding(file=file, hunk=number, status=status, offset=at - expected))
        else:
            reason = _ambiguous(places) if places else _mismatch(image, hunk, expected)
            landings.append(HunkLanding(file=file, hunk=number, status="rejected", reason=reason))
    return Landed(data=b"".join(image.lines), hunks=tuple(landings))


def _allowed(at: int, hunk: HunkLines, image: _Image) -> bool:
    if not hunk.old and image.lines:
        return False  # git: no context to go by
    at_start = at == 0 or hunk.old_start > 1
    at_end = hunk.trailing > 0 or at + len(hunk.old) == len(image.lines)
    return at_start and at_end


def _ambiguous(places: list[int]) -> str:
    shown = ", ".join(str(at + 1) for at in places[:_PLACES])
    more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
    return f"not where it says, and its lines stand at several places: lines {shown}{more}"


def _mismatch(image: _Image, hunk: HunkLines, expected: int) -> str:
    """The nearest place and the first line that differs there; or what else is the matter."""
    if not hunk.old:
        return "adds lines without context to a file that has some already"
    if hunk.new and (done := image.find(hunk.new)):
        return f"is in the tree already, at line {done[0] + 1}"
    if found := image.find(hunk.old):
        where = "the end" if hunk.old_start > 1 else "the beginning"
        return f"its lines stand at line {found[0] + 1}, but without context there they must be at {where}"
    return _difference(image, hunk.old, _nearest(image, hunk.old, expected))


def _difference(image: _Image, old: tuple[bytes, ...], nearest: int | None) -> str:
    """The first line of *old* that is another one in the file, when it is laid at line *nearest*."""
    if nearest is None:
        return f"expected {_shown(old[0])}, found nothing like it in the file"
    for step, wanted in enumerate(old):
        at = nearest + step
        if at >= len(image.lines):
            return f"expected {_shown(wanted)}, found the end of the file at line {at + 1}"
        if image.lines[at] != wanted:
            return f"expected {_shown(wanted)}, found {_shown(image.lines[at])} at line {at + 1}"
    return f"its lines at line {nearest + 1} were written by an earlier hunk"


def _nearest(image: _Image, wanted: tuple[bytes, ...], expected: int) -> int | None:
    """The place where most of *wanted* stands, of equals the one closest to *expected*; blank lines apart."""
    score: dict[int, int] = {}
    steps: dict[bytes, list[int]] = {}
    for step, line in enumerate(wanted):
        if line.strip():
            steps.setdefault(line, []).append(step)
    for at, line in enumerate(image.lines):
        for step in steps.get(line, ()):
            if at >= step:
                score[at - step] = score.get(at - step, 0) + 1
    return min(score, key=lambda at: (-score[at], abs(at - expected)), default=None)


def _shown(line: bytes) -> str:
    """A line of a file or patch, quoted for a one-line message: untrusted, so escaped and bounded."""
    text = line.decode("utf-8", "replace").rstrip("\n")
    shown = ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
    return shown if line.endswith(b"\n") else f"{shown} without a line end"
