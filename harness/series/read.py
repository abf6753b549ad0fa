# SPDX-License-Identifier: GPL-2.0-only
"""A series from whatever file or directory it comes in: mailbox, maildir, mails, quilt, broken-out, diff."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from harness.errors import UserError
from harness.series.diff import Diff, read_diff
from harness.series.files import read_all, read_bounded
from harness.series.folder import folder, must_have_diff
from harness.series.mail import read_mail, read_plain
from harness.series.mailbox import is_mail, split_mailbox, without_bom
from harness.series.model import Patch, Series
from harness.series.packed import plain_path
from harness.series.page import Piece, split_page
from harness.series.quilt import Entry, folded, read_stack, series_file
from harness.series.subject import Subject, parse_subject
from harness.series.text import Text
from harness.series.thread import choose

_BASE = re.compile(r"^base-commit: ([0-9a-f]{40}(?:[0-9a-f]{24})?)\s*$", re.MULTILINE)
_PREREQUISITE = re.compile(r"^prerequisite-((?:patch|message|change)-id): (\S{1,200})\s*$", re.MULTILINE)
_SHOWN = 20


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A patch that was read and has no place in the series yet."""

    text: Text
    diff: Diff

    @property
    def subject(self) -> Subject:
        return self.text.subject


class _Content(msgspec.Struct, frozen=True, kw_only=True):
    """The mails of one file."""

    texts: tuple[Text, ...]
    notes: tuple[str, ...] = ()


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the source holds: patches, and what was said beside them."""

    drafts: tuple[_Draft, ...]
    cover: Text | None = None
    notes: tuple[str, ...] = ()


def read_series(source: Path, wanted: str = "") -> Series:
    """Read the series at *source* and put its patches in order; diffs are checked and normalised.

    Numbers and version come from ``[PATCH vN n/m]``; of several versions in one mailbox the newest
    counts, or the one that has the message id *wanted*. Cover letters and answers are left out, numbers
    that are not there go to ``missing``, what was left out or put right to ``notes``.
    Raises UserError, one line with ``FILE[:LINE]: what; mend``, for everything that cannot be used.
    """
    if not source.is_dir():
        return _arranged(
            source, _chosen(source, [_content(source, read_bounded(source))], wanted), ordered=False
        )
    series = series_file(source)
    if series is not None:
        return _quilt(source, series)
    found = folder(source)
    contents: list[_Content] = []
    for path, raw in zip(found.paths, read_all(source, list(found.paths)), strict=True):
        here = _content(path, raw)
        if must_have_diff(path) and not any(
            text.subject.number == 0 or _has_diff(text) for text in here.texts
        ):
            raise UserError(f"{path}: no diff in it; take the file out of the directory")
        contents.append(here)
    return _arranged(source, _chosen(source, contents, wanted), ordered=found.ordered)


def _quilt(source: Path, series: Path) -> Series:
    stack = read_stack(series)
    contents = read_all(series, [entry.path for entry in stack.entries])
    drafts = tuple(_one(entry, raw) for entry, raw in zip(stack.entries, contents, strict=True))
    places = [(at, len(drafts)) for at in range(1, len(drafts) + 1)]
    return _series(source, _Found(drafts=drafts, notes=stack.notes), places)


def _one(entry: Entry, raw: bytes) -> _Draft:
    """The one patch that a file of a quilt stack, with the contents *raw*, holds."""
    path = entry.path
    raw = without_bom(raw)
    if is_mail(raw):
        texts = read_mail(raw, str(path))
        text = next((text for text in texts if _has_diff(text)), texts[0])
    else:
        text = read_plain(raw, str(path), plain_path(path).stem)
    subject = text.subject
    if not subject.text and not subject.tagged:
        subject = msgspec.structs.replace(subject, text=parse_subject(plain_path(path).stem).text)
    text = msgspec.structs.replace(text, subject=subject, name=entry.name)
    diff = read_diff(text, entry.level)
    if diff is None:
        raise text.refused("no diff in it", "give the patch itself, or take it out of the series file")
    return _Draft(text=text, diff=diff)


def _content(path: Path, raw: bytes) -> _Content:
    """The mails in a file with the contents *raw*, or the file itself when it is none."""
    raw = without_bom(raw)
    messages = split_mailbox(raw, str(path)) if is_mail(raw) else [(1, raw)]
    pieces = split_page(raw, str(path)) if len(messages) == 1 else []
    if pieces:
        return _archived(path, pieces)
    if not is_mail(raw):
        return _Content(texts=(read_plain(raw, str(path), plain_path(path).stem),))
    several = len(messages) > 1
    return _Content(
        texts=tuple(
            text
            for at, (line, message) in enumerate(messages, 1)
            for text in read_mail(message, str(path), line, at if several else 0)
        )
    )


def _archived(path: Path, pieces: list[Piece]) -> _Content:
    """The mails of a page; what its archive prints above their headers is their subject."""
    texts: list[Text] = []
    for at, piece in enumerate(pieces, 1):
        if not piece.title and is_mail(piece.raw):
            texts += read_mail(piece.raw, str(path), piece.line, at)
            continue
        text = read_plain(piece.raw, str(path), plain_path(path).stem, piece.line, at)
        if piece.title and not text.subject.tagged:
            text = msgspec.structs.replace(text, subject=parse_subject(piece.title))
        texts.append(text)
    notes = [f"{path.name!a}: {len(pieces)} mails in one {'text' if pieces[0].line else 'page'} taken apart"]
    covers = sum(text.subject.number == 0 and not text.subject.reply for text in texts)
    if covers:
        notes.append(f"{covers} cover {'letter' if covers == 1 else 'letters'} left out")
    return _Content(texts=tuple(texts), notes=tuple(notes))


def _has_diff(text: Text) -> bool:
    return "\n--- " in f"\n{text.body}" or "\ndiff --git " in f"\n{text.body}"


def _chosen(source: Path, contents: list[_Content], wanted: str) -> _Found:
    """The patches among the mails of *contents*."""
    choice = choose(str(source), [text for content in contents for text in content.texts], wanted)
    notes = [*(note for content in contents for note in content.notes), *choice.notes]
    drafts: list[_Draft] = []
    for text in choice.texts:
        diff = read_diff(text)
        if diff is not None:
            drafts.append(_Draft(text=text, diff=diff))
        elif text.subject.number:
            raise text.refused(f"{text.subject.text!a}: no diff in it", "give the mail with its patch")
    empty = len(choice.texts) - len(drafts)
    if empty:
        notes.append(f"{empty} {'mail' if empty == 1 else 'mails'} without a diff left out")
    if not drafts:
        raise UserError(f"{source}: no diff in it; give a patch, a mailbox or a directory of patches")
    return _Found(drafts=tuple(drafts), cover=choice.cover, notes=tuple(notes))


def _arranged(source: Path, found: _Found, ordered: bool) -> Series:
    """Order the drafts by n/m; by their places where no patch has a number, or file names say it."""
    drafts = found.drafts
    numbers = [draft.subject.number or 0 for draft in drafts]
    totals = {draft.subject.total for draft in drafts}
    numbered = all(numbers) and len(set(numbers)) == len(numbers) and len(totals) == 1
    if numbered and (not ordered or numbers == sorted(numbers)):
        total = max(*numbers, *(draft.subject.total or 0 for draft in drafts))
        sorted_ = tuple(sorted(drafts, key=lambda draft: draft.subject.number or 0))
        notes = found.notes if sorted_ == drafts else (*found.notes, "put in the order of their numbers")
        found = msgspec.structs.replace(found, drafts=sorted_, notes=notes)
        return _series(source, found, [(number, total) for number in sorted(numbers)])
    if any(numbers) and not ordered:
        _refuse_muddle(drafts)
    return _series(source, found, [(at, len(drafts)) for at in range(1, len(drafts) + 1)])


def _refuse_muddle(drafts: tuple[_Draft, ...]) -> None:
    """Name the first patch that cannot be placed among those with a number."""
    seen: dict[int, _Draft] = {}
    total = next(draft.subject.total for draft in drafts if draft.subject.number)
    for draft in drafts:
        number, title = draft.subject.number, ascii(draft.subject.text)
        if number is None:
            raise draft.text.refused(f"{title} has no n/m as the others have", "number it, or take it out")
        if draft.subject.total != total:
            raise draft.text.refused(
                f"{title} is {number}/{draft.subject.total} among patches n/{total}",
                "give one series at a time",
            )
        if number in seen:
            raise draft.text.refused(
                f"{title} is {number}/{total}, and so is {seen[number].text.origin}", "keep one of the two"
            )
        seen[number] = draft


def _series(source: Path, found: _Found, places: list[tuple[int, int]]) -> Series:
    there = {number for number, _ in places}
    drafts = found.drafts
    folds = folded([draft.text.name for draft in drafts])
    beside = [*([found.cover] if found.cover else []), *(draft.text for draft in drafts)]
    return Series(
        name=_name(source, found.cover),
        version=max(text.subject.version for text in beside),
        patches=tuple(
            _patch(draft, fixes, number, total)
            for draft, fixes, (number, total) in zip(drafts, folds, places, strict=True)
        ),
        missing=tuple(number for number in range(1, places[0][1] + 1) if number not in there),
        source=str(source),
        base_commit=next((base[1] for text in beside if (base := _BASE.search(text.body))), ""),
        notes=(*found.notes, *_folds(drafts, folds), *_prerequisites(beside), *_patch_notes(drafts, places)),
    )


def _name(source: Path, cover: Text | None) -> str:
    """The cover letter's title, where somebody wrote one; or else the name of the file."""
    title = cover.subject.text if cover else ""
    if title and title != "*** SUBJECT HERE ***":
        return title
    return plain_path(source.resolve()).stem if source.is_file() else source.resolve().name


