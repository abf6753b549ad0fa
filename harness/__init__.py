# SPDX-License-Identifier: GPL-2.0-only
"""A kernel patch series and a tree go in; evidence about memory accounting comes out."""

__version__ = "0.1.0"
