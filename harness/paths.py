# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the project's own data, the cache, the results."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
CONFIGS = PROJECT / "configs"
QEMU = PROJECT / "qemu"
PATCHES = PROJECT / "patches"
RESULTS = PROJECT / "results"


def cache() -> Path:
    """``$XDG_CACHE_HOME/memcg-harness``: all that can be made again (trees, kernels, guest images)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "memcg-harness"
