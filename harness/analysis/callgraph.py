# SPDX-License-Identifier: GPL-2.0-only
"""Who calls whom in a kernel tree, read from the text: names followed by a parenthesis in function bodies.

Lexical, so that a tree is gone through in seconds: calls inside macros and through pointers are not
seen, but a function that is stored in a pointer, and a static one of the same file that is handed over
as an argument (call_rcu), count as called there. Functions are told from the first column, as the
kernel's coding style has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_CALL = re.compile(rb"\b[A-Za-z_]\w{0,79}(?=\()")
_HANDED = re.compile(rb"\b[A-Za-z_]\w{0,79}(?=[,)])")
_STORED = re.compile(rb"=[ \t]{0,4}&?([A-Za-z]\w{0,60}_\w{1,60})(?=[,;])")
_SYSCALL = re.compile(rb"(COMPAT_)?SYSCALL(?:32)?_DEFINE[0-9]\(\s?(\w{1,80})")
_HEAD = 1500
_KEYWORDS = frozenset(
    {
        b"if",
        b"for",
        b"while",
        b"switch",
        b"return",
        b"sizeof",
        b"typeof",
        b"__typeof__",
        b"defined",
        b"likely",
        b"unlikely",
    }
)
_ATTRIBUTES = frozenset(
    {b"__printf", b"__scanf", b"__attribute__", b"__acquires", b"__releases", b"__must_hold", b"__section"}
)


class Definition(msgspec.Struct, frozen=True, array_like=True):
    """One function: its name, whether only its own file can call it, and what it calls."""

    name: str
    static: bool
    calls: tuple[str, ...]
    handed: tuple[str, ...]
    """names that it hands over as arguments: of functions, or of anything else"""
    stored: tuple[str, ...]
    """names that it assigns, to a function pointer or to anything else"""


Node = tuple[str, str]
"""a function: its name, and its file if it is static there, else an empty text"""


def definitions(data: bytes, path: str) -> tuple[Definition, ...]:
    """The functions of the file *path*."""
    code = _COMMENT.sub(b" ", data)
    found: list[Definition] = []
    at = 0
    while (opening := code.find(b"\n{", at)) >= 0:
        closing = code.find(b"\n}", opening)
        closing = len(code) if closing < 0 else closing
        one = _definition(code[max(at, opening - _HEAD) : opening], code[opening:closing], path)
        found += [one] if one else []
        at = closing + 1
    return tuple(found)


def _definition(before: bytes, body: bytes, path: str) -> Definition | None:
    """What stands between the end of the statement before and the body is the head."""
    start = max(before.rfind(b";"), before.rfind(b"\n}"), before.rfind(b"\n\n"), _directive(before))
    head = before[start + 1 :].replace(b"\n}", b"\n")
    syscall = _SYSCALL.search(head)
    called = next((one for one in _CALL.finditer(head) if one[0] not in _ATTRIBUTES), None)
    if syscall:
        name = f"{'compat_' if syscall[1] else ''}sys_{syscall[2].decode()}"
    elif called and b"=" not in head:
        name = called[0].decode()
    else:
        return None
    static = b"static" in head and path.endswith(".c")
    calls = {call.decode() for call in set(_CALL.findall(body)) - _KEYWORDS}
    handed = {word.decode() for word in set(_HANDED.findall(body))}
    stored = {word.decode() for word in set(_STORED.findall(body))}
    return Definition(name, static, tuple(sorted(calls)), tuple(sorted(handed)), tuple(sorted(stored)))


def _directive(before: bytes) -> int:
    """The end of the last preprocessor line in *before*, with the lines that continue it."""
    start = before.rfind(b"\n#")
    if start < 0 and not before.startswith(b"#"):
        return -1
    end = before.find(b"\n", start + 1)
    while end > 0 and before[end - 1 : end] == b"\\":
        end = before.find(b"\n", end + 1)
    return end - 1 if end > 0 else len(before)


class CallGraph:
    """The callers of each function."""

    def __init__(self, files: Mapping[str, Iterable[Definition]]) -> None:
        self._callers: dict[Node, list[Node]] = {}
        self._own: dict[str, set[str]] = {}
        self._all: set[Node] = set()
        for path, functions in files.items():
            self._own[path] = {one.name for one in functions if one.static}
            self._all |= {self.node(path, one.name) for one in functions}
        for path, functions in files.items():
            own = self._own[path]
            for one in functions:
                caller = self.node(path, one.name)
                for name in sorted({*one.calls, *own.intersection(one.handed), *one.stored}):
                    callee = (name, path if name in own else "")
                    if callee in self._all:
                        self._callers.setdefault(callee, []).append(caller)

    def node(self, path: str, name: str) -> Node:
        """The function *name* as the file *path* knows it."""
        return (name, path if name in self._own.get(path, ()) else "")

    def callers(self, node: Node) -> list[Node]:
        """The functions that call *node*, by file and name."""
        return self._callers.get(node, [])
