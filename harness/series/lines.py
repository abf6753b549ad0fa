# SPDX-License-Identifier: GPL-2.0-only
"""Out of a patch's text, the lines that are diff: what is handed to unidiff.

unidiff takes a ``--- `` line of the description for a file, a mail signature for a removed line,
and drops lines after a hunk without a word; so what is diff is settled here, by the counts in the
hunk headers (GNU diffutils manual, "Detailed Unified"; git's Documentation/diff-generate-patch).
"""

from __future__ import annotations

import re

from harness.series.names import plain_name
from harness.series.text import Text

_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_EXTENDED = re.compile(
    r"(?:old mode|new mode|deleted file mode|new file mode) \d+$"
    r"|(?:copy|rename) (?:from|to) |(?:dis)?similarity index |index [0-9a-f]+\.\."
)
_BINARY = re.compile(r"Binary files (?:a/)?(\S+) and \S+ differ$|GIT binary patch$")
_COMBINED = re.compile(r"diff --(?:cc|combined) ")
_BLANKS_FOR_TAB = re.compile(r"\s+((?:\d{4}-\d\d-\d\d|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2}) .*)$")
_MAIL_FOOTER = re.compile(r"-{2,}\s*$|-----BEGIN |\s*$")
_LF_KEPT = ("--- ", "+++ ", "@@ -", "diff --git ")
_SEND_AGAIN = "get the patch anew, as it was sent"


class _Filter:
    """Walks over the text once; ``kept`` is the diff, each line with its 0-based place in the text."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.lines = _lf_lines(text.body)
        self.at = 0
        self.in_header = False
        self.file = ""
        self.kept: list[tuple[int, str]] = []

    def keep(self, line: str | None = None) -> None:
        self.kept.append((self.at, (self.lines[self.at] if line is None else line) + "\n"))
        self.at += 1

    def step(self) -> None:
        line = self.lines[self.at]
        if line.startswith("diff --git "):
            self.file, self.in_header = line.rpartition(" b/")[2], True
            self.keep()
        elif self._names_pair():
            self.file = plain_name(line[4:].partition("\t")[0])
            self.in_header = False
            self.keep(_clean_header(line))
            self.keep(_clean_header(self.lines[self.at]))
        elif self.file and _HUNK.match(line):
            self.in_header = False
            self._hunk()
        elif (self.in_header and _EXTENDED.match(line)) or (self.kept and line.startswith("\\ No newline")):
            self.keep()
        else:
            self._other(line)

    def _names_pair(self) -> bool:
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        return self.lines[self.at].startswith("--- ") and following.startswith("+++ ")

    def _other(self, line: str) -> None:
        """Prose, most likely; but not what would be lost if it were taken for prose."""
        self.in_header = self.in_header and not line.startswith("GIT binary")
        if binary := _BINARY.match(line):
            name = binary[1] or self.file
            raise self.text.refused(
                f"changes a binary file, {name!r}", "only text can be applied; take that file out", self.at
            )
        if _COMBINED.match(line):
            raise self.text.refused("combined diff of a merge", "give the diff against one parent", self.at)
        self.at += 1

    def _hunk(self) -> None:
        """Keep a hunk as its header counts it; a line that cannot belong is left for unidiff to refuse."""
        header = _HUNK.match(self.lines[self.at])
        old, new = (int(count or "1") for count in header.groups()) if header else (0, 0)
        self.keep()
        while (old > 0 or new > 0) and self.at < len(self.lines):
            mark = self.lines[self.at][:1]
            self.keep()
            if mark not in ("", " ", "+", "-", "\\"):
                return
            old -= mark in ("", " ", "-")
            new -= mark in ("", " ", "+")
        self._nothing_left_over()

    def _nothing_left_over(self) -> None:
        line = self.lines[self.at] if self.at < len(self.lines) else ""
        if line[:1] in ("+", "-", " ") and not _MAIL_FOOTER.match(line) and not self._names_pair():
            raise self.text.refused(
                "malformed diff: the hunk goes on after as many lines as its header says",
                _SEND_AGAIN,
                self.at,
            )


def diff_lines(text: Text) -> list[tuple[int, str]]:
    """The lines of *text* that are diff, LF ended, each with its 0-based place; empty when there are none.

    Raises UserError for binary and combined diffs, and for hunks longer than their headers say.
    """
    walk = _Filter(text)
    while walk.at < len(walk.lines):
        walk.step()
    return walk.kept


def _lf_lines(body: str) -> list[str]:
    """Lines without LF; without CR too where the diff's own headers end in CR, so that mail put it there."""
    lines = body.split("\n")
    if lines[-1] == "":
        lines.pop()
    if any(line.endswith("\r") and line.startswith(_LF_KEPT) for line in lines):
        return [line.removesuffix("\r") for line in lines]
    return lines


def _clean_header(line: str) -> str:
    """A ``---`` or ``+++`` line: a tab before the time stamp, no ``~patch-name`` after the file."""
    name, tab, stamp = _BLANKS_FOR_TAB.sub(r"\t\1", line[4:]).partition("\t")
    return f"{line[:4]}{plain_name(name.rstrip())}{tab}{stamp}"
