# SPDX-License-Identifier: GPL-2.0-only
"""Names that a header uses and that neither it nor its includes declare.

Only what is sure is said: a name counts as declared as soon as any included file mentions it, and a
header with an include that cannot be followed is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_syntax import kids, one_line, walk, words
from harness.analysis.model import Raw
from harness.analysis.source import Function, Source

RULE = "header-alone"
_SHOWN = 6
_KINDS = {"struct_specifier": "struct", "union_specifier": "union", "enum_specifier": "enum"}
_DEFINE = re.compile(rb"^[ \t]*#[ \t]*define\b(?:[^\n\\]|\\[^\n]|\\\n)*", re.MULTILINE)
# A call in the body of a macro; what is pasted together there is no name yet.
_CALL = re.compile(rb"(?<![\w#])([a-z_]\w*)[ \t]*\(")
_KEYWORDS = frozenset(
    (b"if", b"for", b"while", b"switch", b"return", b"sizeof", b"typeof", b"__typeof__", b"do")
)
_BUILT_IN = ("__builtin_", "__compiletime", "__sync_", "__atomic_")


def find(file: File, base: Source | None, read: Callable[[str], bytes | None]) -> Iterator[Raw]:
    """A finding of ``header-alone``, with all the names that the base's header did not already lack."""
    lacking = missing(file)
    if lacking and base is not None and base is not file.source:
        known = {what for what, _line in missing(File(base, read, file.names))}
        lacking = [(what, line) for what, line in lacking if what not in known]
    if not lacking:
        return
    shown = ", ".join(what for what, _line in lacking[:_SHOWN])
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    yield Raw(
        rule=RULE,
        line=lacking[0][1],
        function="",
        message=f"neither this header nor what it includes declares {shown}{more}",
        key=one_line(",".join(sorted(what for what, _line in lacking))),
    )


def missing(file: File) -> list[tuple[str, int]]:
    """What the header needs and does not get, with the line of the first use; empty when that is not sure."""
    source = file.source
    if source.root.has_error or not file.includes.complete:
        return []
    found: dict[str, int] = {}
    for name, line in _incomplete(file):
        found.setdefault(one_line(name), line)
    outside = _outside(file)
    for name, line in _called(file):
        if name not in outside and name not in file.functions and not file.includes.knows(name):
            found.setdefault(one_line(f"{name}()"), line)
    return sorted(found.items(), key=lambda item: item[1])


def _incomplete(file: File) -> Iterator[tuple[str, int]]:
    """Structures, unions and enums that have to be defined here and are not, with the line."""
    source = file.source
    for node, parent in walk(source.root):
        kind = _KINDS.get(node.type, "")
        named = node.child_by_field_name("name")
        if kind and named is not None and _needs_whole(node, parent):
            name = source.text(named)
            if not file.includes.defines(kind, name):
                yield f"{kind} {name}", source.line_of(node)
    for function in source.functions:
        yield from _followed(file, function)


def _outside(file: File) -> frozenset[str]:
    """The names in the header's own text outside function bodies, and the macros that it defines."""
    text = bytearray(file.code)
    for function in file.source.functions:
        body = function.body
        if body is not None:
            text[body.start_byte : body.end_byte] = b" " * (body.end_byte - body.start_byte)
    bare = _DEFINE.sub(b" ", bytes(text))
    return frozenset(words(bare)) | {macro.name for macro in file.macros}


def _called(file: File) -> Iterator[tuple[str, int]]:
    """What function bodies call, and the bodies that the header's own macros are put to use for."""
    for function in file.source.functions:
        body = file.body(function)
        for call in body.calls:
            if call.name not in body.parameters and not call.name.startswith(_BUILT_IN):
                yield call.name, body.line(call.node)
    for macro in file.macros:
        if macro.is_function and len(
            re.findall(rb"^" + macro.name.encode() + rb"[ \t]*\(", file.code, re.MULTILINE)
        ):
            for name in _CALL.findall(macro.expansion.partition(b"{")[2]):
                if name not in _KEYWORDS:
                    yield name.decode("utf-8", "replace"), macro.line


def _needs_whole(node: Node, parent: Node | None) -> bool:
    """True for a structure held by value and for an enum passed or returned by a function with a body."""
    if parent is None or node.child_by_field_name("body") is not None:
        return False
    if parent.type == "field_declaration":
        declarator = parent.child_by_field_name("declarator")
        return declarator is not None and declarator.type in ("field_identifier", "array_declarator")
    if parent.type == "function_definition":
        declarator = parent.child_by_field_name("declarator")
        return declarator is not None and declarator.type == "function_declarator"
    return False


def _followed(file: File, function: Function) -> Iterator[tuple[str, int]]:
    """Structures whose fields the function reads and that are nowhere defined."""
    body = file.body(function)
    kinds: dict[str, str] = {}
    for one in body.of("parameter_declaration", "declaration"):
        kind = one.child_by_field_name("type")
        named = (
            kind.child_by_field_name("name") if kind is not None and kind.type == "struct_specifier" else None
        )
        for declarator in one.children_by_field_name("declarator"):
            inner = next(iter(kids(declarator)), None) if declarator.type == "pointer_declarator" else None
            if named is not None and inner is not None and inner.type == "identifier":
                kinds[body.text(inner)] = body.text(named)
    for one in body.of("field_expression"):
        struct = kinds.get(body.text(one.child_by_field_name("argument")), "")
        if struct and not file.includes.defines("struct", struct):
            yield f"struct {struct}", body.line(one)
