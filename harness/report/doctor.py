# SPDX-License-Identifier: GPL-2.0-only
"""What ``harness doctor`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.pipeline.doctor import Finding


def render_doctor(findings: Sequence[Finding], console: Console) -> None:
    """A row for each finding, and below them the commands that mend what is wrong."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = Text("ok", "green") if finding.good else Text("LACKS", "bold red")
        table.add_row(mark, Text(finding.name), Text(finding.says))
    console.print(table)
    for finding in findings:
        if finding.mend:
            console.print(Text(f"{finding.name}: {finding.mend}", "bold"), soft_wrap=True)
