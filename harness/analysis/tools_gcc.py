# SPDX-License-Identifier: GPL-2.0-only
"""The compiler's new warnings, which the build of a run has collected, as findings."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.analysis.model import Finding
from harness.analysis.states import States
from harness.analysis.tools_states import Said, finding, moved, told_apart
from harness.analysis.tools_table import table
from harness.build.model import CompilerWarning

_NAMED = re.compile(r"'([^']{1,200})'")
_WORD = re.compile(r"[A-Za-z_]\w{0,100}")


def compiler_findings(states: States, warnings: Iterable[CompilerWarning]) -> tuple[Finding, ...]:
    """Findings for *warnings* that the patched kernel has and the base has not (harness.build.new_against).

    A warning is kept without its line, so the line is the first one that the series adds and that holds
    all names which the warning quotes; where there is none the line is 0 and the last patch that
    touches the file answers for it. A warning in a file that the series leaves alone (a header of the
    series warns there) is left to the report of the build.
    """
    found = []
    for warning in warnings:
        if warning.file not in states.touched:
            continue
        row, function = table().gcc.row(warning.message)
        line = _line(states, warning)
        said = Said(
            tool="gcc",
            rule=row.rule,
            severity=row.severity,
            why=row.why,
            file=warning.file,
            line=line,
            message=f"{warning.message} [{warning.option}]" if warning.option else warning.message,
            function=function or states[states.last].function(warning.file, line),
        )
        found.append(finding(states, _state(states, warning.file, line), said))
    return told_apart(found)


def _line(states: States, warning: CompilerWarning) -> int:
    """The first added line with the names that *warning* quotes on it; 0 when there is none."""
    final = states[states.last].read(warning.file)
    kept = set(moved(states[0].read(warning.file), final).values())
    wanted = {word for name in _NAMED.findall(warning.message) for word in _WORD.findall(name)[:1]}
    for number, data in enumerate((final or b"").splitlines(), 1):
        if wanted and number not in kept and wanted <= set(_WORD.findall(data.decode("utf-8", "replace"))):
            return number
    return 0


def _state(states: States, path: str, line: int) -> int:
    """The first state from which *line* of the end stays; for line 0 the last that changes the file."""
    final = states[states.last].read(path)
    since = states.last
    for state in range(states.last - 1, -1, -1):
        data = states[state].read(path)
        if line and line not in moved(data, final).values():
            break
        if not line and data != final:
            break
        since = state
    return max(1, since)
