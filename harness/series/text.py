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
    message_id: str = ""
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
            return f"{self.path}:{self.first_line + index}"
        return f"{self.origin}, line {index + 1} of its text"

    def refused(self, what: str, mend: str, index: int | None = None) -> UserError:
        """The one-line error about this patch, at a line of its body or as a whole."""
        place = self.origin if index is None else self.at(index)
        return UserError(f"{place}: {what}; {mend}")
