# SPDX-License-Identifier: GPL-2.0-only
"""Patch series, in any form that people have them in. Knows nothing of kernels."""
