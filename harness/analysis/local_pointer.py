# SPDX-License-Identifier: GPL-2.0-only
"""Plain integers where the type, perhaps since this series, is a pointer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, kids, one_line, without_prose
from harness.analysis.model import Raw, Related
from harness.analysis.scope import Scope
from harness.analysis.source import Source

RULE = "plain-integer-pointer"
_ERRNO = re.compile(r"-\s*E[A-Z]\w*")
_LAST = re.compile(rb"[A-Za-z_]\w*\Z")
_DECLARES = re.compile(rb"[A-Za-z_][\w \t]*\**")
_LONGEST = 300


def find(body: Body, file: File) -> Iterator[Raw]:
    """Findings of ``plain-integer-pointer`` in one function."""
    told: set[str] = set()
    for node in _suspects(body, file):
        what = one_line(body.text(node))
        if what not in told:
            told.add(what)
            yield Raw(
                rule=RULE,
                line=body.line(node),
                function=body.function.name,
                message=f"{what.rstrip(';')}: the type is a pointer",
                key=what,
            )


def _suspects(body: Body, file: File) -> Iterator[Node]:
    pointers = body.pointers
    if _returns_pointer(body):
        for one in body.of("return_statement"):
            value = kids(one)
            if value and (body.text(value[0]) == "0" or _ERRNO.fullmatch(body.text(value[0]))):
                yield one
    for one in body.of("assignment_expression", "binary_expression"):
        left, right, operator = (one.child_by_field_name(part) for part in ("left", "right", "operator"))
        if left is None or right is None or operator is None or operator.type not in ("=", "==", "!="):
            continue
        if body.text(right) != "0":
            continue
        known = left.type == "identifier" and body.text(left) in pointers
        if known or (left.type == "field_expression" and _field_is_pointer(body, left, file)):
            yield one


def _returns_pointer(body: Body) -> bool:
    declarator = body.function.node.child_by_field_name("declarator")
    return declarator is not None and declarator.type == "pointer_declarator"


def _field_is_pointer(body: Body, left: Node, file: File) -> bool:
    base, field = left.child_by_field_name("argument"), left.child_by_field_name("field")
    struct = body.pointers.get(body.text(base), "")
    if not struct or field is None:
        return False
    return file.includes.field(struct, body.text(field)) == "pointer"


def users(source: Source, scope: Scope, names: Names) -> Iterator[Raw]:
    """Uses elsewhere of fields of this header that the series has made pointers of."""
    if scope.base is None or scope.base is source or not source.path.endswith(".h"):
        return
    before = {field: pointer for field, pointer, _line in _fields(scope.base)}
    for field, pointer, line in _fields(source):
        if pointer and before.get(field) is False:
            yield from _integer_uses(source, scope, names, field, line)


def _fields(source: Source) -> Iterator[tuple[str, bool, int]]:
    """Every field that stands alone on its line: name, whether it is a pointer, 1-based line."""
    for number, line in enumerate(without_prose(source.data).split(b"\n"), 1):
        bare = line.strip()
        if line[:1] not in b" \t" or not bare.endswith(b";") or len(bare) > _LONGEST:
            continue
        name = _LAST.search(bare[:-1].rstrip())
        before = bare[: name.start()].rstrip() if name is not None else b""
        if name is not None and before and not before[-1:].isdigit() and _DECLARES.fullmatch(before):
            yield name[0].decode(), before.endswith(b"*"), number


def _integer_uses(source: Source, scope: Scope, names: Names, field: str, line: int) -> Iterator[Raw]:
    use = re.compile(
        rb"(?:->|\.)"
        + re.escape(field.encode())
        + rb"[ \t]*(?:=[ \t]*[0-9]|[=!]=[ \t]*0\b|[|&]=|[|&][ \t]*~?\w)"
    )
    for path in names.field_users:
        data = scope.read(path)
        if data is None or field.encode() not in data:
            continue
        code = without_prose(data)
        for match in use.finditer(code):
            at = code.count(b"\n", 0, match.start()) + 1
            text = one_line(data.split(b"\n")[at - 1].decode("utf-8", "replace").strip())
            yield Raw(
                rule=RULE,
                line=line,
                function="",
                message=f"{one_line(field)} is a pointer now, but {path}:{at} uses it as an integer: {text}",
                key=f"{one_line(field)}:{path}:{text}",
                related=(Related(file=path, line=at, text=text),),
            )
