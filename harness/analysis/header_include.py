# SPDX-License-Identifier: GPL-2.0-only
"""What a file sees through its ``#include`` lines, as text, followed through the tree within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from posixpath import dirname, normpath

from harness.analysis.local_macro import defines_function
from harness.analysis.local_names import Names
from harness.analysis.local_syntax import without_prose

_INCLUDE = re.compile(
    rb'^[ \t]*#[ \t]*include[ \t]+(?:<([^>\n]{1,200})>|"([^"\n]{1,200})"|(\w))', re.MULTILINE
)
_WORD = re.compile(rb"[A-Za-z_]\w*")
_PASTED = re.compile(rb"(?<!\w)\w*(?:[ \t]*##[ \t]*\w+)+")
_FILES = 600
_BYTES = 1 << 20
_SHORT = 3
# Between a star and the name behind it stands no more than this.
_SPACE = 40


class Includes:
    """The file *path* and everything that it includes, nearest first, read only as far as is asked."""

    def __init__(self, path: str, data: bytes, read: Callable[[str], bytes | None], names: Names) -> None:
        self.path = path
        self._read = read
        self._names = names
        self._whole = True
        self._seen = {path}
        self._pending = [(path, data)]
        self._files: list[tuple[str, bytes]] = []
        self._fields: dict[tuple[str, str], str] = {}

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Path and contents of each, comments and strings blanked."""
        at = 0
        while at < len(self._files) or self._next():
            yield self._files[at]
            at += 1

    def _next(self) -> bool:
        """Take one more file in; False when there are no more."""
        if not self._pending:
            return False
        path, data = self._pending.pop(0)
        self._files.append((path, without_prose(data)))
        for found in self._included(path, data):
            if found in self._seen:
                continue
            self._seen.add(found)
            inner = self._read(found)
            if inner is None or len(inner) > _BYTES or len(self._seen) > _FILES:
                self._whole = False
            else:
                self._pending.append((found, inner))
        return True

    def _included(self, path: str, data: bytes) -> Iterator[str]:
        for match in _INCLUDE.finditer(data):
            name = (match[1] or match[2] or b"").decode("utf-8", "replace")
            if name.startswith("generated/"):
                continue
            places = self._candidates(path, name, match[2] is not None)
            found = next((one for one in places if one in self._seen or self._read(one) is not None), "")
            if found:
                yield found
            else:
                self._whole = False

    def _candidates(self, path: str, name: str, local: bool) -> Iterator[str]:
        if not name or name.startswith("/"):
            return
        if local:
            yield normpath(f"{dirname(path)}/{name}").removeprefix("./")
        if name.startswith("asm/"):
            yield from (f"{root}/{name[4:]}" for root in self._names.asm_roots)
        yield from (normpath(f"{root}/{name}") for root in self._names.include_roots)

    @cached_property
    def complete(self) -> bool:
        """True when every include was found and read."""
        while self._next():
            pass
        return self._whole

    @cached_property
    def words(self) -> frozenset[bytes]:
        """Every name that stands in code or a macro of a file other than *path* itself."""
        return frozenset(
            word for path, text in self.files() if path != self.path for word in _WORD.findall(text)
        )

    @cached_property
    def pasted(self) -> tuple[re.Pattern[bytes], ...]:
        """What names may look like that macros put together with ``##``; a parameter may be anything."""
        return tuple(
            re.compile(one) for one in sorted({s for _path, text in self.files() for s in shapes(text)})
        )

    def defines(self, kind: str, name: str) -> bool:
        """True when ``kind name {`` stands in one of the files; *kind* is struct, union or enum."""
        wanted = re.compile(
            rb"\b" + kind.encode() + rb"\s+" + re.escape(name.encode()) + rb"\b[^;{}()=]{0,80}\{"
        )
        return any(wanted.search(text) for _path, text in self.files())

    def makes_function(self, name: str) -> bool:
        """True when a file defines *name* as a macro that expands to a function definition."""
        return any(defines_function(text, name) for _path, text in self.files())

    def knows(self, name: str) -> bool:
        """True when an included file mentions *name*, or a macro may make it."""
        word = name.encode()
        return word in self.words or any(one.fullmatch(word) for one in self.pasted)

    def field(self, struct: str, field: str) -> str:
        """How *struct* declares *field*: ``pointer``, ``other``, or empty when it is not found."""
        key = (struct, field)
        if key not in self._fields:
            self._fields[key] = self._declared(struct.encode(), field.encode())
        return self._fields[key]

    def _declared(self, struct: bytes, field: bytes) -> str:
        begin = re.compile(rb"\bstruct\s+" + re.escape(struct) + rb"\s*\{")
        own = re.compile(rb"\b" + re.escape(field) + rb"[ \t]*(?:\[[^\]\n]{0,80}\])?[ \t]*;")
        for _path, text in self.files():
            match = begin.search(text) if struct in text else None
            if match is not None:
                end = text.find(b"\n}", match.end())
                found = own.search(text, match.end(), end if end >= 0 else len(text))
                if found is None:
                    return ""
                before = text[max(0, found.start() - _SPACE) : found.start()].rstrip()
                return "pointer" if before.endswith(b"*") else "other"
        return ""


def shapes(text: bytes) -> set[bytes]:
    """Patterns of the names that macros in *text* put together with ``##``; a parameter may be anything."""
    found: set[bytes] = set()
    for match in _PASTED.finditer(text):
        parts = [part.strip() for part in match[0].split(b"##")]
        if any(map(_fixed, parts)):
            found.add(b"".join(re.escape(part) if _fixed(part) else rb"\w*" for part in parts))
    return found


def _fixed(part: bytes) -> bool:
    """True for a piece of a pasted name that is no parameter, as far as its looks say."""
    return part.startswith(b"_") or part.endswith(b"_") or (len(part) >= _SHORT and not part.islower())
