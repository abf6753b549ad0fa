# SPDX-License-Identifier: GPL-2.0-only
"""The catalogue of workloads and what drives them in a guest. Does not know how verdicts are made."""
