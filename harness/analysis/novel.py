# SPDX-License-Identifier: GPL-2.0-only
"""What the rules find in each state of a series, and which of it the series brought.

A defect is the same in two states when rule, file, function and key are the same; a defect of a
function that is gone at the end, and now stands in a function that the base does not have, moved. In a
function of which only variables have other names, whatever the key says, nothing is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from harness.analysis.model import Finding, Raw
from harness.analysis.renamed import only_renamed
from harness.analysis.scope import Rule, Scope
from harness.analysis.source import Source
from harness.analysis.states import State, States
from harness.analysis.table import RuleRow
from harness.tree.model import Version

_AROUND = 3
_LONGEST = 300

Identity = tuple[str, str, str, str]
"""rule, file, function, key"""
Found = dict[Identity, Raw]


@dataclass(frozen=True)
class Ask:
    """What to look at: by file, the functions that the series touches; and with which rules."""

    functions: Mapping[str, Set[str]]
    former: Mapping[str, str]
    """what files that the series renames are called in the base, by their name at the end"""
    rules: Sequence[Rule]
    version: Version | None


def find_all(states: States, ask: Ask) -> list[Found]:
    """What the rules find in each of *states*; the first is the base."""
    known: dict[tuple[str, bytes, tuple[object, ...]], Found] = {}
    results: list[Found] = []
    for state in states:
        found: Found = {}
        # A rule may read any header: what it finds holds for as long as the headers stay as they are.
        headers = tuple(sorted((p, hash(d)) for p, d in state.overlay.items() if not p.endswith(".c")))
        for path in ask.functions:
            data = state.read(path)
            if data is not None:
                key = (path, data, (headers, state is states[0]))
                if key not in known:
                    known[key] = _in_file(path, state, states, ask)
                found |= known[key]
        results.append(found)
    return results


def _in_file(path: str, state: State, states: States, ask: Ask) -> Found:
    base, parsed = states[0], states.parsed
    source = parsed.source(path, state.read(path) or b"")
    former = base.source(ask.former.get(path, path))
    everything = frozenset(range(1, source.data.count(b"\n") + 2))
    lines = parsed.changed(former.data, source.data).around if former and state is not base else everything
    scope = Scope(
        functions=frozenset(ask.functions[path]),
        changed_lines=lines,
        read=state.read,
        source=state.source,
        base=former,
        version=ask.version,
    )
    found: Found = {}
    for rule in ask.rules:
        for raw in rule.find(source, scope):
            found.setdefault((raw.rule, ask.former.get(path, path), raw.function, raw.key), raw)
    return found


def brought(results: Sequence[Found], states: States, ask: Ask) -> Iterator[tuple[int, str, Raw]]:
    """What only the end has, not the base: the patch (1-based) that brought it, the file, the defect."""
    base, end = results[0], results[-1]
    present = {former: path for path, former in ask.former.items()}
    moved = {
        (rule, key)
        for rule, file, function, key in base
        if not _has(states[states.last].source(present.get(file, file)), function)
    }
    for identity, raw in end.items():
        rule, file, function, key = identity
        if identity in base:
            continue
        if (rule, key) in moved and not _has(states[0].source(file), function):
            continue
        if _unchanged(states[0].source(file), states[states.last].source(present.get(file, file)), function):
            continue
        patch = len(results) - 1
        while patch > 1 and identity in results[patch - 1]:
            patch -= 1
        yield patch, present.get(file, file), raw


def _unchanged(before: Source | None, after: Source | None, name: str) -> bool:
    """True when the function *name* is what it was, but for the names of its variables."""
    if before is None or after is None:
        return False
    old, new = ([one for one in side.functions if one.name == name] for side in (before, after))
    return len(old) == len(new) == 1 and only_renamed(old[0], new[0])


def _has(source: Source | None, function: str) -> bool:
    return source is not None and any(one.name == function for one in source.functions)


def finding(patch: int, file: str, raw: Raw, row: RuleRow, source: Source) -> Finding:
    """*raw*, which patch number *patch* brought, as a finding in *source*, the file at the end."""
    before = tuple(source.line(number) for number in range(max(1, raw.line - _AROUND), raw.line))
    after = tuple(source.line(number) for number in range(raw.line + 1, raw.line + _AROUND + 1))
    whole = "\0".join((raw.rule, file, raw.function, raw.key)).encode("utf-8", "surrogateescape")
    return Finding(
        rule=raw.rule,
        severity=row.severity,
        patch=patch,
        file=file,
        line=raw.line,
        function=raw.function,
        message=raw.message,
        why=row.why,
        source=source.line(raw.line)[:_LONGEST],
        surroundings=tuple(line[:_LONGEST] for line in (*before, source.line(raw.line), *after)),
        related=raw.related,
        fingerprint=hashlib.sha256(whole).hexdigest()[:32],
    )
