# SPDX-License-Identifier: GPL-2.0-only
"""Semantic patches of ours (configs/analysis/cocci) put to the functions that a series touches.

spatch sees each file with every other function blanked, line for line: what it looks at is inside one
function, so nothing is lost, and it takes a tenth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.analysis.model import Finding, Related
from harness.analysis.source import Source
from harness.analysis.states import States
from harness.analysis.tools_run import Output, ask, first_line, program
from harness.analysis.tools_states import Said, brought, less
from harness.analysis.tools_table import COCCI, Coccinelle, CocciRow
from harness.deadline import Deadline

_NAME = "unit.c"
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_VERSION = re.compile(r"^spatch version (\S+)")
_SECONDS = 5
"""for one semantic patch on one file; the largest files of mm/ take half a second"""


def version(cwd: Path, deadline: Deadline) -> str:
    """Which spatch it is; Unusable when there is none."""
    said = first_line([program("spatch"), "--version"], cwd=cwd, deadline=deadline)
    match = _VERSION.match(said)
    return match[1] if match else "of unknown version"


def coccinelle(states: States, *, rows: Coccinelle, scratch: Path, deadline: Deadline) -> tuple[Finding, ...]:
    """What the semantic patches match at the end of the series and not before. Raises Unusable."""
    program("spatch")
    wanted = {path: touched_functions(states, path) for path in states.touched if path.endswith((".c", ".h"))}

    matching: dict[str, set[str]] = {}  # by file, the semantic patches that match at the end

    failed: dict[str, str] = {}

    def run(state: int, files: tuple[str, ...]) -> tuple[Said, ...]:
        said: list[Said] = []
        for path in files:
            source = states[state].source(path)
            if source is None or not any(one.name in wanted[path] for one in source.functions):
                continue
            code = only(source, wanted[path])
            (scratch / _NAME).write_bytes(code)
            for row in rows.rows:
                if _possible(row, code) and (state == states.last or row.rule in matching[path]):
                    output = _asked(row, scratch, deadline)
                    said += _matches(row, path, source, output.lines)
                    if output.exit:
                        failed[path] = output.last
            if state == states.last:
                matching[path] = {one.rule for one in said if one.file == path}
        return tuple(said)

    found = brought(states, run, tuple(path for path, names in wanted.items() if names))
    return less(states, found, "coccinelle", failed)


def _possible(row: CocciRow, code: bytes) -> bool:
    return all(any(word.encode() in code for word in group) for group in row.needs)


def _asked(row: CocciRow, scratch: Path, deadline: Deadline) -> Output:
    options = ["--very-quiet", "--no-includes", "--include-headers", "--timeout", str(_SECONDS)]
    return ask(["spatch", *options, "--sp-file", COCCI / row.file, _NAME], cwd=scratch, deadline=deadline)


def _matches(row: CocciRow, path: str, source: Source, lines: tuple[str, ...]) -> Iterator[Said]:
    """One remark for each function in which the semantic patch marked something."""
    by_function: dict[str, list[int]] = {}
    for at in marked(lines):
        function = source.function_at(at)
        by_function.setdefault(function.name if function else "", []).append(at)
    for name, places in by_function.items():
        *others, last = places
        if row.early and _outermost(source, last):
            continue
        yield Said(
            tool="coccinelle",
            rule=row.rule,
            severity=row.severity,
            why=row.why,
            file=path,
            line=last,
            message=row.message,
            function=name,
            related=tuple(Related(file=path, line=at, text=source.line(at).strip()[:300]) for at in others),
        )


def _outermost(source: Source, line: int) -> bool:
    """True when *line* is a return, a label or the end at the outermost level of its function.

    It is reached with a lock by a path that takes and ends the lock under one condition (``if (locked)``
    twice), which spatch, that does not compare conditions, believes in.
    """
    function = source.function_at(line)
    body = function.body if function else None
    for child in body.children if body else ():
        if child.start_point[0] < line <= child.end_point[0] + 1:
            return child.type in ("return_statement", "labeled_statement", "}")
    return False


def marked(lines: tuple[str, ...]) -> list[int]:
    """The lines (1-based) that a semantic patch marked with ``*``; spatch shows a diff that removes them."""
    found: list[int] = []
    at = left = 0
    for text in lines:
        match = _HUNK.match(text)
        if match:
            at, left = int(match[1]), int(match[2] or "1")
        elif left and text.startswith(("-", " ")):
            if text.startswith("-"):
                found.append(at)
            at += 1
            left -= 1
    return found


def touched_functions(states: States, path: str) -> frozenset[str]:
    """The names of the functions of *path* whose text is another at the end than before."""
    before, after = _texts(states[0].source(path)), _texts(states[states.last].source(path))
    return frozenset(name for name, text in after.items() if before.get(name) != text)


def _texts(source: Source | None) -> dict[str, tuple[str, ...]]:
    texts: dict[str, tuple[str, ...]] = {}
    for function in source.functions if source else ():
        texts[function.name] = (*texts.get(function.name, ()), source.text(function.node) if source else "")
    return texts


def only(source: Source, names: frozenset[str]) -> bytes:
    """The file with every function but *names* blanked; its lines stay where they are."""
    parts: list[bytes] = []
    last = 0
    for function in source.functions:
        node = function.node
        if function.name in names or node.start_byte < last:
            continue
        parts += [
            source.data[last : node.start_byte],
            b"\n" * source.data.count(b"\n", node.start_byte, node.end_byte),
        ]
        last = node.end_byte
    return b"".join([*parts, source.data[last:]])
