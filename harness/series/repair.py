# SPDX-License-Identifier: GPL-2.0-only
"""A patch whose white space was lost, made whole against the files that it changes.

Web archives leave one blank of a run, none at a line's end, and no context marker. The old side of each
hunk is taken byte for byte from the file; added lines get the white space that the code around them
suggests, each with a confidence. What cannot be placed beyond doubt is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from harness import tables
from harness.paths import CONFIGS
from harness.series.model import DamagedFile, DamagedHunk, FileChange, Patch
from harness.series.repair_align import Row
from harness.series.repair_blank import settle
from harness.series.repair_gap import habits
from harness.series.repair_habit import study
from harness.series.repair_indent import Line, Sources, restore
from harness.series.repair_pair import Original, known
from harness.series.repair_place import Limits, Lined, Placement, place
from harness.series.repair_taste import KNOWN, Worth
from harness.series.repair_text import key, single
from harness.series.repair_write import hunk as written
from harness.series.repair_write import section

TABLE = CONFIGS / "repair.yaml"
_UNCHANGED = 0.5


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``configs/repair.yaml``."""

    flag: float
    """a guess less sure than this flags the repair"""
    limits: Limits
    replaced: float
    blank: float
    """most that the place of a dropped blank line is trusted where only taste decides; below *flag*"""
    blanks: dict[str, Worth]
    rates: dict[str, dict[str, float]]

    def __post_init__(self) -> None:
        if self.blank >= self.flag:
            raise ValueError(f"blank is {self.blank}: has to be below flag, {self.flag}")
        if odd := sorted(KNOWN ^ self.blanks.keys()):
            state = "is not known" if odd[0] in self.blanks else "is missing"
            raise ValueError(f"blanks: {odd[0]!r} {state}")


class GuessedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line whose white space, or whose place, is a guess."""

    file: str
    hunk: int
    """1-based within its file"""
    line: int
    """1-based within the body of the repaired hunk"""
    text: str
    confidence: float
    """0 to 1"""
    reason: str


class RepairedHunk(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    hunk: int
    """1-based within its file"""
    cost: float
    """what the file and the hunk's old side do not agree in; 0: nothing"""
    guessed: int


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a damaged patch."""

    patch: Patch
    """whole, ``damaged`` empty; as it was, if refused"""
    status: str
    """``repaired``; ``flagged``: repaired, but some guess is less sure than the threshold; ``refused``"""
    lines_recovered: int = 0
    """taken byte for byte from the file, or with only one possible white space"""
    lines_guessed: int = 0
    guesses: tuple[GuessedLine, ...] = ()
    reason: str = ""
    """why it was refused, one line"""
    hunks: tuple[RepairedHunk, ...] = ()


class _Refused(Exception):
    """Why a patch cannot be repaired; never leaves this module."""


class _Whole(msgspec.Struct, frozen=True):
    """One file's hunks, placed and restored."""

    change: FileChange
    diff: str
    hunks: tuple[RepairedHunk, ...]
    lines: tuple[tuple[Line, ...], ...]


def load_policy(path: Path = TABLE) -> Policy:
    """The table at *path*; raises UserError with file and line for what is wrong in it."""
    return tables.load(path, Policy)


def repair(patch: Patch, read: Callable[[str], bytes | None], policy: Policy | None = None) -> Repair:
    """*patch* made whole; *read* gives a file as it is right before it, None where there is none."""
    rules = policy or load_policy()
    try:
        files = _placed(patch, read, rules)
    except _Refused as why:
        return Repair(patch=patch, status="refused", reason=str(why))
    removed: dict[str, list[Original]] = {}
    for one in files:
        for placement in one.placements:
            for row in placement.rows:
                if row.mark == "-":
                    removed.setdefault(single(row.text), []).append(Original(row.text, -1))
    return _repaired(patch, [_restored(one, removed, rules) for one in files], rules.flag)


class _Placed(msgspec.Struct, frozen=True):
    """One file with the places of its hunks."""

    change: FileChange
    damaged: DamagedFile
    file: Lined
    unended: bool
    """the file's last line has no LF"""
    placements: list[Placement]


def _placed(patch: Patch, read: Callable[[str], bytes | None], rules: Policy) -> list[_Placed]:
    changes = {change.path: change for change in patch.files}
    files = []
    for damaged in patch.damaged:
        change = changes.get(damaged.path) or _change(damaged)
        data = None if damaged.kind == "added" else read(change.old_path)
        if data is None and damaged.kind != "added":
            raise _Refused(f"{change.old_path}: the tree has no such file")
        file = _lined(data or b"")
        placements = place(damaged.hunks, file, rules.limits)
        for number, placement in enumerate(placements, 1):
            if placement.reason:
                raise _Refused(f"{damaged.path}: hunk {number} {placement.reason}")
        unended = bool(data) and not (data or b"").endswith(b"\n")
        files.append(_Placed(change, damaged, file, unended, placements))
    return files