def _patch(draft: _Draft, fixes: str, number: int, total: int) -> Patch:
    text = draft.text
    return Patch(
        number=number,
        total=total,
        subject=text.subject.text,
        author=text.author,
        message_id=text.message_id,
        diff=draft.diff.data,
        files=draft.diff.files,
        origin=text.origin,
        date=text.date,
        description=text.description,
        fixes=fixes,
        name=text.name,
        damaged=draft.diff.damaged,
    )


def _folds(drafts: tuple[_Draft, ...], folds: list[str]) -> list[str]:
    return [
        f"{draft.text.name!a} is to be folded into {fixes!a}"
        for draft, fixes in zip(drafts, folds, strict=True)
        if fixes
    ]


def _prerequisites(texts: list[Text]) -> list[str]:
    found = dict.fromkeys(
        f"needs {kind} {ascii(value)[1:-1]} before it"
        for text in texts
        for kind, value in _PREREQUISITE.findall(text.body)
    )
    return list(found)[:_SHOWN]


def _patch_notes(drafts: tuple[_Draft, ...], places: list[tuple[int, int]]) -> list[str]:
    """What had to be put right in the patches, each once with the numbers of those that it is about."""
    about: dict[str, list[int]] = {}
    for draft, (number, _) in zip(drafts, places, strict=True):
        for note in (*draft.text.notes, *draft.diff.notes):
            about.setdefault(note, []).append(number)
    return [
        f"patch {', '.join(map(str, numbers[:_SHOWN]))}{', …' if len(numbers) > _SHOWN else ''}: {note}"
        for note, numbers in about.items()
    ]
