# SPDX-License-Identifier: GPL-2.0-only
"""Kernel trees: finding and identifying one, a private copy of it, a series put on it."""
