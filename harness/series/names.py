# SPDX-License-Identifier: GPL-2.0-only
"""File names in diffs: which part is the tree's, and which names are refused."""

from __future__ import annotations

import re
import unicodedata

DEV_NULL = "/dev/null"

# Top-level directories of Linux, 2.6.12 to 6.x. A name that is the same on both sides and begins
# with one of these has no component to strip; any other first component is the name of a tree.
_TOP = re.compile(
    "Documentation|LICENSES|arch|block|certs|crypto|drivers|firmware|fs|include|init|io_uring|ipc|kernel|lib"
    "|mm|net|rust|samples|scripts|security|sound|tools|usr|virt"
)
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|([abtnvfr\"\\]))")
_LETTERS = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_ASCII = 128
_NAME_MAX = 255
_PATH_MAX = 1024


def plain_name(raw: str) -> str:
    """A name as a diff header has it: git's C quoting undone, the ``~patch-name`` of mmotm dropped."""
    name = raw
    if len(raw) > 1 and raw[0] == raw[-1] == '"':
        name = (
            _ESCAPE.sub(_unescaped, raw[1:-1])
            .encode("utf-8", "surrogateescape")
            .decode("utf-8", "surrogateescape")
        )
    directory, slash, last = name.rpartition("/")
    return f"{directory}{slash}{last.partition('~')[0]}"


def _unescaped(found: re.Match[str]) -> str:
    """One escape of git's quote.c; an octet over 127 as surrogate escape, of which UTF-8 is made again."""
    octet = int(found[1], 8) & 0xFF if found[1] else ord(_LETTERS.get(found[2], found[2]))
    return chr(octet) if octet < _ASCII else bytes([octet]).decode("ascii", "surrogateescape")


def unsafe(name: str) -> str | None:
    """Why *name* (as the patch has it, or stripped) cannot be a file of the tree; None when it can."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        return "names a path outside the tree"
    if any(part.lower() == ".git" for part in parts):
        return "names a path inside git's own directory"
    if not name or any(part in ("", ".") for part in parts):
        return "is not the name of a file"
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return "has control characters, or bytes that are not UTF-8, in it"
    if len(name) > _PATH_MAX or any(len(part) > _NAME_MAX for part in parts):
        return "is too long for a file name"
    return None


def strip_evidence(old: str, new: str) -> int | None:
    """How many leading components are not the tree's, as this pair of names shows it; None: it does not.

    ``a/x b/x`` and ``linux.orig/x linux/x`` show one; ``mm/x mm/x`` shows none.
    """
    sides = [name for name in (old, new) if name != DEV_NULL]
    heads = [name.partition("/")[0] for name in sides]
    if not sides or any("/" not in name for name in sides):
        return 0
    if old.startswith("a/") and new.startswith("b/"):
        return 1
    if len(sides) == 1 and not _TOP.fullmatch(heads[0]):
        return 1 if heads[0] in ("a", "b") else None
    if len(sides) == 1 or old == new:
        return 0 if _TOP.fullmatch(heads[0]) else 1
    same_tail = old.partition("/")[2] == new.partition("/")[2]
    return 1 if same_tail else None


def strip(name: str, level: int) -> str:
    """*name* without its first *level* components; empty when it has no more than those."""
    return name if name == DEV_NULL else "/".join(name.split("/")[level:])
