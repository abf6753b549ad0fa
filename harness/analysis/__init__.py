# SPDX-License-Identifier: GPL-2.0-only
"""Static analysis of what a series does to the C of a kernel tree."""
