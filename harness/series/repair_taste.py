# SPDX-License-Identifier: GPL-2.0-only
"""Where kernel code has blank lines: what can be seen of the place between two lines.

Each sign has a weight in ``configs/repair.yaml``; the sum says how likely a blank line is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_DECLARATION = re.compile(
    r"(?:const |static |unsigned |signed |volatile |extern |register )*"
    r"(?:(?:struct|union|enum) \w+|int|long|char|unsigned|bool|void|u?int|u?long|[us]\d+|\w+_t)\b"
    r"[\s*]+\w+(?:\[[^\]]*\])*\s*(?:[;,=]|__)"
    r"|DEFINE_\w+\(|DECLARE_\w+\(|LIST_HEAD\("
)
_DIRECTIVE = re.compile(r"#\s*(\w+)")
_TRAILING_COMMENT = re.compile(r"\s*/\*[^*]*\*/$")
_LABEL = re.compile(r"(?:case\b[^?]*|default|\w+)\s*:$")
_MACRO = re.compile(r"[A-Z_0-9]{4,}\s*\(.*\);?$")
_CONTROL = re.compile(r"(?:if|for|while|switch|\w*for_each\w*)\b\s*\(")
_ASSIGNED = re.compile(r"(?:[\w ]+\s\*?)?([\w.>-]+) = ")
_TESTS = re.compile(r"(?:if|while|switch|for|BUG_ON|return)\b")
_WORD = re.compile(r"\w+")
_ENDS = (";", "}", "{", "*/", "\\")
_ELSE = ("else", "} else")
_REGISTERS = ("EXPORT", "module_", "__setup", "subsys_", "early_", "late_", "device_")


class Worth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sign says for a blank line, or against it."""

    weight: float
    """as the logarithm of a likelihood"""
    why: str


Taste = Mapping[str, Worth]
"""by sign; the table's ``blanks``"""


class Between(msgspec.Struct, frozen=True):
    """A place between two lines of the new side; lines as they are left, indentation one blank or more."""

    earlier: str
    """the line before the one above"""
    above: str
    below: str


def signs(place: Between) -> dict[str, bool]:
    """Every sign, and whether it holds at *place*."""
    up, down = place.above.strip(), place.below.strip()
    blank = {"blank above": not up, "blank below": not down}
    outer = not place.above[:1].isspace(), not place.below[:1].isspace()
    held = {
        **_of_comments(up, down),
        **_of_directives(up, down),
        **_of_statements(place.earlier.strip(), _code(up), _code(down)),
        **_of_declarations(_code(up), down, outer),
        **_of_top_level(up, down, outer),
    }
    return blank | (held if up and down else dict.fromkeys(held, False))


def _code(text: str) -> str:
    """*text* without the comment behind it."""
    return _TRAILING_COMMENT.sub("", text) or text


def _of_comments(up: str, down: str) -> dict[str, bool]:
    commented = up.startswith(("/*", "*"))
    return {
        "in comment": commented and "*/" not in up and down.startswith("*"),
        "comment above": commented and up.endswith("*/"),
        "comment below": down.startswith(("/*", "//")),
    }


def _of_directives(up: str, down: str) -> dict[str, bool]:
    above, below = _DIRECTIVE.match(up), _DIRECTIVE.match(down)
    first, second = above[1] if above else "", below[1] if below else ""
    return {
        "directive below": bool(second and not first),
        "same directive": bool(first and first == second),
        "other directive": bool(first and second and first != second),
        "branch above": first in ("if", "ifdef", "ifndef", "else", "elif"),
        "endif above": first == "endif",
        "endif below": second == "endif",
    }


def _of_statements(earlier: str, up: str, down: str) -> dict[str, bool]:
    return {
        "goes on": _goes_on(up),
        "opens above": up.endswith(("{", "(")),
        "comma above": up.endswith(","),
        "open below": down.startswith("{"),
        "close below": down.startswith("}"),
        "label above": bool(_LABEL.match(up)),
        "label below": bool(_LABEL.match(down)),
        "control above": bool(_CONTROL.match(up)) and not up.endswith((";", "{")),
        "else above": up in (*_ELSE, "do"),
        "else below": down.startswith(_ELSE),
        "return above": up.startswith(("return", "goto", "break", "continue")),
        "return below": down.startswith("return"),
        "same word": _same_word(up, down),
        "tested below": _tested(up, down),
        "body above": _waits(earlier) and up.endswith(";"),
    }


def _goes_on(up: str) -> bool:
    """True when the statement goes on behind the line: no blank line stands in one."""
    if up.startswith(("#", "/*", "*", "//")):
        return False
    return not (up.endswith(_ENDS) or _LABEL.match(up) or _MACRO.match(up))


def _same_word(up: str, down: str) -> bool:
    first, second = _WORD.search(up), _WORD.search(down)
    alike = first is not None and second is not None and first[0] == second[0]
    return alike and not up.startswith("#") and not _CONTROL.match(up)


def _tested(up: str, down: str) -> bool:
    """True where the line above sets what the line below looks at."""
    assigned = _ASSIGNED.match(up)
    if assigned is None or not _TESTS.match(down):
        return False
    return re.search(rf"(?<!\w){re.escape(assigned[1])}(?!\w)", down) is not None


def _waits(text: str) -> bool:
    """True for an ``if`` or the like whose one statement is on the next line."""
    return (bool(_CONTROL.match(text)) or text in _ELSE) and not text.endswith((";", "{", "}"))


def _of_declarations(up: str, down: str, outer: tuple[bool, bool]) -> dict[str, bool]:
    above = bool(_DECLARATION.match(up)) and up.endswith((";", ",", "=")) and not outer[0]
    below = bool(_DECLARATION.match(down))
    ends = above and not below and down != "}"
    return {
        "declarations end": ends,
        "declarations end in a comment": ends and down.startswith("/*"),
        "among declarations": above and below,
        "declarations begin": below and not above and outer == (False, False),
    }


def _of_top_level(up: str, down: str, outer: tuple[bool, bool]) -> dict[str, bool]:
    above, below = outer
    plain = not down.startswith(("#", "}"))
    return {
        "function ends": above and up.startswith("}"),
        "block ends": up == "}" and not above,
        "outside functions": above and below and plain and not up.startswith(("}", "#", "/*", "*")),
        "outdented": below and not above and plain and not _LABEL.match(_code(down)),
        "registers above": above and up.startswith(_REGISTERS),
        "export below": below and down.startswith(("EXPORT", "module_init")),
    }


KNOWN = frozenset(
    {*signs(Between("", "", "")), "first", "first behind removed", "last", "parts the change", "two together"}
)
"""names that the table has to have: signs of the place, and of the way of the change around it"""
