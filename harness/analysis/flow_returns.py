# SPDX-License-Identifier: GPL-2.0-only
"""What a returned value tells the caller: success, failure, or nothing."""

from __future__ import annotations

from typing import Literal

from harness.analysis.flow import Exit
from harness.analysis.flow_expr import ABOVE, BELOW, ZERO
from harness.analysis.flow_function import Studied

_FAULTS = ("VM_FAULT_OOM", "VM_FAULT_SIGBUS", "VM_FAULT_HWPOISON", "VM_FAULT_ERROR", "SWAP_FAIL")
"""what says in the kernel's own words, without a sign, that a function failed"""
Result = Literal["void", "failure", "success", "zero", "positive", "unknown"]


def result(studied: Studied, way: Exit) -> Result:  # noqa: PLR0911 - one for each answer
    """How *way* ends. Zero is failure for a pointer; for a number it is told apart from both."""
    if studied.returns == "void":
        return "void"
    signs = way.value.signs
    if way.value.constant.startswith(_FAULTS):
        return "failure"
    if signs & ~BELOW == 0:
        return "failure"
    if studied.returns == "pointer":
        if signs & ABOVE == 0:
            return "failure"
        return "success" if signs & ZERO == 0 else "unknown"
    if signs == ZERO:
        return "zero"
    return "positive" if signs & ZERO == 0 else "unknown"
