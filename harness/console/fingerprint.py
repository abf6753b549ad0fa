# SPDX-License-Identifier: GPL-2.0-only
"""One short name for one fault, however its report was printed this time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from harness.console.model import Frame
from harness.console.naming import plain
from harness.console.table import Heads

_DEPTH = 3
"""frames below the title that count: deeper ones are the caller's, and differ between workloads"""


def fingerprint(kind: str, title: str, stack: Sequence[Frame], heads: Heads) -> str:
    """12 hexadecimal digits of the kind, the title and the first telling functions of *stack*.

    No offset, address, line number, CPU, task or time goes in; nor do functions that report, wait or
    lock for others, which come and go with the configuration.
    """
    names = [plain(frame.function) for frame in stack]
    telling = [name for name in names if not heads.skipped.match(name)][:_DEPTH]
    return hashlib.sha256("\n".join((kind, title, *telling)).encode()).hexdigest()[:12]
