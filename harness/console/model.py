# SPDX-License-Identifier: GPL-2.0-only
"""One kernel report out of a console, as a value. The keys are those of ``harness triage --json``."""

from __future__ import annotations

import msgspec


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of a stack, innermost first."""

    function: str
    """as the kernel printed it, with what the compiler appended to a clone"""
    at: int = 0
    """bytes into the function"""
    size: int = 0
    """of the function, in bytes; 0 where it was not printed"""
    module: str = ""
    file: str = ""
    line: int = 0
    doubtful: bool = False
    """its address lay on the stack, but the unwinder could not tell that it was called"""
    exact: bool = False
    """the address is of the instruction at work; else it is the one to return to, behind the call"""
    inlined: bool = False
    """it has no frame of its own: the compiler put it into the one that follows"""


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
    """cut off or mixed with another's lines: the title may lack what it is named after"""
    text: str = ""
    """the report's own lines, bounded, made printable"""
    fingerprint: str = ""
    """12 hexadecimal digits: the same for the same fault, whatever addresses, CPUs and times were printed"""
    cause: bool = False
    """the first report of its console that is more than a note: what follows may be its consequence"""
    tainted: str = ""
    """the kernel's taint letters as the report prints them; empty where it prints none"""
    after: bool = False
    """the kernel had warned, oopsed or found a bad page before this report (taint W, D or B)"""
    stack: tuple[Frame, ...] = ()
    """the stack that it is named after, without what the unwinder doubts"""
