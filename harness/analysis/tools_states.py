# SPDX-License-Identifier: GPL-2.0-only
"""What a tool says of files in the states of a series, and which of it the series brought, by which patch."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from harness.analysis.model import Finding, Related, Severity
from harness.analysis.states import States

_NUMBER = re.compile(r"\b(?:0x[0-9a-f]+|\d+)\b")
_LONGEST = 300
_AROUND = 3


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One remark of a tool on one state of one file. It becomes a finding if it is new and stays."""

    tool: str
    rule: str
    severity: Severity
    why: str
    file: str
    """empty for a remark on the patch as a whole"""
    line: int
    message: str
    function: str = ""
    """as the tool names it; else it is looked up from the line"""
    related: tuple[Related, ...] = ()

    def key(self) -> tuple[str, str, str]:
        """What stays the same when lines move: rule, function, message without its numbers."""
        return self.rule, self.function, _NUMBER.sub("#", self.message)


Run = Callable[[int, tuple[str, ...]], tuple[Said, ...]]
"""A tool on state k (the tree with the first k patches on), on the files given: all that it says of them."""


def moved(before: bytes | None, after: bytes | None) -> dict[int, int]:
    """The lines (1-based) of *before* that *after* still has, each with its line there."""
    old, new = (before or b"").splitlines(), (after or b"").splitlines()
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    lines = {at: at for at in range(1, head + 1)}
    lines |= {len(old) - at: len(new) - at for at in range(tail)}
    matcher = difflib.SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    for block in matcher.get_matching_blocks():
        for at in range(1, block.size + 1):
            lines[head + block.a + at] = head + block.b + at
    return lines


def brought(states: States, run: Run, files: tuple[str, ...]) -> tuple[Finding, ...]:
    """What *run* says at the end of the series and not before it, each with the patch that brought it.

    The tool runs on the end first. Of files of which it says something there it is asked about the base, and
    of those of which it then says more, about states in between, which are halved until one patch is left.
    """
    cache: dict[tuple[int, str], tuple[Said, ...]] = {}

    def said(state: int, wanted: tuple[str, ...]) -> dict[str, tuple[Said, ...]]:
        missing = tuple(path for path in wanted if (state, path) not in cache)
        if missing:
            # a #line directive can make a tool name any file; only those asked about are looked into
            remarks = (one for one in run(state, missing) if one.file in missing)
            by_file = _by_file(_placed(states, state, one) for one in remarks)
            cache.update({(state, path): by_file.get(path, ()) for path in missing})
        return {path: cache[state, path] for path in wanted}

    end = {path: remarks for path, remarks in said(states.last, files).items() if remarks}
    base = said(0, tuple(path for path in end if states[0].read(path) is not None))
    findings: list[Finding] = []
    for path, final in end.items():
        before = base.get(path, ())
        for one in _new(before, final, moved(states[0].read(path), states[states.last].read(path))):
            findings.append(finding(states, _since(states, said, one, before), one))
    return told_apart(findings)


def _since(
    states: States,
    said: Callable[[int, tuple[str, ...]], dict[str, tuple[Said, ...]]],
    one: Said,
    base: tuple[Said, ...],
) -> int:
    """The first state that has *one*, which the base has not and the end has, by halving."""
    key = one.key()
    had = _times(base, key)
    without, having = 0, states.last
    while having - without > 1:
        middle = (without + having) // 2
        there = states[middle].read(one.file) is not None
        if there and _times(said(middle, (one.file,))[one.file], key) > had:
            having = middle
        else:
            without = middle
    return having


def _times(remarks: Iterable[Said], key: tuple[str, str, str]) -> int:
    return sum(remark.key() == key for remark in remarks)


def _new(base: tuple[Said, ...], final: tuple[Said, ...], lines: Mapping[int, int]) -> list[Said]:
    """Those of *final* that *base* has not, as often as it has more of them; what moved along is not new."""
    left = Counter(one.key() for one in base)
    stayed = {(one.key(), lines.get(one.line)) for one in base}
    new = []
    for one in sorted(final, key=lambda one: ((one.key(), one.line) not in stayed, one.line)):
        if left[one.key()]:
            left[one.key()] -= 1
        else:
            new.append(one)
    return new


def _placed(states: States, state: int, one: Said) -> Said:
    if one.function:
        return one
    return msgspec.structs.replace(one, function=states[state].function(one.file, one.line))


def _by_file(remarks: Iterable[Said]) -> dict[str, tuple[Said, ...]]:
    found: dict[str, tuple[Said, ...]] = defaultdict(tuple)
    for one in remarks:
        found[one.file] += (one,)
    return found


def one_line(text: str) -> str:
    """*text*, which a tool or a patch wrote, on one line, printable, at most 300 characters."""
    shown = " ".join(text[: 4 * _LONGEST].split())[:_LONGEST]
    return "".join(char if char.isprintable() else "?" for char in shown)


def _cut(text: str) -> str:
    return text[:_LONGEST].rstrip("\r")


def finding(states: States, state: int, one: Said) -> Finding:
    """*one*, said of the end of the series and brought by the patch that leads to *state*."""
    source = states[states.last].source(one.file) if one.file else None
    first = max(1, one.line - _AROUND)
    around = [source.line(at) for at in range(first, one.line + _AROUND + 1)] if source and one.line else []
    return Finding(
        rule=one.rule,
        severity=one.severity,
        patch=states.number(state),
        file=one.file,
        line=one.line,
        function=one_line(one.function),
        message=one_line(one.message),
        why=one.why,
        source=_cut(source.line(one.line)) if source else "",
        surroundings=tuple(map(_cut, around)),
        related=one.related,
        tools=(one.tool,),
        fingerprint=hashlib.sha256("\0".join((one.file, *one.key())).encode("utf-8", "replace")).hexdigest()[
            :32
        ],
    )


def less(
    states: States, found: Iterable[Finding], tool: str, failed: Mapping[str, str]
) -> tuple[Finding, ...]:
    """*found* without the files that *tool* failed on in some state (by path, with the reason).

    What it says of another state of such a file cannot be compared, so there is a note in its place.
    """
    kept = [one for one in found if one.file not in failed]
    for path, reason in failed.items():
        said = Said(
            tool=tool,
            rule=f"{tool}/not-read",
            severity="note",
            why=f"{tool} gave up here, so that nothing can be said for it of this file or patch.",
            file=path,
            line=0,
            message=f"not read by {tool}: {reason}",
        )
        kept.append(finding(states, states.last, said))
    return told_apart(kept)


def told_apart(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """*findings* in order of file and line; the second of one fingerprint gets another, and so on."""
    seen: Counter[str] = Counter()
    apart = []
    for one in sorted(findings, key=lambda one: (one.file, one.line, one.rule, one.message)):
        print_ = one.fingerprint
        if seen[print_]:
            again = hashlib.sha256(f"{print_} {seen[print_]}".encode()).hexdigest()[:32]
            apart.append(msgspec.structs.replace(one, fingerprint=again))
        else:
            apart.append(one)
        seen[print_] += 1
    return tuple(apart)
