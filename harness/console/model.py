# SPDX-License-Identifier: GPL-2.0-only
"""One kernel report out of a console, as a value. The keys are those of ``harness triage --json``."""

from __future__ import annotations

import msgspec


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a kernel prints when it is unwell."""

    title: str
    """in syzkaller's wording, e.g. ``kernel BUG in mem_cgroup_charge``"""
    kind: str
    """the row of configs/console.yaml: ``bug``, ``oops``, ``warning``, ``lockdep``, ``stall``, …"""
    severity: str
    """``fatal`` (this kernel cannot go on), ``bad`` (a verdict), ``note`` (kept, no verdict)"""
    function: str = ""
    file: str = ""
    line: int = 0
    offset: int = 0
    """bytes into the console text at which it begins"""
    condition: str = ""
    """the assertion at that line as its source has it; empty where there is none or no source at hand"""
    patches: tuple[int, ...] = ()
    """patches of the series that stand behind that line or function"""
    because: str = ""
    """why those, in words"""
    corrupted: bool = False
    text: str = ""
    """the report's own lines, bounded, made printable"""
