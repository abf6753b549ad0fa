# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for readers where the callbacks of call_rcu are to be waited for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.analysis.local_file import File
from harness.analysis.local_locks import passed
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import Body, Call, one_line
from harness.analysis.model import Raw, Related
from harness.analysis.source import Function

RULE = "call-rcu-barrier"
_WORD = re.compile(r"[A-Za-z_]\w*")
# How far a function may be from the call_rcu that it leads to: drain → per-CPU worker → queueing.
_STEPS = 2


def find(file: File) -> Iterator[Raw]:
    """Findings of ``call-rcu-barrier`` in a file."""
    names, source = file.names, file.source
    mentioned = set(_WORD.findall(file.code.decode("utf-8", "replace")))
    if not (names.queues_callback & mentioned and names.waits_for_readers & mentioned):
        return
    words = {one: _words(file, one) for one in source.functions}
    queueing = _queueing(words, names)
    for function, used in words.items():
        if used & names.waits_for_readers and not used & names.waits_for_callbacks:
            yield from _waits(file.body(function), queueing, names)


def _words(file: File, function: Function) -> frozenset[str]:
    return frozenset(_WORD.findall(file.text_of(function).decode("utf-8", "replace"))) - {function.name}


def _queueing(words: dict[Function, frozenset[str]], names: Names) -> frozenset[str]:
    """Functions that queue a callback, or name one that does, within a few steps."""
    found = frozenset(one.name for one, used in words.items() if used & names.queues_callback)
    for _step in range(_STEPS - 1):
        found |= frozenset(one.name for one, used in words.items() if used & found)
    return found


def _waits(body: Body, queueing: frozenset[str], names: Names) -> Iterator[Raw]:
    for wait in (call for call in body.calls if call.name in names.waits_for_readers):
        cause = _queued_before(body, wait, queueing, names) or _torn_down(body, wait, names)
        if cause is not None:
            line = body.line(cause.node)
            what = one_line(body.text(cause.node))
            yield Raw(
                rule=RULE,
                line=body.line(wait.node),
                function=body.function.name,
                message=f"{wait.name} does not wait for RCU callbacks ({what}); rcu_barrier does",
                key=f"{wait.name}:{cause.name}",
                related=(Related(file=body.source.path, line=line, text=what),),
            )
            return


def _queued_before(body: Body, wait: Call, queueing: frozenset[str], names: Names) -> Call | None:
    """A call that has run before *wait* and queues callbacks, or is handed a function that does."""
    for call in passed(body, wait.node):
        given = {body.text(one).lstrip("&") for one in call.arguments}
        if call.name in names.queues_callback | queueing or given & queueing:
            return call
    return None


def _torn_down(body: Body, wait: Call, names: Names) -> Call | None:
    """What is taken away right behind *wait* although callbacks of this file may still need it."""
    later = (call for call in body.calls if call.node.start_byte > wait.node.start_byte)
    return next((call for call in later if call.name in names.tears_down), None)
