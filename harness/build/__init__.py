# SPDX-License-Identifier: GPL-2.0-only
"""From a private tree to a kernel: Kconfig, make, warnings, the cache. Knows nothing of patches."""
