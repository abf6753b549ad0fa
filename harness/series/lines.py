# SPDX-License-Identifier: GPL-2.0-only
"""Out of a patch's text, the lines that are diff: what is handed to unidiff.

unidiff takes a ``--- `` line of the description for a file, a mail signature for a removed line,
and drops lines after a hunk without a word; so what is diff is settled here, by the counts in the
hunk headers (GNU diffutils manual, "Detailed Unified"; git's Documentation/diff-generate-patch).
What mailers do to single lines (a long one wrapped, the blank of an empty context line taken) is
put right here too, where the counts prove it.
"""

from __future__ import annotations

import re

import msgspec

from harness.series.names import plain_name
from harness.series.text import Text

HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
# Headers that would be lost with their hunks: a sign is gone, or something stands before them; in the
# second it is a mark of quotation, which the lines of the hunk have too where a mail quotes another.
_ODD_HUNK = re.compile(r"[^\w>|+-]{0,3}@{1,2} ?-?\d{1,9}(?:,\d{1,9})? ?[-+ ]\d{1,9}(?:,\d{1,9})? ?@@")
_MARKED_HUNK = re.compile(r"[>|] ?@@ -\d{1,9}(?:,\d{1,9})? \+\d{1,9}(?:,\d{1,9})? @@")
_EXTENDED = re.compile(
    r"(?:old mode|new mode|deleted file mode|new file mode) \d+$"
    r"|(?:copy|rename) (?:from|to) |(?:dis)?similarity index |index [0-9a-f]+\.\."
)
_BINARY = re.compile(r"Binary files (?:a/)?(\S+) and \S+ differ$|GIT binary patch$")
_COMBINED = re.compile(r"diff --(?:cc|combined) ")
_BLANKS_FOR_TAB = re.compile(
    r"\s{1,40}((?:\d{4}-\d\d-\d\d|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2}) [^\t]*)$"
)
_MAIL_FOOTER = re.compile(r"-{2,}\s*$|-----BEGIN |\s*$")
_NO_TAIL = re.compile(
    r"@@ |diff |Index: |--- |\+\+\+ |-- ?$|_{1,80}$|={10}|\\ |base-commit: |prerequisite-|GIT "
)
_LF_KEPT = ("--- ", "+++ ", "@@ -", "diff --git ")
_SEND_AGAIN = "get the patch anew, as it was sent"
_WRAPPED_FROM = 50
"""characters: mailers wrap at 72 to 80, and a word of up to some 25 goes to the next line"""
_WRAPPED_TO = 1000
MOST_LINES = 500_000
MOST_HUNKS = 100_000
MOST_FILES = 30_000
"""of one patch; the widest of Linux touched some 17,000"""
_LONGEST = 1 << 20


