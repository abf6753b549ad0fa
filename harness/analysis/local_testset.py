# SPDX-License-Identifier: GPL-2.0-only
"""A flag tested and then set in two steps, where nothing in the function keeps others out."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from harness.analysis.local_file import File
from harness.analysis.local_locks import held
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, Call, kids, leaves, one_line, plain
from harness.analysis.model import Raw, Related

RULE = "check-then-set"


def find(body: Body, file: File) -> Iterator[Raw]:
    """Findings of ``check-then-set`` in one function."""
    names = file.names
    if any(call.name in names.tests_and_sets for call in body.calls):
        return
    called = {call.name for call in body.calls}
    for call in body.calls:
        wanted = {pair.test_of(call.name) for pair in names.flags} & called
        if not wanted:
            continue
        test = next((one for one in body.calls if one.name in wanted and _guards(body, one, call)), None)
        if test is None or held(body, call.node, names) or _fresh(body, call, names):
            continue
        subject = one_line(body.text(call.node))
        line = body.line(test.node)
        tested = one_line(body.text(test.node))
        yield Raw(
            rule=RULE,
            line=body.line(call.node),
            function=body.function.name,
            message=f"{subject} rests on {tested} of line {line}: two CPUs can pass the test",
            key=subject,
            related=(
                Related(file=body.source.path, line=line, text=one_line(body.source.line(line).strip())),
            ),
        )


def _guards(body: Body, test: Call, change: Call) -> bool:
    """True when *change* runs only because *test* said that the flag is not set."""
    same = [body.text(one) for one in test.arguments] == [body.text(one) for one in change.arguments]
    if not same or not test.arguments or test.node.start_byte >= change.node.start_byte:
        return False
    branch = next((one for one in body.above(test.node) if one.type == "if_statement"), None)
    condition = branch.child_by_field_name("condition") if branch is not None else None
    taken = branch.child_by_field_name("consequence") if branch is not None else None
    if branch is None or condition is None or taken is None or not _within(test.node, condition):
        return False
    if _denied(body, test.node, condition):
        return _within(change.node, taken) and not _alone(taken, change)
    return leaves(taken) and any(one.id == branch.id for one in body.before(change.node))


def _within(node: Node, whole: Node) -> bool:
    return whole.start_byte <= node.start_byte < whole.end_byte


def _alone(taken: Node, change: Call) -> bool:
    """True when the set is all that the branch does: then it does not matter who was the first."""
    inside = kids(taken) if taken.type == "compound_statement" else [taken]
    return len(inside) == 1 and inside[0].type == "expression_statement" and _within(change.node, inside[0])


def _denied(body: Body, node: Node, top: Node) -> bool:
    """True when an odd number of ``!`` stands between *node* and the whole condition."""
    count = 0
    for one in body.above(node):
        if one.id == top.id:
            break
        operator = one.child_by_field_name("operator") if one.type == "unary_expression" else None
        count += operator is not None and operator.type == "!"
    return bool(count % 2)


def _fresh(body: Body, change: Call, names: Names) -> bool:
    """True when the function itself has made the object: nobody else knows it yet."""
    text = body.text(change.arguments[-1])
    for one in body.of("assignment_expression", "init_declarator"):
        made = body.call(plain(one.child_by_field_name("right") or one.child_by_field_name("value")))
        target = one.child_by_field_name("left") or one.child_by_field_name("declarator")
        if made is not None and made.name in names.allocates and target is not None:
            name = body.text(target).lstrip("* ")
            if name and name in text:
                return True
    return False
