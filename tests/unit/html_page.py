# SPDX-License-Identifier: GPL-2.0-only
"""A page read by a parser, and what holds for every page of harness/report."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser

_VOID = {"meta", "br"}


class Page(HTMLParser):
    """A page: tags with their attributes, ids, references, and the text of each element by its id."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text.append(" ")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.text.append(" ")
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def words(self) -> str:
        return " ".join("".join(self.text).split())


def check_form(raw: bytes) -> Page:
    """Well formed, one head line, ids once, references only to what is in it or below it."""
    made = Page(raw)
    assert made.unbalanced == []
    assert made.open == []
    ids = [attributes["id"] for _, attributes in made.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in made.named("a"):
        assert (attributes["href"] or "").startswith(("#", "./"))
        if (attributes["href"] or "").startswith("#"):
            assert (attributes["href"] or "")[1:] in ids
    assert [name for name, _ in made.tags].count("h1") == 1
    return made


def check_harmless(raw: bytes) -> Page:
    """Nothing that runs or fetches, and a policy that forbids it."""
    made = Page(raw)
    names = {name for name, _ in made.tags}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "use", "image"}
    for _, attributes in made.tags:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("src", "style", "srcset")
        ]
    sheet = raw.decode().partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policies = [tag["content"] for tag in made.named("meta") if "http-equiv" in tag]
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]
    assert "url(" not in sheet
    assert "@import" not in sheet
    return made
