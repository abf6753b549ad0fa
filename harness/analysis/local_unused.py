# SPDX-License-Identifier: GPL-2.0-only
"""Labels and local variables that are left over.

Names are counted in the real text of the function, every branch of its conditionals included, and a name
that a macro of the file mentions counts as used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_syntax import Body, kids, one_line, without_prose, words
from harness.analysis.model import Raw

LABEL = "unused-label"
VARIABLE = "unused-variable"
# Names of structures and of members: a variable of the same name is not used by them.
_NO_USE = re.compile(rb"\b(?:struct|union|enum)\s+\w+|(?:->|\.)\s*[A-Za-z_]\w*")


def find(body: Body, file: File) -> Iterator[Raw]:
    """Findings of ``unused-label`` and ``unused-variable`` in one function."""
    node = body.function.node
    counted = words(_NO_USE.sub(b" ", without_prose(body.source.data[node.start_byte : node.end_byte])))
    yield from _labels(body, counted, file)
    yield from _variables(body, counted, file)


def _labels(body: Body, counted: Counter[str], file: File) -> Iterator[Raw]:
    for one in body.of("labeled_statement"):
        label = one.child_by_field_name("label")
        name = body.text(label)
        if name and counted[name] == 1 and not file.in_macro(name):
            yield Raw(
                rule=LABEL,
                line=body.line(one),
                function=body.function.name,
                message=f"nothing jumps to the label {one_line(name)}",
                key=one_line(name),
            )


def _variables(body: Body, counted: Counter[str], file: File) -> Iterator[Raw]:
    for declaration in body.of("declaration"):
        if _excused(body, declaration, file.names.unused):
            continue
        for declarator in declaration.children_by_field_name("declarator"):
            name = _name(body, declarator)
            if not name or file.in_macro(name):
                continue
            written = body.written[name]
            if counted[name] == 1 or (written and counted[name] == 1 + written):
                state = (
                    "set but never read" if written or declarator.type == "init_declarator" else "never used"
                )
                yield Raw(
                    rule=VARIABLE,
                    line=body.line(declaration),
                    function=body.function.name,
                    message=f"the local variable {one_line(name)} is {state}",
                    key=one_line(name),
                )


def _excused(body: Body, declaration: Node, excuses: tuple[str, ...]) -> bool:
    specifiers = {body.source.text(one) for one in kids(declaration) if one.type == "storage_class_specifier"}
    first, last = body.line(declaration), declaration.end_point[0] + 1
    text = " ".join(body.source.line(number) for number in range(first, last + 1))
    return "extern" in specifiers or any(word in text for word in excuses) or "\\" in text


def _name(body: Body, declarator: Node) -> str:
    """The name of a plain variable, pointer or array; empty for a function's."""
    node: Node | None = declarator
    while node is not None and node.type != "identifier":
        if node.type == "function_declarator":
            return ""
        node = node.child_by_field_name("declarator")
    return body.text(node)
