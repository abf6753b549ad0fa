# SPDX-License-Identifier: GPL-2.0-only
"""The guest: its image, its machine (QEMU, QMP), its console and SSH. Knows nothing of memcg."""
