# SPDX-License-Identifier: GPL-2.0-only
"""What one patch does to the functions and structures of one file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping

import tree_sitter

from harness.analysis.lines import Changed
from harness.analysis.model import StructureChange
from harness.analysis.source import Function, Source

_KINDS = {"struct_specifier": "struct", "union_specifier": "union", "enum_specifier": "enum"}
_LONGEST = 300

Touched = Mapping[str, tuple[str, Function]]
"""by name: ``added``, ``removed`` or ``changed``, and the function (before the patch, if removed)"""


def functions_touched(before: Source | None, after: Source | None, lines: Changed) -> Touched:
    """The functions that a patch adds, removes or changes; one defined twice counts as one."""
    old = _by_name(before)
    new = _by_name(after)
    touched: dict[str, tuple[str, Function]] = {}
    for name, function in new.items():
        if name not in old:
            touched[name] = ("added", function)
    for name, function in old.items():
        if name not in new:
            touched[name] = ("removed", function)
    for function, changed in _over(before, lines.removed, after, lines.added):
        if changed and function.name not in touched:
            touched[function.name] = ("changed", new[function.name])
    return touched


def _by_name(source: Source | None) -> dict[str, Function]:
    return {function.name: function for function in reversed(source.functions)} if source else {}


def _over(
    before: Source | None, removed: frozenset[int], after: Source | None, added: frozenset[int]
) -> Iterator[tuple[Function, bool]]:
    for source, numbers in ((after, added), (before, removed)):
        ordered = sorted(numbers)
        for function in source.functions if source else ():
            at = bisect_left(ordered, function.first)
            yield function, at < len(ordered) and ordered[at] <= function.last


def structures_changed(
    patch: int, path: str, before: Source | None, after: Source | None
) -> Iterator[StructureChange]:
    """The structures, unions and enumerations whose fields a patch changes."""
    old = structures(before) if before else {}
    new = structures(after) if after else {}
    for name in [*new, *(name for name in old if name not in new)]:
        line_old, fields_old = old.get(name, (0, {}))
        line_new, fields_new = new.get(name, (0, {}))
        if name in old and name in new and fields_old == fields_new:
            continue
        yield StructureChange(
            patch=patch,
            file=path,
            name=name[:_LONGEST],
            change="added" if name not in old else "removed" if name not in new else "changed",
            line=line_new or line_old,
            fields_added=tuple(field for field in fields_new if field not in fields_old),
            fields_removed=tuple(field for field in fields_old if field not in fields_new),
            fields_changed=tuple(
                field for field, kind in fields_new.items() if fields_old.get(field, kind) != kind
            ),
        )


def structures(source: Source) -> dict[str, tuple[int, dict[str, str]]]:
    """Each named structure defined outside functions: its line, and the type of each field in order."""
    found: dict[str, tuple[int, dict[str, str]]] = {}
    pending = [source.root]
    while pending:
        node = pending.pop()
        name = node.child_by_field_name("name") if node.type in _KINDS else None
        body = node.child_by_field_name("body") if node.type in _KINDS else None
        if name is not None and body is not None:
            line = source.line_of(node)
            found.setdefault(f"{_KINDS[node.type]} {source.text(name)}", (line, _fields(source, body)))
        if node.type != "compound_statement":
            pending.extend(reversed(node.children))
    return found


def _fields(source: Source, body: tree_sitter.Node) -> dict[str, str]:
    """By field, its type as text: the declaration without the field's name. Anonymous members count."""
    fields: dict[str, str] = {}
    pending = [body]
    while pending:
        node = pending.pop()
        if node.type == "enumerator":
            value = node.child_by_field_name("value")
            name = node.child_by_field_name("name")
            if name is not None:
                fields[source.text(name)[:_LONGEST]] = source.text(value) if value is not None else ""
        elif node.type == "field_declaration" and node.children_by_field_name("declarator"):
            fields |= _declared(source, node)
        else:
            pending.extend(reversed(node.children))
    return fields


def _declared(source: Source, node: tree_sitter.Node) -> dict[str, str]:
    kind = node.child_by_field_name("type")
    text = " ".join(source.text(kind).split()) if kind is not None else ""
    fields: dict[str, str] = {}
    for declarator in node.children_by_field_name("declarator"):
        name = _name(declarator)
        if name is not None:
            start, end = name.start_byte - declarator.start_byte, name.end_byte - declarator.start_byte
            whole = source.data[declarator.start_byte : declarator.end_byte]
            shape = b" ".join((whole[:start] + whole[end:]).split()).decode("utf-8", "replace")
            fields[source.text(name)[:_LONGEST]] = f"{text} {shape}".strip()
    return fields


def _name(declarator: tree_sitter.Node) -> tree_sitter.Node | None:
    pending = [declarator]
    while pending:
        node = pending.pop(0)
        if node.type == "field_identifier":
            return node
        pending.extend(node.children)
    return None
