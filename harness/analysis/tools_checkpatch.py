# SPDX-License-Identifier: GPL-2.0-only
"""checkpatch on each patch of a series. It reads the patch alone, so one version serves trees of any age."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from unidiff.patch import PatchSet

from harness.analysis.model import Finding
from harness.analysis.states import States
from harness.analysis.tools_run import Unusable, ask, program
from harness.analysis.tools_states import Said, finding, moved, told_apart
from harness.analysis.tools_table import Checkpatch
from harness.deadline import Deadline
from harness.series.model import Patch

SCRIPT = "scripts/checkpatch.pl"
# Options that are all needed here; kernels before 4.0 have a script without them.
_NEEDED = (b"show-types!", b"terse!", b"'ignore=s'", b"color=s")
_LARGEST = 4 << 20
_VERSION = re.compile(rb"^my \$V = '([\w.]{1,20})';", re.MULTILINE)
# --terse --show-types (checkpatch.pl, sub report): "FILE:LINE: LEVEL:TYPE: text".
_MESSAGE = re.compile(r"^(\d{1,6})\.patch:(\d+): (?:ERROR|WARNING):([A-Z0-9_]+): (.*)$")
_MOST = 200
_LONGEST = 10_000
_UNREAD = Said(
    tool="checkpatch",
    rule="checkpatch/not-read",
    severity="note",
    why="checkpatch takes time in the square of a line's length.",
    file="",
    line=0,
    message=f"not read by checkpatch: a line of more than {_LONGEST} bytes",
)


def find_checkpatch(candidates: Iterable[Path]) -> Path | None:
    """The first of *candidates*, kernel trees, whose ``scripts/checkpatch.pl`` is new enough, as a path.

    It is going to be run, so a tree must be as its owner gave it: never one with a series on.
    """
    for tree in candidates:
        script = tree / SCRIPT
        try:
            version(script)
        except Unusable:
            continue
        return script
    return None


def version(script: Path) -> str:
    """What *script* says of itself; Unusable when it is no checkpatch or one from before 4.0."""
    try:
        with script.open("rb") as stream:
            text = stream.read(_LARGEST)
    except OSError as error:
        raise Unusable(f"{script.name} cannot be read: {error.strerror}") from error
    found = _VERSION.search(text)
    if found is None or any(option not in text for option in _NEEDED):
        raise Unusable(f"{script.name} is older than Linux 4.0 and lacks the options that are needed")
    return found[1].decode()


def checkpatch(
    states: States,
    patches: Sequence[Patch],
    script: Path,
    *,
    rows: Checkpatch,
    scratch: Path,
    deadline: Deadline,
) -> tuple[Finding, ...]:
    """What *script* says of the patches that are on, where the line that it means is there at the end.

    A remark on a patch as a whole has an empty file and line 0. At most 200 are given for one patch.
    Raises Unusable.
    """
    on = dict(enumerate(patches[: states.last], 1))
    readable = {state: patch for state, patch in on.items() if _longest(patch) <= _LONGEST}
    found = [finding(states, state, _UNREAD) for state in on if state not in readable]
    for state, remarks in _asked(readable, script, rows, scratch, deadline).items():
        places = _Places(states, state, on[state])
        for remark in remarks[:_MOST]:
            place = ("", 0) if remark.type in rows.whole else places.at_the_end(remark.line)
            if place is not None:
                found.append(finding(states, state, _said(states, rows, remark, place)))
    return told_apart(found)


def _asked(
    patches: Mapping[int, Patch], script: Path, rows: Checkpatch, scratch: Path, deadline: Deadline
) -> dict[int, list[_Remark]]:
    """What checkpatch says of each patch, by state; patches of which it says nothing are not there."""
    said: dict[int, list[_Remark]] = {}
    if not patches:
        return said
    names = [f"{state}.patch" for state in patches]
    for name, patch in zip(names, patches.values(), strict=True):
        (scratch / name).write_bytes(mail(patch))
    ignored = ["--ignore", ",".join(rows.ignore)] if rows.ignore else []
    options = ["--no-tree", "--terse", "--show-types", "--no-summary", "--color=never", *ignored]
    output = ask([program("perl"), script, *options, "--", *names], cwd=scratch, deadline=deadline)
    if output.exit < 0:
        raise Unusable(output.last)
    for text in output.lines:
        match = _MESSAGE.match(text)
        if match and int(match[1]) in patches:
            remark = _Remark(line=int(match[2]), type=match[3], text=match[4])
            said.setdefault(int(match[1]), []).append(remark)
    return said


class _Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One line of checkpatch: a line of the mail (1-based), the message's type, its text."""

    line: int
    type: str
    text: str


