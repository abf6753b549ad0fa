# SPDX-License-Identifier: GPL-2.0-only
"""What a header defines that a header must not, or not without a guard."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_syntax import one_line
from harness.analysis.model import Raw
from harness.analysis.source import Function, Source

LINKED = "header-function"
STATIC = "header-static"
GUARD = "header-guard"

_GUARD = re.compile(
    rb"\s*#[ \t]*(?:pragma[ \t]+once"
    rb"|ifndef[ \t]+(\w+)|if[ \t]{1,9}!?[ \t]{0,9}defined[ \t]{0,9}\(?[ \t]{0,9}(\w+))"
)
_DEFINES = re.compile(
    rb"^(?:struct|union|enum)\s+\w+\s*\{|^typedef\s+(?:struct|union|enum)\b[^;{}]{0,200}\{", re.MULTILINE
)
_TEMPLATE = re.compile(rb"^[ \t]*#[ \t]*undef\b|TRACE_HEADER_MULTI_READ", re.MULTILINE)


def find(file: File) -> Iterator[Raw]:
    """Findings of ``header-function``, ``header-static`` and ``header-guard`` in a header."""
    for function in file.source.functions:
        yield from _function(file, function)
    yield from _guard(file)


def _function(file: File, function: Function) -> Iterator[Raw]:
    source, node = file.source, function.node
    declarator = node.child_by_field_name("declarator")
    head = source.data[_head(source, node) : declarator.end_byte if declarator is not None else node.end_byte]
    words = set(re.findall(r"\w+", head.decode("utf-8", "replace")))
    if (
        function.broken
        or any("inline" in word for word in words)
        or words & {"extern", "__weak", *file.names.unused}
    ):
        return
    if not words & {"static"} and _macro_made(head):
        return
    static = "static" in words
    name = one_line(function.name)
    how = "static but not inline" if static else "neither static nor inline"
    yield Raw(
        rule=STATIC if static else LINKED,
        line=source.line_of(declarator or node),
        function=function.name,
        message=f"{name} is defined in a header and is {how}",
        key=name,
    )


def _head(source: Source, node: Node) -> int:
    """Where the definition begins, with the words that the parser was not shown."""
    number = source.line_of(node)
    while _goes_on(source.line(number - 1)):
        number -= 1
    behind = source.data.rfind(b"\n", 0, node.start_byte)
    for _line in range(source.line_of(node) - number):
        behind = source.data.rfind(b"\n", 0, behind)
    return behind + 1


def _goes_on(line: str) -> bool:
    """True for a line before a definition that can only be part of it: ``static inline`` by itself."""
    bare = line.strip()
    return bool(bare) and not bare.startswith(("#", "//", "*")) and bare[-1] not in ";}/\\):"


def _macro_made(head: bytes) -> bool:
    """True when upper-case words stand before the name: a macro may say static inline."""
    return re.search(rb"\b_*[A-Z][A-Z0-9_]{3,}\b", head) is not None


def _guard(file: File) -> Iterator[Raw]:
    code = file.code
    if _TEMPLATE.search(code) or not (_DEFINES.search(code) or file.source.functions):
        return
    guard = _GUARD.match(code)
    if guard is not None:
        symbol = guard[1] or guard[2]
        if symbol is None or re.search(rb"#[ \t]*define[ \t]+" + re.escape(symbol) + rb"\b", code):
            return
    yield Raw(
        rule=GUARD,
        line=1,
        function="",
        message="no include guard, and what it defines cannot be defined twice",
        key="guard",
    )
