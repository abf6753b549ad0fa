# SPDX-License-Identifier: GPL-2.0-only
"""Policy as data: YAML tables checked against a type, errors with file, line and the nearest known key."""

from __future__ import annotations

import difflib
import re
import threading
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from harness.errors import UserError

T = TypeVar("T")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\[(\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_LIMIT = 1 << 20
# msgspec 0.22 works out a struct's types at its first use and leaves the half-made result where a
# second thread finds it: a NULL pointer is followed. Cells load tables side by side.
_FIRST_SIGHT = threading.Lock()


def load(path: Path, kind: type[T]) -> T:
    """Read the YAML file at *path* as a *kind* (a msgspec.Struct that forbids unknown fields).

    Raises UserError "PATH:LINE: what is wrong; the mend" for a file that is missing, not
    YAML, has a key twice, a key that is not known, or a value of the wrong type.
    """
    try:
        if path.stat().st_size > _LIMIT:
            raise UserError(f"{path}: larger than {_LIMIT} bytes; a table is not that large")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_twice(path, root)
        value = yaml.SafeLoader("").construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path}:1: not YAML: {' '.join(str(error).split())}") from error
    try:
        with _FIRST_SIGHT:
            return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise UserError(_explain(path, root, str(error), kind)) from error


def _explain(path: Path, root: yaml.Node | None, message: str, kind: type[Any]) -> str:
    """msgspec's "what - at `$.a[0].b`" as "PATH:LINE: what in a[0].b"."""
    what, _, where = message.partition(" - at `")
    where = where.rstrip("`").removeprefix("key in ") or "$"
    node = root
    for name, index, _any in _STEP.findall(where):
        node = _child(node, name, int(index) if index else None) or node
    unknown = _UNKNOWN.search(what)
    if unknown:
        key = unknown.group(1)
        line = _line(_key_node(node, key) or node)
        return f"{path}:{line}: unknown key {key!r}; {_mend(kind, key)}"
    inside = where.removeprefix("$").lstrip(".")
    return f"{path}:{_line(node)}: {what[:1].lower()}{what[1:]}" + (f", in {inside}" if inside else "")


def _mend(kind: type[Any], key: str) -> str:
    """What *key*, which is not known where it stands, may have been meant to be."""
    known = sorted(_fields(kind))
    if key in known:
        homes = (field.encode_name for field in msgspec.structs.fields(kind) if key in _fields(field.type))
        home = next(homes, "")
        return f"it belongs below {home!r}" if home else "it belongs at the top"
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _refuse_twice(path: Path, node: yaml.Node | None) -> None:
    """PyYAML lets the later of two equal keys win; a table in which that happens is a mistake."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise UserError(f"{path}:{_line(key)}: key {key.value!r} is given twice; keep one")
            seen.add(str(key.value))
            _refuse_twice(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_twice(path, item)


def _line(node: yaml.Node | None) -> int:
    return node.start_mark.line + 1 if node is not None else 1


def _key_node(node: yaml.Node | None, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((key for key, _value in pairs if key.value == name), None)


def _child(node: yaml.Node | None, name: str, index: int | None) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == name), None)
    if isinstance(node, yaml.SequenceNode) and index is not None and index < len(node.value):
        item: yaml.Node = node.value[index]
        return item
    return None


def _fields(kind: Any, seen: frozenset[Any] = frozenset()) -> set[str]:
    """The names of all fields that a table of *kind* may hold, at any depth."""
    names: set[str] = set()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind in seen:
            return names
        for field in msgspec.structs.fields(kind):
            names.add(field.encode_name)
            names |= _fields(field.type, seen | {kind})
    for inner in getattr(kind, "__args__", ()):
        names |= _fields(inner, seen)
    return names
