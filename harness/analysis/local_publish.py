# SPDX-License-Identifier: GPL-2.0-only
"""An object that the function has just made, published to lockless readers before it is complete."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_locks import held
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, Call, one_line, plain, walk
from harness.analysis.model import Raw, Related

RULE = "published-early"


def find(body: Body, file: File) -> Iterator[Raw]:
    """Findings of ``published-early`` in one function: at most one for each object."""
    names = file.names
    fresh = _made(body, names)
    if not fresh:
        return
    told: set[str] = set()
    for node, name in _publications(body, file):
        if name not in fresh or name in told or held(body, node, names):
            continue
        late = _written(body, node, name, file)
        if late is not None:
            told.add(name)
            yield _raw(body, node, name, late)


def _publications(body: Body, file: File) -> Iterator[tuple[Node, str]]:
    """Where a local's object is made visible, in the order of the file."""
    places = [(call.node, _published(body, call, file)) for call in body.calls]
    if "init" not in body.function.name and "__init" not in body.source.line(body.function.first):
        places += [(one, _shared(body, one, file)) for one in body.of("assignment_expression")]
    yield from sorted(((node, name) for node, name in places if name), key=lambda place: place[0].start_byte)


def _shared(body: Body, node: Node, file: File) -> str:
    """The local that an assignment hands to a pointer of the whole file; or empty."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or left.type != "identifier" or right.type != "identifier":
        return ""
    return body.text(right) if body.text(left) in file.pointers else ""


def _raw(body: Body, node: Node, name: str, late: Node) -> Raw:
    line = body.line(node)
    what = one_line(body.text(late))
    return Raw(
        rule=RULE,
        line=line,
        function=body.function.name,
        message=f"{one_line(body.text(node))} publishes {name} before {what} of line {body.line(late)}",
        key=one_line(f"{name}:{body.text(node)}:{what}"),
        related=(Related(file=body.source.path, line=body.line(late), text=what),),
    )


def _made(body: Body, names: Names) -> set[str]:
    """Locals that hold what an allocator has given."""
    found = set()
    for one in body.of("assignment_expression", "init_declarator"):
        call = body.call(plain(one.child_by_field_name("right") or one.child_by_field_name("value")))
        target = one.child_by_field_name("left") or one.child_by_field_name("declarator")
        if call is not None and target is not None and call.name in names.allocates:
            found.add(body.text(target).lstrip("* "))
    return found


def _published(body: Body, call: Call, file: File) -> str:
    """The local whose object *call* publishes, by itself or through a function of this file; or empty."""
    place = file.names.publishes.get(call.name)
    if place is None:
        place = _wrapper(file, call.name)
    if place is None or place >= len(call.arguments):
        return ""
    return _object(body, call.arguments[place])


def _object(body: Body, node: Node) -> str:
    """``x`` of ``x`` and of ``&x->member``."""
    bare = plain(node)
    while bare is not None and bare.type in ("pointer_expression", "field_expression"):
        bare = plain(bare.child_by_field_name("argument"))
    return body.text(bare) if bare is not None and bare.type == "identifier" else ""


def _wrapper(file: File, name: str) -> int | None:
    """Which parameter the function *name* of this file publishes; None when none, or no such function."""
    for inner in _bodies(file, name):
        for call in inner.calls:
            place = file.names.publishes.get(call.name)
            if place is not None and place < len(call.arguments):
                given = _object(inner, call.arguments[place])
                if given in inner.parameters:
                    return inner.parameters.index(given)
    return None


_SMALL = 40


def _bodies(file: File, name: str) -> list[Body]:
    return [file.body(one) for one in file.functions.get(name, ()) if one.last - one.first < _SMALL]


def _written(body: Body, call: Node, name: str, file: File) -> Node | None:
    """The first write to a field of *name* behind *call*, on straight lines, while *name* is the same."""
    for statement in body.after(call):
        for node, _parent in walk(statement):
            if node.type == "assignment_expression":
                left = node.child_by_field_name("left")
                if left is not None and left.type == "identifier" and body.text(left) == name:
                    return None
                if left is not None and left.type == "field_expression" and _field_of(body, left, name):
                    return node
            inner = body.calls_by_node.get(node.id)
            if inner is not None and _initialises(body, inner, name, file):
                return node
    return None


def _field_of(body: Body, left: Node, name: str) -> bool:
    return body.text(plain(left.child_by_field_name("argument"))) == name


def _initialises(body: Body, call: Call, name: str, file: File) -> bool:
    place = file.names.initialises.get(call.name)
    if place is not None:
        return place < len(call.arguments) and _member(body, call.arguments[place], name)
    given = [at for at, one in enumerate(call.arguments) if body.text(plain(one)) == name]
    return bool(given) and any(
        _fills(inner, at, file.names) for inner in _bodies(file, call.name) for at in given
    )


def _member(body: Body, node: Node, name: str) -> bool:
    """True for ``&name->member``."""
    bare = plain(node)
    return bare is not None and bare.type == "pointer_expression" and _object(body, bare) == name


def _fills(inner: Body, place: int, names: Names) -> bool:
    """True when the function writes its parameter number *place*: fields, or list links, of its own."""
    if place >= len(inner.parameters) or not inner.parameters[place]:
        return False
    name = inner.parameters[place]
    lefts = (one.child_by_field_name("left") for one in inner.of("assignment_expression"))
    if any(
        left is not None and left.type == "field_expression" and _field_of(inner, left, name)
        for left in lefts
    ):
        return True
    known = ((one, names.initialises.get(one.name)) for one in inner.calls)
    return any(
        at is not None and at < len(one.arguments) and _member(inner, one.arguments[at], name)
        for one, at in known
    )
