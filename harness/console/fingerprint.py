# SPDX-License-Identifier: GPL-2.0-only
"""One short name for one fault, however its report was printed this time."""

from __future__ import annotations

import hashlib


def fingerprint(kind: str, title: str, function: str) -> str:
    """12 hexadecimal digits of the *kind*, the *title* and the *function*.

    What differs between two prints of one fault is not in these: offsets, addresses, line numbers, CPUs,
    tasks, times. The rest of the stack is left out: it differs between workloads, with inlining, and
    when lines are lost.
    """
    return hashlib.sha256("\n".join((kind, title, function)).encode()).hexdigest()[:12]
