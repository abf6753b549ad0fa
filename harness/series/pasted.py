# SPDX-License-Identifier: GPL-2.0-only
"""Text that a reader saved or pasted: HTML, entities, no-break spaces, marks of quotation."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_HTML = re.compile(r"\s{0,200}<(?:!doctype html|!--|\?xml|html|head|body|pre)\b", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#\d{1,5}|#x[0-9a-f]{1,4});", re.IGNORECASE)
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "title", "ul", "table"})
_LINES = frozenset({"div", "li", "tr", "ul", "table"})  # no blank line between two of them
_SILENT = frozenset({"script", "style", "title"})
_NO_BREAK = "\u00a0\udca0"  # the second is its Latin-1 byte, kept as a surrogate escape
# In the indentation of a diff's line, where no source has it; what stands in a word is left.
_INDENTED = re.compile(rf"^[ +-]?[ \t]*[{_NO_BREAK}]", re.MULTILINE)
# Where pages may break a long line; not the joiners (U+200C, U+200D) that some scripts need.
_UNSEEN = re.compile("[\u200b\u2060\ufeff]")
_UNSEEN_FIRST = re.compile("^[\u200b\u2060\ufeff]+(?=[-+@ \t]|diff )", re.MULTILINE)
_BARE = re.compile(r"&(?!(?:\w{2,8}|#\d{1,5}|#x[0-9a-f]{1,4});)", re.IGNORECASE)
_QUOTED_NAMES = re.compile(r"^((?:[>|] ?)+)(?:--- |diff --git )", re.MULTILINE)
_PLAIN_NAMES = re.compile(r"^(?:--- |diff --git )", re.MULTILINE)


_LONGEST = 1 << 20
_MOST_ODD = 300
"""declarations, or tags that do not end"""


class _Visible(HTMLParser):
    """The text of a page; of its ``<pre>`` elements exactly, of the rest with a line for each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.pre = 0
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in _SILENT
        self.pre += tag == "pre"
        if tag in _BREAKS and not (tag in _LINES and self._at_line_start()):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - (tag in _SILENT))
        self.pre = max(0, self.pre - (tag == "pre"))
        if tag in _BREAKS and tag != "br" and not (tag in _LINES - {"tr"} and self._at_line_start()):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        if not self.pre and self._at_line_start():
            data = data.lstrip("\r\n")  # of the page's source, after <br> or between rows
        if data:
            self.pieces.append(data if self.pre else " ".join(data.split("\n")))

    def _at_line_start(self) -> bool:
        return not self.pieces or self.pieces[-1].endswith("\n")


def is_html(body: str) -> bool:
    """True when *body* begins as a page does, and is not one that html.parser takes quadratic time for."""
    return begins_as_html(body) and not _unreadable(body)


def begins_as_html(body: str) -> bool:
    """True when *body* begins as a page does, be it one that can be read or not."""
    return _HTML.match(body) is not None


def _unreadable(body: str) -> bool:
    if len(body) > _LONGEST:
        return True
    unclosed = body.count("<") - body.count(">")
    return max(unclosed, body.count("<!") + body.count("<?")) > _MOST_ODD


def visible_text(page: str) -> str:
    """What a reader of *page* sees; white space as it is within ``<pre>``. As it is, if it is none."""
    if not is_html(page):
        return page
    reader = _Visible()
    reader.feed(page)
    reader.close()
    return "\n".join(line.rstrip("\r") for line in "".join(reader.pieces).split("\n")).lstrip("\n")


def undo_paste(body: str, saved: bool) -> tuple[str, tuple[str, ...]]:
    """*body* as plain text, and what had to be undone. Text without such marks is given back as it is.

    *saved* says that it may be a page or its source; a mail as it was sent is none.
    """
    notes: list[str] = []
    if not saved:
        pass
    elif is_html(body):
        body = visible_text(body)
        notes.append("text taken out of an HTML page")
    elif _escaped(body):
        body = html.unescape(body)
        notes.append("HTML entities undone")
    if _UNSEEN_FIRST.search(body):
        body = _UNSEEN.sub("", body)
        notes.append("zero-width characters taken away")
    elif _UNSEEN.search(body, _diff_begins(body)):
        notes.append("zero-width characters are in it, and kept")  # a patch may take them out of a file
    if _INDENTED.search(body, _diff_begins(body)):
        for blank in _NO_BREAK:
            body = body.replace(blank, " ")
        notes.append("no-break spaces read as blanks")
    quoted = undo_quotation(body)
    if quoted is not None:
        body = quoted
        notes.append("marks of quotation taken away")
    return body, tuple(notes)


def _diff_begins(body: str) -> int:
    found = _PLAIN_NAMES.search(body)
    return found.start() if found else 0


def _escaped(body: str) -> bool:
    """Entities, and no plain ``<``, ``>`` within the diff, as kernel C always has.

    Some pages leave ``>`` as it is; then entities, and no ``&`` but theirs, have to be in the diff.
    """
    start = _PLAIN_NAMES.search(body)
    if start is None or not _ENTITY.search(body):
        return False
    diff = body[start.start() :]
    if "<" in diff:
        return False
    return ">" not in diff or (_ENTITY.search(diff) is not None and not _BARE.search(diff))


def undo_quotation(body: str) -> str | None:
    """*body* without ``> `` where the whole diff stands in quotation; remarks between are dropped.

    None when the diff is not quoted.
    """
    names = _QUOTED_NAMES.search(body)
    if names is None or _PLAIN_NAMES.search(body):
        return None
    depth = sum(character in ">|" for character in names[1])
    mark = names[1].rstrip(" ")
    blank = " " if names[1].endswith(" ") else ""
    kept: list[str] = []
    for line in body.split("\n"):
        if line.startswith(mark):
            kept.append(line[len(mark) :].removeprefix(blank))
        elif depth == 1 and not kept:
            kept.append(line)  # what stands before the quotation
    return "\n".join(kept)
