# SPDX-License-Identifier: GPL-2.0-only
"""The rules that look at statements and files, not at paths, with the names that are shipped."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis import (
    header_alone,
    header_define,
    local_assertion,
    local_callback,
    local_constant,
    local_names,
    local_percpu,
    local_pointer,
    local_publish,
    local_result,
    local_semicolon,
    local_testset,
    local_unused,
)
from harness.analysis.local_file import File
from harness.analysis.model import Raw
from harness.analysis.scope import Rule, Scope
from harness.analysis.source import Source


def in_functions(source: Source, scope: Scope) -> Iterator[Raw]:
    """What is found inside each function of the scope that the parser could read."""
    file = File(source, scope.read, local_names.shipped())
    for function in source.functions:
        if function.name not in scope.functions or function.broken:
            continue
        body = file.body(function)
        if len(body.nodes) > _LARGEST:
            continue
        for find in _EACH:
            yield from find(body, file)
        yield from local_assertion.find(body, file, scope.base)


# Nodes; some thirty times the largest function of a kernel. More is made to keep us busy.
_LARGEST = 100_000
_EACH = (
    local_constant.find,
    local_testset.find,
    local_publish.find,
    local_result.find,
    local_pointer.find,
    local_semicolon.find,
    local_unused.find,
)


def in_files(source: Source, scope: Scope) -> Iterator[Raw]:
    """What is found in the file as a whole."""
    file = File(source, scope.read, local_names.shipped())
    yield from local_callback.find(file)
    yield from local_percpu.find(file)
    yield from local_semicolon.in_file(file, scope)
    yield from local_result.callers(file, scope.base, scope.functions)
    yield from local_pointer.users(source, scope, file.names)


def in_headers(source: Source, scope: Scope) -> Iterator[Raw]:
    """What is found in a header."""
    if not source.path.endswith(".h"):
        return
    file = File(source, scope.read, local_names.shipped())
    yield from header_define.find(file)
    yield from header_alone.find(file, scope.base, scope.read)


LOCAL_RULES = (
    Rule(
        ids=(
            local_constant.CONSTANT,
            local_constant.REPEATED,
            local_testset.RULE,
            local_publish.RULE,
            local_result.RULE,
            local_pointer.RULE,
            local_semicolon.EMPTY,
            local_unused.LABEL,
            local_unused.VARIABLE,
            local_assertion.GONE,
            local_assertion.ONLY,
        ),
        find=in_functions,
    ),
    Rule(
        ids=(
            local_callback.RULE,
            local_percpu.RULE,
            local_semicolon.STRAY,
            local_semicolon.MACRO,
            local_result.RULE,
            local_pointer.RULE,
        ),
        find=in_files,
    ),
    Rule(
        ids=(header_define.LINKED, header_define.STATIC, header_define.GUARD, header_alone.RULE),
        find=in_headers,
    ),
)
