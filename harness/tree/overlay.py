# SPDX-License-Identifier: GPL-2.0-only
"""The identity of an overlay."""

from __future__ import annotations

import hashlib

from harness.tree.model import Overlay


def overlay_hash(overlay: Overlay) -> str:
    """Hex SHA-256 over paths and contents, whatever their order; a file that is gone is not an empty one."""
    total = hashlib.sha256()
    for path in sorted(overlay):
        data = overlay[path]
        name = path.encode("utf-8", "surrogateescape")
        size = b"gone" if data is None else str(len(data)).encode()
        total.update(b"%d %s %s\n%s" % (len(name), name, size, data or b""))
    return total.hexdigest()
