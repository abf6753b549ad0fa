# SPDX-License-Identifier: GPL-2.0-only
"""The text of one patch, as it came: who says what, and where its lines stand in the file."""

from __future__ import annotations

import msgspec

from harness.errors import UserError
from harness.series.subject import Subject


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A mail, or a patch file, before its diff is looked at."""

    subject: Subject
    author: str = ""
    date: str = ""
    """as the mail, or the ``Date:`` line that opens its text, has it"""
    message_id: str = ""
    sender: str = ""
    """the ``From:`` header itself, which a ``From:`` line in the text does not overrule"""
    parents: tuple[str, ...] = ()
    """message ids that it answers, nearest first"""
    name: str = ""
    """file name in a quilt or broken-out directory"""
    description: str = ""
    """the text before the diff, without ``---``, diffstat, and the lines that open it"""
    notes: tuple[str, ...] = ()
    """what had to be undone to read it, one phrase each"""
    body: str
    """description and diff; bytes that are not UTF-8 stand as surrogate escapes"""
    path: str
    """the file"""
    origin: str
    """the file, and the message in it"""
    first_line: int = 0
    """line of the file at which ``body`` begins; 0 where a transfer encoding hides it"""

    def at(self, index: int) -> str:
        """Where line *index* (0-based) of the body is, for an error."""
        if self.first_line:
            return f"{self.path}:{self.line(index)}"
        return f"{self.origin}, line {self.line(index)} of its text"

    def line(self, index: int) -> int:
        """The number for line *index* (0-based) of the body: of the file, or else of the text."""
        return self.first_line + index if self.first_line else index + 1

    def refused(self, what: str, mend: str, index: int | None = None) -> UserError:
        """The one-line error about this patch, at a line of its body or as a whole."""
        place = self.origin if index is None else self.at(index)
        return UserError(f"{place}: {what}; {mend}")
