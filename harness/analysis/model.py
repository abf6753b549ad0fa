# SPDX-License-Identifier: GPL-2.0-only
"""What is known of a series without running it, as values.

Lines are 1-based and those of the file after the patch named by ``patch`` (before it, for what was
removed). Names and conditions come from the sources: untrusted, one line, at most 300 characters.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["error", "warning", "note"]


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """Another line that a finding speaks of: where the lock was taken, the path that was followed."""

    file: str
    line: int
    text: str


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of one state of one file, before it is known whether the series brought it."""

    rule: str
    line: int
    function: str
    """empty outside functions"""
    message: str
    key: str
    """the defect's identity within its file and function: the same in every state of the file in which
    the defect stands, so without line numbers; e.g. ``rcu_read_lock:return 0``"""
    related: tuple[Related, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A defect that the series brings: not there before patch ``patch``, still there at the end."""

    rule: str
    severity: Severity
    patch: int
    """1-based number of the patch that brought it"""
    file: str
    line: int
    """in the file with the whole series on"""
    function: str
    message: str
    why: str
    """the rule's explanation"""
    source: str = ""
    """the line itself, without its end"""
    surroundings: tuple[str, ...] = ()
    """up to three lines before it, itself, and three after"""
    related: tuple[Related, ...] = ()
    tools: tuple[str, ...] = ("harness",)
    """everyone who saw it: ``harness``, ``checkpatch``, ``sparse``, ``coccinelle``, ``gcc``"""
    fingerprint: str = ""
    """hex; the same for the same defect on another base or at another line"""


class FunctionChange(msgspec.Struct, frozen=True, kw_only=True):
    patch: int
    file: str
    name: str
    change: Literal["added", "removed", "changed"]
    line: int
    guards: tuple[str, ...] = ()
    """config symbols that must be set (``!X``: unset) for the changed lines to be compiled"""


class StructureChange(msgspec.Struct, frozen=True, kw_only=True):
    patch: int
    file: str
    name: str
    """``struct x``, ``union x`` or ``enum x``"""
    change: Literal["added", "removed", "changed"]
    line: int
    fields_added: tuple[str, ...] = ()
    fields_removed: tuple[str, ...] = ()
    fields_changed: tuple[str, ...] = ()
    """same name, another type"""


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    patch: int
    file: str
    function: str
    line: int
    kind: str
    """``VM_BUG_ON``, ``BUG_ON``, ``WARN_ON_ONCE``, ``VM_BUG_ON_FOLIO``, …"""
    condition: str


class CallChange(msgspec.Struct, frozen=True, kw_only=True):
    """A call that matters by itself: of a lock, an RCU section, a charge or an uncharge."""

    patch: int
    file: str
    function: str
    line: int
    topic: Literal["lock", "rcu", "charge", "uncharge"]
    call: str
    """as written, e.g. ``rcu_read_lock()``"""
    change: Literal["added", "removed", "moved"]
    moved_from: str = ""
    """the function that it was in before, if moved"""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """A workload that exercises what the series touches."""

    workload: str
    because: str
    """``do_swap_page ← swap-in under a limit``"""
    functions: tuple[str, ...]
    """the touched functions that it reaches"""


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    findings: tuple[Finding, ...] = ()
    functions: tuple[FunctionChange, ...] = ()
    structures: tuple[StructureChange, ...] = ()
    assertions_added: tuple[Assertion, ...] = ()
    assertions_removed: tuple[Assertion, ...] = ()
    calls: tuple[CallChange, ...] = ()
    guards: tuple[str, ...] = ()
    """config symbols that guard anything which the series changes"""
    workloads: tuple[Reach, ...] = ()
    unreached: tuple[str, ...] = ()
    """touched functions that no workload is known to reach"""
    unparsed: tuple[str, ...] = ()
    """``file:line`` of touched functions of which the parser could make nothing"""
    tools: tuple[str, ...] = ()
    """one line for each outside tool: its version, or why it was not used"""