class DiffLines(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a text that are diff, LF ended, each with its 0-based place in the text."""

    lines: tuple[tuple[int, str], ...]
    notes: tuple[str, ...]
    """what was put right, one phrase each"""


class _Filter:
    """Walks over the text once; ``kept`` is the diff, each line with its 0-based place in the text."""

    def __init__(self, text: Text, lines: list[str]) -> None:
        self.text = text
        self.lines = lines
        self.at = 0
        self.in_header = False
        self.file = ""
        self.hunks = 0
        self.files = 0
        self.blanks = 0
        self.joined: list[int] = []
        self.kept: list[tuple[int, str]] = []

    def _bounded(self) -> None:
        too_many = self.hunks > MOST_HUNKS or self.files > MOST_FILES or len(self.kept) > MOST_LINES
        if too_many:
            raise self.text.refused(
                f"over {MOST_HUNKS} hunks, {MOST_FILES} files or {MOST_LINES} lines of diff",
                "give it in several patches",
            )

    def keep(self, line: str | None = None) -> None:
        self.kept.append((self.at, (self.lines[self.at] if line is None else line) + "\n"))
        self.at += 1

    def step(self) -> None:
        line = self.lines[self.at]
        if line.startswith("diff --git "):
            self.file, self.in_header = line.rpartition(" b/")[2], True
            self.files += 1
            self._bounded()
            self.keep()
            self._rest_of_names()
        elif self._names_pair():
            self.file = plain_name(line[4:].partition("\t")[0])
            self.files += not self.in_header
            self._bounded()
            self.in_header = False
            self.keep(clean_header(line))
            self.keep(clean_header(self.lines[self.at]))
        elif self.file and HUNK.match(line):
            self.in_header = False
            self._hunk()
        elif (self.in_header and _EXTENDED.match(line)) or (self.kept and line.startswith("\\ No newline")):
            self.keep()
        else:
            self._other(line)

    def _rest_of_names(self) -> None:
        """The second name of a ``diff --git`` line that a mailer put on a line of its own."""
        place, line = self.kept[-1]
        following = self.lines[self.at].strip() if self.at < len(self.lines) else ""
        if " b/" not in line and following.startswith("b/"):
            self.kept[-1] = (place, f"{line.rstrip()} {following}\n")
            self.joined.append(self.at)
            self.at += 1

    def _names_pair(self) -> bool:
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        return self.lines[self.at].startswith("--- ") and following.startswith("+++ ")

    def _other(self, line: str) -> None:
        """Prose, most likely; but not what would be lost if it were taken for prose."""
        self.in_header = self.in_header and not line.startswith("GIT binary")
        if binary := _BINARY.match(line):
            name = binary[1] or self.file
            raise self.text.refused(
                f"changes a binary file, {name!a:.200}",
                "only text can be applied; take that file out",
                self.at,
            )
        if _COMBINED.match(line):
            raise self.text.refused("combined diff of a merge", "give the diff against one parent", self.at)
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if self.file and line.startswith("+++ ") and following.startswith("@@ -"):
            raise self.text.refused("malformed diff: a +++ line without its --- line", _SEND_AGAIN, self.at)
        marked = _MARKED_HUNK.match(line) is not None and self._goes_on_unmarked()
        if self.file and (line.startswith("@@ -") or _ODD_HUNK.match(line) or marked):
            raise self.text.refused("malformed diff: a hunk header that cannot be read", _SEND_AGAIN, self.at)
        self.at += 1

    def _goes_on_unmarked(self) -> bool:
        """The two lines after this one are of a diff, and no end of a mail."""
        here = self.lines[self.at + 1 : self.at + 3]
        return all(line[:1] in (" ", "+", "-") and not _MAIL_FOOTER.match(line) for line in here)

    def _hunk(self) -> None:
        """Keep a hunk as its header counts it; a line that cannot belong is left for unidiff to refuse."""
        header, first = self.at, len(self.kept)
        old, new = hunk_counts(self.lines[header])
        self.hunks += 1
        self._bounded()
        self.keep()
        while (old > 0 or new > 0) and self.at < len(self.lines):
            line = self.lines[self.at]
            mark = line[:1]
            if not mark:
                mark = " "
                self.blanks += 1
                self.keep(" ")
            elif mark not in " +-\\":
                if not self._rejoined(header, first):
                    self.keep()
                return
            else:
                self.keep()
            old -= mark in " -"
            new -= mark in " +"
        if not self._tail_rejoined():
            self._nothing_left_over()

    def _rejoined(self, header: int, first: int) -> bool:
        """Keep the hunk at *header* with each unmarked line put back behind the line it was wrapped from.

        Only when the counts then hold; ``kept`` from *first* on is what was kept of the hunk so far.
        """
        old, new = hunk_counts(self.lines[header])
        kept = [(header, self.lines[header] + "\n")]
        joined: list[int] = []
        at = header + 1
        while (old > 0 or new > 0) and at < len(self.lines):
            line = self.lines[at] or " "
            if line[0] in " +-\\":
                kept.append((at, f"{line}\n"))
                old -= line[0] in " -"
                new -= line[0] in " +"
            elif _wrapped_from(kept[-1][1]) and not _NO_TAIL.match(line):
                kept[-1] = (kept[-1][0], _together(kept[-1][1], line))
                joined.append(at)
            else:
                return False
            at += 1
        if old or new:
            return False
        self.kept[first:] = kept
        self.joined += joined
        self.at = at
        if not self._tail_rejoined():
            self._nothing_left_over()
        return True

    def _tail_rejoined(self) -> bool:
        """Put the rest of a wrapped last line of a hunk back; False when what follows is none."""
        line = self.lines[self.at] if self.at < len(self.lines) else ""
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if not line.strip() or line[0] in " +-\\" or _NO_TAIL.match(line):
            return False
        if not _wrapped_from(self.kept[-1][1]) or not (not following.strip() or _NO_TAIL.match(following)):
            return False
        self.kept[-1] = (self.kept[-1][0], _together(self.kept[-1][1], line))
        self.joined.append(self.at)
        self.at += 1
        return True

    def _nothing_left_over(self) -> None:
        line = self.lines[self.at] if self.at < len(self.lines) else ""
        if line[:1] in ("+", "-", " ") and not _MAIL_FOOTER.match(line) and not self._names_pair():
            raise self.text.refused(
                "malformed diff: the hunk goes on after as many lines as its header says",
                _SEND_AGAIN,
                self.at,
            )


def hunk_counts(header: str) -> tuple[int, int]:
    """Lines of the old and the new side, as the header of a hunk says."""
    found = HUNK.match(header)
    return (int(found[1] or "1"), int(found[2] or "1")) if found else (0, 0)


def diff_lines(text: Text, lines: list[str]) -> DiffLines:
    """Those of *lines*, the lines of *text*, that are diff; none when there is no diff.

    Raises UserError for binary and combined diffs, hunks longer than their headers say, headers that
    cannot be read, and diffs of more than half a million lines.
    """
    walk = _Filter(text, lines)
    while walk.at < len(walk.lines):
        walk.step()
    notes = []
    if walk.blanks:
        notes.append(f"the blank of {walk.blanks} empty context lines put back")
    if walk.joined:
        where = ", ".join(str(text.line(at)) for at in walk.joined[:5])
        more = ", …" if len(walk.joined) > len(walk.joined[:5]) else ""
        notes.append(f"wrapped lines put together (line {where}{more})")
    return DiffLines(lines=tuple(walk.kept), notes=tuple(notes))


def lf_lines(text: Text) -> list[str]:
    """Lines without LF; without CR too where the diff's own headers end in CR, so that mail put it there.

    Raises UserError for a NUL and for a line over 1 MiB: no source has such.
    """
    lines = text.body.split("\n")
    if lines[-1] == "":
        lines.pop()
    if "\0" in text.body:
        raise text.refused("binary (there are NUL bytes in it)", "give the patch as plain text")
    if len(text.body) > _LONGEST:
        for at, line in enumerate(lines):
            if len(line) > _LONGEST:
                raise text.refused(
                    f"a line of {len(line) >> 10} KiB", "no source has one; take it out of the patch", at
                )
    if any(line.endswith("\r") and line.startswith(_LF_KEPT) for line in lines):
        return [line.removesuffix("\r") for line in lines]
    return lines


def clean_header(line: str) -> str:
    """A ``---`` or ``+++`` line: a tab before the time stamp, no ``~patch-name`` after the file."""
    if "\t" not in line:
        line = _BLANKS_FOR_TAB.sub(r"\t\1", line)
    name, tab, stamp = line[4:].partition("\t")
    return f"{line[:4]}{plain_name(name.rstrip())}{tab}{stamp}"


def _wrapped_from(line: str) -> bool:
    return _WRAPPED_FROM < len(line) < _WRAPPED_TO and line[0] in " +-@"


def _together(line: str, rest: str) -> str:
    """Mailers break at a blank and take it away, or leave it at the end of the line."""
    head = line.rstrip("\n")
    return f"{head}{'' if head.endswith(' ') else ' '}{rest}\n"
