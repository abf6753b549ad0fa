# SPDX-License-Identifier: GPL-2.0-only
"""Results as people and machines read them. Knows nothing of how a run was made."""
