# SPDX-License-Identifier: GPL-2.0-only
"""``python -m harness`` is ``harness``."""

from harness.cli import main

raise SystemExit(main())
