# SPDX-License-Identifier: GPL-2.0-only
"""``harness resume``: go on with a bisection or a night that was cut off."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from harness.cli_bisect import resume_bisection
from harness.cli_cluster import add_cluster
from harness.cli_command import add_command, add_quiet
from harness.cli_nightly import resume_night
from harness.report.night import NAME as NIGHT


def add_resume(commands: Any) -> None:
    """The command's parser."""
    again = add_command(commands, "resume", _resume, "go on with a night or a bisection that was cut off")
    again.add_argument("run", type=Path, metavar="RUN", help="its directory under results/")
    add_quiet(again)
    add_cluster(again)
    again.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="make's -j")


def _resume(options: argparse.Namespace) -> int:
    return resume_night(options) if (options.run / NIGHT).is_file() else resume_bisection(options)