def _longest(patch: Patch) -> int:
    """The length of the longest line, in bytes: checkpatch takes time in its square."""
    return max(map(len, mail(patch).split(b"\n")))


def _said(states: States, rows: Checkpatch, remark: _Remark, place: tuple[str, int]) -> Said:
    severity, why = rows.row(remark.type)
    file, line = place
    return Said(
        tool="checkpatch",
        rule=f"checkpatch/{remark.type}",
        severity=severity,
        why=why,
        file=file,
        line=line,
        message=remark.text,
        function=states[states.last].function(file, line) if file else "",
    )


def _head(patch: Patch) -> bytes:
    fields = {
        "From": patch.author,
        "Date": patch.date,
        "Subject": f"[PATCH {patch.number}/{patch.total}] {patch.subject}",
    }
    header = "\n".join(f"{name}: {' '.join(value.split())}" for name, value in fields.items() if value)
    return f"{header}\n\n{patch.description.strip()}\n\n---\n".encode("utf-8", "surrogateescape")


def mail(patch: Patch) -> bytes:
    """*patch* as the mail that checkpatch expects: header, description, ``---``, diff."""
    return _head(patch) + patch.diff


class _Places:
    """From lines of the mail of one patch to lines of the files with the whole series on."""

    def __init__(self, states: States, state: int, patch: Patch) -> None:
        self._states = states
        self._state = state
        self._at: dict[int, tuple[str, int, bytes]] = {}
        offsets = states.offsets(state)
        before = _head(patch).count(b"\n")
        sections = PatchSet(patch.diff.decode("utf-8", "surrogateescape"))
        for change, section in zip(patch.files, sections, strict=True):
            for index, hunk in enumerate(section, 1):
                for line in hunk:
                    if line.target_line_no is None or line.diff_line_no is None:
                        continue
                    wanted = line.target_line_no + offsets.get((change.path, index), 0)
                    text = line.value.rstrip("\r\n").encode("utf-8", "surrogateescape")
                    self._at[before + line.diff_line_no] = (change.path, wanted, text)
        self._lines: dict[str, list[bytes]] = {}
        self._moved: dict[str, dict[int, int]] = {}

    def at_the_end(self, line: int) -> tuple[str, int] | None:
        """File and line at the end; ("", 0) outside hunks, None for a line that a later patch takes away."""
        if line not in self._at:
            return "", 0
        path, wanted, text = self._at[line]
        if path not in self._moved:
            after = self._states[self._state].read(path)
            self._lines[path] = (after or b"").splitlines()
            self._moved[path] = moved(after, self._states[self._states.last].read(path))
        there = self._nearest(path, wanted, text)
        last = self._moved[path].get(there) if there else None
        return (path, last) if last else None

    def _nearest(self, path: str, wanted: int, text: bytes) -> int | None:
        """The line with *text* nearest to *wanted*: a hunk that was merged can lie anywhere."""
        same = [at for at, one in enumerate(self._lines[path], 1) if one.rstrip(b"\r") == text]
        return min(same, key=lambda at: abs(at - wanted), default=None)
