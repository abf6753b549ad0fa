# SPDX-License-Identifier: GPL-2.0-only
"""Why a guest did not come up: its last words, and the Kconfig symbols that are likely missing."""

from __future__ import annotations

import re

from harness.guest.cmdline import boot_table

_LACKS = re.compile(r"memcg-harness: lacks ([^\r\n]{1,200})")
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[^\x20-\x7e]")
_LAST_LINES = 3
_STILL_TALKS = 5.0
"""seconds; emulated and beside other load, a kernel that boots says something more often"""
_LINE = 160


def explain(console: str, qemu_words: str, alive: bool, quiet: float) -> str:
    """One line: what state the guest is in, the likely cause, and the last lines of its *console*.

    *quiet*: seconds since it last said something. One that still talks when its time is up is slow, not hung.
    """
    if alive and quiet < _STILL_TALKS:
        state = "is slow: its time is up and it still talks (guest: boot_seconds in the plan)"
    else:
        state = f"hangs: nothing on its console for {quiet:.0f} s" if alive else "ended"
    if qemu_words:
        state += f" ({' '.join(qemu_words.split())[:_LINE]})"
    return f"the guest {state}; {_cause(console)}; last lines: {_last(console)}"


def lacks(console: str) -> tuple[str, ...]:
    """What the guest's init says it lacks, each with the symbols that bring it."""
    return tuple(dict.fromkeys(match.group(1).strip() for match in _LACKS.finditer(console)))


def _cause(console: str) -> str:
    if not console.strip():
        return (
            "nothing on its console: likely missing CONFIG_SERIAL_8250_CONSOLE, CONFIG_PRINTK or CONFIG_TTY"
        )
    for row in boot_table().failures:
        if re.search(row.pattern, console):
            names = ", ".join(f"CONFIG_{name}" for name in row.symbols) or "; ".join(lacks(console))
            return f"{row.means}: likely missing {names}"
    return "no known cause"


def _last(console: str) -> str:
    lines = [_UNPRINTABLE.sub("", line).strip()[:_LINE] for line in console[-8192:].splitlines()]
    return " | ".join([line for line in lines if line][-_LAST_LINES:]) or "none"
