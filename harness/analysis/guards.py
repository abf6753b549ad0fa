# SPDX-License-Identifier: GPL-2.0-only
"""The config symbols that decide whether a line of a file is compiled.

Three things guard a line: the Makefile's ``obj-$(CONFIG_X) += file.o``
(Documentation/kbuild/makefiles.rst), the conditionals around it, and ``if (IS_ENABLED(CONFIG_X))``.
A guard is ``CONFIG_X``, ``!CONFIG_X`` (must be unset), or ``CONFIG_X or CONFIG_Y``.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

import tree_sitter

from harness.analysis.source import Function, Source

_DIRECTIVE = re.compile(
    rb"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b((?:[^\n\\]|\\[^\n]|\\\n)*)", re.MULTILINE
)
_COMMENT = re.compile(r"/\*.{0,500}?(?:\*/|\Z)|//.*", re.DOTALL)
_TERM = re.compile(
    r"\(*\s*(!?)\s*(?:defined\s*\(?|IS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)\s*\()?\s*(CONFIG_\w{1,80})\s*\)*"
)
_SYMBOL = re.compile(r"CONFIG_\w{1,80}")
_ENABLED = re.compile(r"(!?)\s*IS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)\s*\(\s*(CONFIG_\w{1,80})\s*\)")
_ASSIGNED = re.compile(
    r"^[ \t]*([\w.-]{1,80}?)-(y|m|objs|\$\((CONFIG_\w{1,80})\))[ \t]*[:+]?=([^\n]{0,8000})", re.MULTILINE
)
_CONTINUED = re.compile(r"\\\n")
_LONGEST = 300
_TERMS = 8
_DEEP = 40
_BRANCHES = 8
_MAKEFILE = 1 << 20

Guards = tuple[str, ...]


class Conditionals:
    """The conditionals of one file: what must be set for a line to be compiled."""

    def __init__(self, data: bytes) -> None:
        self._from: list[int] = [1]
        self._guards: list[Guards] = [()]
        nest: list[_Branches] = []
        line, last = 1, 0
        for directive in _DIRECTIVE.finditer(data):
            line += data.count(b"\n", last, directive.start())
            last = directive.start()
            _step(nest, directive[1], directive[2].decode("utf-8", "replace"))
            self._from.append(line + 1)
            self._guards.append(tuple(_once(guard for branch in nest[:_DEEP] for guard in branch.guards)))

    def at(self, lines: Iterable[int]) -> Guards:
        """The guards of all of *lines* (1-based), each once."""
        places = {bisect_right(self._from, line) - 1 for line in lines}
        return tuple(_once(guard for place in sorted(places) for guard in self._guards[place]))


class _Branches:
    """One open ``#if``: what the branches so far asked for, and what the present one needs."""

    def __init__(self, wanted: Guards) -> None:
        self.guards = wanted
        self._before = [wanted]

    def next(self, wanted: Guards) -> None:
        self.guards = (*(_not(before) for before in self._before if before), *wanted)
        if len(self._before) < _BRANCHES:
            self._before.append(wanted)


def _step(nest: list[_Branches], word: bytes, rest: str) -> None:
    if word in (b"if", b"ifdef", b"ifndef"):
        wanted = _condition(rest) if word == b"if" else _plain(rest, unset=word == b"ifndef")
        nest.append(_Branches(wanted))
    elif nest and word == b"elif":
        nest[-1].next(_condition(rest))
    elif nest and word == b"else":
        nest[-1].next(())
    elif nest:
        nest.pop()


def _plain(text: str, *, unset: bool) -> Guards:
    symbol = _SYMBOL.match(text.strip())
    return (("!" if unset else "") + symbol[0],) if symbol else ()


def _condition(text: str) -> Guards:
    """``defined(A) && !B`` as its terms; alternatives as one guard, ``A or B``."""
    text = " ".join(_COMMENT.sub(" ", text[:4000].replace("\\\n", " ")).split())
    if "CONFIG_" not in text:
        return ()
    if "||" not in text:
        return tuple(_once(term for part in text.split("&&") for term in _term(part)))
    if "&&" not in text:
        terms = [term for part in text.split("||") for term in _term(part)]
        return (" or ".join(_once(terms))[:_LONGEST],) if len(terms) == text.count("||") + 1 else ()
    return (text[:_LONGEST],)


def _term(text: str) -> Iterator[str]:
    match = _TERM.match(text.strip())
    if match:
        yield match[1] + match[2]


def _not(guards: Guards) -> str:
    """What holds where *guards* do not."""
    if len(guards) == 1 and " or " not in guards[0] and "(" not in guards[0]:
        return guards[0][1:] if guards[0].startswith("!") else f"!{guards[0]}"
    return f"not ({' and '.join(guards)})"[:_LONGEST]


def enabled_around(source: Source, function: Function, lines: Iterable[int]) -> Guards:
    """The symbols of ``if (IS_ENABLED(CONFIG_X))`` that *lines* of *function* stand under."""
    wanted = sorted(lines)
    found: list[str] = []
    if b"IS_" not in source.data[function.node.start_byte : function.node.end_byte]:
        return ()
    pending = [function.node]
    while pending:
        node = pending.pop()
        if node.type == "if_statement":
            found += _enabled(source, node, wanted)
        pending.extend(node.named_children)
    return tuple(_once(found))


def _enabled(source: Source, node: tree_sitter.Node, lines: list[int]) -> Iterator[str]:
    condition = node.child_by_field_name("condition")
    if condition is None:
        return
    text = source.text(condition)[:2000]
    terms = [match[1] + match[2] for match in _ENABLED.finditer(text)][:_TERMS]
    if not terms or "||" in text:
        return
    if _has(node.child_by_field_name("consequence"), lines):
        yield from terms
    elif _has(node.child_by_field_name("alternative"), lines) and "&&" not in text:
        yield _not((terms[0],))


def _has(node: tree_sitter.Node | None, lines: list[int]) -> bool:
    if node is None:
        return False
    at = bisect_right(lines, node.start_point[0])
    return at < len(lines) and lines[at] <= node.end_point[0] + 1


def makefile_guards(path: str, read: Callable[[str], bytes | None]) -> Guards:
    """The symbols that the Makefile beside *path* (a ``.c`` file) builds it with."""
    directory, name = posixpath.split(path)
    data = read(posixpath.join(directory, "Makefile"))
    if not name.endswith(".c") or data is None:
        return ()
    text = _CONTINUED.sub(" ", data[:_MAKEFILE].decode("utf-8", "replace"))
    rows = [(match[1], match[2], match[3] or "", match[4].split()) for match in _ASSIGNED.finditer(text)]
    found: list[str] = []
    wanted = f"{name[:-2]}.o"
    for _level in range(3):  # a file is part of an object, which may be part of another
        row = next((row for row in rows if wanted in row[3]), None)
        if row is None:
            break
        found += [row[2]] if row[2] else []
        if row[0] == "obj":
            break
        wanted = f"{row[0]}.o"
    return tuple(_once(found))


def _once(guards: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(guards))
