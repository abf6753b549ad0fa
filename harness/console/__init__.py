# SPDX-License-Identifier: GPL-2.0-only
"""Kernel reports out of console text. Knows nothing else."""
