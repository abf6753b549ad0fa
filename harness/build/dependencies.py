# SPDX-License-Identifier: GPL-2.0-only
"""What a Kconfig symbol hangs on, quoted from the tree's own Kconfig files as text.

This is no Kconfig parser: it finds the block of ``config X`` and quotes its ``depends on``
lines and those of the ``if``, ``menu`` and ``choice`` that are open around it
(Documentation/kbuild/kconfig-language.rst).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_ENTRY = re.compile(r"^\s*(config|menuconfig)\s+(\w+)\s*(?:#.*)?$")
_OPENS = re.compile(r"^(if|menu|choice)\b\s*(.*)")
_CLOSES = re.compile(r"^(endif|endmenu|endchoice)\b")
_BLOCK_ENDS = re.compile(r"^\s*(config|menuconfig|source|comment|if|menu|choice|endif|endmenu|endchoice)\b")
_DEPENDS = re.compile(r"^\s+depends\s+on\s+(.*)")
_SYMBOL = re.compile(r"\b[A-Z0-9][A-Z0-9_]{1,}\b")
_SKIPPED = {"Documentation", ".git", "scripts", "tools", "samples"}
_QUOTED = 300


def explain(source: Path, symbol: str, values: Mapping[str, str]) -> str:
    """One line: where *symbol* is defined, what it depends on, and what those symbols are in *values*.

    Says so when no Kconfig file of *source* for x86 defines it.
    """
    for path in _kconfig_files(source):
        text = path.read_text(encoding="utf-8", errors="replace")
        if symbol not in text:
            continue
        found = _conditions(text, symbol)
        if found is not None:
            number, conditions = found
            return f"{_say(conditions, values)} ({path.relative_to(source)}:{number})"
    return "no Kconfig file of this tree defines it"


def _kconfig_files(source: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(source):
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        if Path(directory) == source / "arch":
            names[:] = [name for name in names if name == "x86"]
        yield from (Path(directory, name) for name in sorted(files) if name.startswith("Kconfig"))


def _conditions(text: str, symbol: str) -> tuple[int, list[str]] | None:
    """Line number and conditions of the first ``config *symbol*`` that *text* has."""
    open_around: list[list[str]] = []
    lines = text.replace("\\\n", " ").splitlines()
    for number, line in enumerate(lines, 1):
        entry, opens, depends = _ENTRY.match(line), _OPENS.match(line), _DEPENDS.match(line)
        if entry and entry.group(2) == symbol:
            own = _own_conditions(lines[number:])
            return number, [*(one for outer in open_around for one in outer), *own]
        if opens:
            open_around.append([opens.group(2).strip()] if opens.group(1) == "if" else [])
        elif _CLOSES.match(line) and open_around:
            open_around.pop()
        elif depends and open_around and not _inside_entry(lines, number - 1):
            open_around[-1].append(depends.group(1).strip())
    return None


def _inside_entry(lines: list[str], index: int) -> bool:
    """True when the nearest line above that begins a block begins a config, not a menu or choice."""
    above = next((line for line in reversed(lines[:index]) if _BLOCK_ENDS.match(line)), "")
    return bool(_ENTRY.match(above)) or above.lstrip().startswith(("comment", "source"))


def _own_conditions(lines: list[str]) -> list[str]:
    conditions = []
    for line in lines:
        if _BLOCK_ENDS.match(line):
            break
        depends = _DEPENDS.match(line)
        if depends:
            conditions.append(depends.group(1).strip())
    return conditions


def _say(conditions: list[str], values: Mapping[str, str]) -> str:
    if not conditions:
        return "depends on nothing: something selects it, or another choice won"
    text = " ".join(" && ".join(dict.fromkeys(conditions)).split())
    named = dict.fromkeys(_SYMBOL.findall(text))
    now = ", ".join(f"{name}={values.get(name, 'n')}" for name in named)
    return f"depends on {text[:_QUOTED]} [{now[:_QUOTED]}]"
