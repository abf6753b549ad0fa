# SPDX-License-Identifier: GPL-2.0-only
"""The road from a plan to results: one cell, the run, who is to blame. Knows no report format."""