def _change(damaged: DamagedFile) -> FileChange:
    marks = [line[:1] for one in damaged.hunks for line in one.lines]
    return FileChange(
        path=damaged.path,
        kind=damaged.kind,
        old_path=damaged.path,
        added=marks.count("+"),
        removed=marks.count("-"),
        hunks=len(damaged.hunks),
    )


def _lined(data: bytes) -> Lined:
    texts = data.decode("utf-8", "surrogateescape").split("\n")
    if texts[-1] == "":
        texts.pop()
    keys = tuple(key(text) for text in texts)
    places: dict[str, list[int]] = {}
    for number, text in enumerate(keys):
        places.setdefault(text, []).append(number)
    return Lined(tuple(texts), keys, places)


def _restored(one: _Placed, removed: dict[str, list[Original]], rules: Policy) -> _Whole:
    texts = one.file.texts
    rows = [row for placement in one.placements for row in placement.rows]
    lines_known = known(rows, texts)
    for text, originals in removed.items():
        lines_known.setdefault(text, originals)
    sources = Sources(
        texts=texts,
        study=study(texts, frozenset(placement.start for placement in one.placements)),
        known=lines_known,
        removed=frozenset(row.at for row in rows if row.mark == "-"),
        rates=rules.rates,
        replaced=rules.replaced,
        habits=habits(texts),
    )
    shift = 0
    hunks: list[RepairedHunk] = []
    lines: list[tuple[Line, ...]] = []
    diffs: list[str] = []
    for number, (placement, damaged) in enumerate(zip(one.placements, one.damaged.hunks, strict=True), 1):
        settled, sure = settle(placement.rows, len(texts), rules.blanks)
        body = restore(settled, placement.start, sources)
        for at, confidence in sure.items():
            if confidence < 1:
                reason = "a blank line that was dropped: its place"
                body[at] = Line(" ", body[at].text, min(confidence, rules.blank), reason)
        _doubt_unchanged(body)
        unended = _unended(settled, one, damaged)
        diffs.append(written(body, placement.start, shift, damaged.section, unended))
        shift += sum(line.mark == "+" for line in body) - sum(line.mark == "-" for line in body)
        guessed = sum(line.confidence < 1 for line in body)
        hunks.append(RepairedHunk(file=one.damaged.path, hunk=number, cost=placement.cost, guessed=guessed))
        lines.append(tuple(body))
    return _Whole(one.change, section(one.change, diffs), tuple(hunks), tuple(lines))


def _doubt_unchanged(body: list[Line]) -> None:
    """Lower the confidence of an added line that says what one says that it stands beside and replaces.

    A patch takes a line away and puts it back for a difference in white space: what that was is lost.
    """
    block: dict[str, None] = {}
    for at, line in enumerate(body):
        if line.mark == " ":
            block = {}
        elif line.mark == "-":
            block.setdefault(single(line.text))
        elif line.text.strip() and single(line.text) in block:
            reason = "replaces a line of the same words: they differ in white space"
            body[at] = Line("+", line.text, min(line.confidence, _UNCHANGED), reason)


def _unended(rows: Sequence[Row], one: _Placed, damaged: DamagedHunk) -> frozenset[int]:
    """Rows without LF: the file's last line where it has none, an added line of which the patch says so."""
    last = len(one.file.texts) - 1
    found = {number for number, row in enumerate(rows) if one.unended and row.at == last}
    said = [line for line in damaged.lines if line.startswith("\\")]
    if said and damaged.lines[-1].startswith("\\") and rows and rows[-1].mark == "+":
        found.add(len(rows) - 1)
    return frozenset(found)


def _repaired(patch: Patch, files: Sequence[_Whole], flag: float) -> Repair:
    guesses = [
        GuessedLine(
            file=one.change.path,
            hunk=number,
            line=at,
            text=line.text,
            confidence=round(line.confidence, 3),
            reason=line.reason,
        )
        for one in files
        for number, body in enumerate(one.lines, 1)
        for at, line in enumerate(body, 1)
        if line.confidence < 1
    ]
    total = sum(len(body) for one in files for body in one.lines)
    flagged = any(guess.confidence < flag for guess in guesses)
    diff = "".join(one.diff for one in files).encode("utf-8", "surrogateescape")
    return Repair(
        patch=msgspec.structs.replace(patch, diff=diff, files=tuple(one.change for one in files), damaged=()),
        status="flagged" if flagged else "repaired",
        lines_recovered=total - len(guesses),
        lines_guessed=len(guesses),
        guesses=tuple(guesses),
        hunks=tuple(one for file in files for one in file.hunks),
    )
