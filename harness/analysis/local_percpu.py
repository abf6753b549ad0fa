# SPDX-License-Identifier: GPL-2.0-only
"""Objects parked on per-CPU lists in a file that does not care for CPU hotplug."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.analysis.local_file import File
from harness.analysis.local_syntax import one_line
from harness.analysis.model import Raw

RULE = "per-cpu-hotplug"
_PER_CPU = re.compile(
    rb"^(?:static[ \t]+)?DEFINE_PER_CPU\w*\([ \t]*struct[ \t]+(\w+)[ \t]{0,9}(\*?)[ \t]{0,9}"
    rb"(?:\[[^\]\n]*\])?[ \t]{0,9},\s*(\w+)",
    re.MULTILINE,
)
# What a pointer has to point to, to be the head of a list; and an array of pointers.
_CHAIN = ("*next;",)
_ARRAY = re.compile(rb"\*\w+ ?\[")


def find(file: File) -> Iterator[Raw]:
    """Findings of ``per-cpu-hotplug`` in a file: one for each per-CPU variable."""
    code = file.code
    if b"DEFINE_PER_CPU" not in code or any(word.encode() in code for word in file.names.hotplug):
        return
    for match in _PER_CPU.finditer(code):
        queues = file.names.queues if not match[2] else _CHAIN
        if not _holds(code, match[1], queues) or not _served(file, match[3]):
            continue
        variable = one_line(match[3].decode("utf-8", "replace"))
        yield Raw(
            rule=RULE,
            line=file.line_at(match.start(3)),
            function="",
            message=f"what is queued on the per-CPU {variable} stays there when its CPU goes away",
            key=variable,
        )


def _holds(code: bytes, kind: bytes, queues: tuple[str, ...]) -> bool:
    """True when ``struct kind`` can hold queued objects, by itself or by its fields in this file."""
    if any(one.encode() == b"struct " + kind + b" " for one in queues):
        return True
    begin = re.search(rb"\bstruct[ \t]+" + re.escape(kind) + rb"[ \t\n]*\{", code)
    if begin is None:
        return False
    fields = re.sub(rb"[ \t\n]+", b" ", code[begin.end() : _close(code, begin.end())]).replace(b"* ", b"*")
    return any(one.encode() in fields for one in queues) or (
        queues is not _CHAIN and _ARRAY.search(fields) is not None
    )


def _close(code: bytes, start: int) -> int:
    end = code.find(b"\n}", start)
    return end if end >= 0 else len(code)


def _served(file: File, variable: bytes) -> bool:
    """True when functions use the variable, and none but one for init does so on every possible CPU."""
    word = re.compile(rb"\b" + re.escape(variable) + rb"\b")
    users = [one for one in file.source.functions if word.search(file.text_of(one))]
    every = [one for one in users if b"for_each_possible_cpu" in file.text_of(one) and "init" not in one.name]
    return bool(users) and not every
