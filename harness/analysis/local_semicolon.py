# SPDX-License-Identifier: GPL-2.0-only
"""Semicolons that stand where none should: behind definitions, conditions and macro bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_syntax import Body, kids, one_line
from harness.analysis.model import Raw
from harness.analysis.scope import Scope

STRAY = "stray-semicolon"
EMPTY = "empty-body"
MACRO = "macro-semicolon"

_DEFINE = re.compile(
    rb"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)\n]*\))?((?:[^\n\\]|\\[^\n]|\\\n)*)", re.MULTILINE
)
_USE = re.compile(rb"^(\w+)[ \t]*\([^;{}()\n]*\)[ \t]*;[ \t]*$", re.MULTILINE)
_LONGEST = 1000
_ONE_CALL = re.compile(rb"\s*[a-z_]\w*\s*\([^;{}]*\)\s*;\s*")


def find(body: Body, _file: File) -> Iterator[Raw]:
    """Findings of ``empty-body`` in one function."""
    for one in body.of("if_statement", "for_statement", "while_statement"):
        part = one.child_by_field_name("consequence" if one.type == "if_statement" else "body")
        if part is None or body.text(part) != ";" or one.child_by_field_name("alternative") is not None:
            continue
        if body.source.data[part.start_byte : part.end_byte] != b";" or not _swallows(body, one, part):
            continue
        what = one_line(body.text(one))
        yield Raw(
            rule=EMPTY,
            line=body.line(one),
            function=body.function.name,
            message=f"{what} ends here: what stands behind it runs always",
            key=what,
        )


def _swallows(body: Body, statement: Node, part: Node) -> bool:
    """True when the semicolon ends the line of an if, or a block stands behind that of a loop.

    One with a comment before it (``if (x) /* nothing to do */ ;``) is meant.
    """
    before = part.prev_sibling or part
    if part.start_point[0] != before.end_point[0] or before.type == "comment":
        return False
    if statement.type == "if_statement":
        return True
    holder = body.parent(statement)
    after = (
        [one for one in kids(holder) if one.start_byte >= statement.end_byte] if holder is not None else []
    )
    return bool(after) and after[0].type == "compound_statement"


def in_file(file: File, scope: Scope) -> Iterator[Raw]:
    """Findings of ``stray-semicolon`` and ``macro-semicolon`` in a file."""
    whole = {macro.name for macro in file.macros if macro.is_function}
    for match in _USE.finditer(file.code):
        name = match[1].decode("utf-8", "replace")
        what = one_line(file.source.data[match.start() : match.end()].decode("utf-8", "replace"))
        line = file.line_at(match.start()) if name in whole or name.isupper() else 0
        if name in whole or (_is_new(file, scope, line, match[0]) and file.includes.makes_function(name)):
            yield Raw(
                rule=STRAY,
                line=line,
                function="",
                message=f"{what} has a semicolon, and {one_line(name)} is a whole function already",
                key=what,
            )
    for macro in file.macros:
        if len(macro.expansion) <= _LONGEST and _ONE_CALL.fullmatch(macro.expansion):
            yield Raw(
                rule=MACRO,
                line=macro.line,
                function="",
                message=f"the expansion of {one_line(macro.name)} ends with a semicolon",
                key=one_line(macro.name),
            )


def _is_new(file: File, scope: Scope, line: int, text: bytes) -> bool:
    """True for a line that the base has nowhere: only for it are macros looked up in other files."""
    if scope.base is file.source or line not in scope.changed_lines:
        return False
    return scope.base is None or text not in scope.base.data
