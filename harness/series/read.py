# SPDX-License-Identifier: GPL-2.0-only
"""A series from whatever form it comes in: quilt directory, git format-patch directory, mbox, mail, diff."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from harness.errors import UserError
from harness.series.diff import Diff, read_diff
from harness.series.files import LIMIT, read_bounded
from harness.series.mail import is_mail, read_mail, read_plain, split_mailbox
from harness.series.model import Patch, Series
from harness.series.quilt import read_stack, series_file
from harness.series.subject import Subject
from harness.series.text import Text

_SUFFIXES = (".patch", ".diff", ".eml")
_DIGITS = re.compile(r"(\d+)")


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A patch that was read and has no place in the series yet."""

    text: Text
    diff: Diff

    @property
    def subject(self) -> Subject:
        return self.text.subject


def read_series(source: Path) -> Series:
    """Read the series at *source* and put its patches in order; diffs are checked and normalised.

    Numbers and version come from ``[PATCH vN n/m]``; of several versions in one mailbox the newest
    counts. Cover letters and replies are left out, numbers that are not there go to ``missing``.
    Raises UserError, one line with ``FILE[:LINE]: what; mend``, for everything that cannot be used.
    """
    if not source.is_dir():
        return _arranged(source, _newest(_drafts(source, read_bounded(source))), ordered=False)
    series = series_file(source)
    if series is None:
        return _arranged(source, _newest(_directory(source)), ordered=True)
    stack = read_stack(series)
    _bounded(series, [entry.path for entry in stack])
    drafts = [_one(entry.path, entry.level) for entry in stack]
    return _series(source, drafts, [(at, len(drafts)) for at in range(1, len(drafts) + 1)])


def _bounded(source: Path, paths: list[Path]) -> None:
    if sum(path.stat().st_size for path in paths) > LIMIT:
        raise UserError(
            f"{source}: more than the {LIMIT >> 20} MiB that a series may have; give fewer patches at once"
        )


def _one(path: Path, level: int | None) -> _Draft:
    """The one patch that a file of a quilt stack holds."""
    raw = read_bounded(path)
    text = read_mail(raw, str(path)) if is_mail(raw) else read_plain(raw, str(path), path.stem)
    if not text.subject.text:
        text = msgspec.structs.replace(text, subject=Subject(text=path.stem))
    diff = read_diff(text, level)
    if diff is None:
        raise text.refused("no diff in it", "give the patch itself, or take it out of the series file")
    return _Draft(text=text, diff=diff)


def _directory(source: Path) -> list[_Draft]:
    """What ``git format-patch -o DIR`` wrote; files in the order of the numbers in their names."""
    try:
        paths = [path for path in source.iterdir() if path.suffix in _SUFFIXES and path.is_file()]
    except OSError as error:
        raise UserError(f"{source}: cannot be read: {error.strerror}; mend its permissions") from error
    if not paths:
        raise UserError(
            f"{source}: no patch in it; it wants a quilt series file, or *.patch, *.diff or *.eml"
        )
    _bounded(source, paths)
    drafts: list[_Draft] = []
    for path in sorted(paths, key=_natural):
        found = _drafts(path, read_bounded(path))
        if not found and not _is_cover(path):
            raise UserError(f"{path}: no diff in it; take the file out of the directory")
        drafts += found
    if not drafts:
        raise UserError(f"{source}: no diff in it; only cover letters are there")
    return drafts


def _natural(path: Path) -> list[tuple[int, str]]:
    """``2-x`` before ``10-x``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(path.name) if part]


def _is_cover(path: Path) -> bool:
    if "cover-letter" in path.name or path.name.endswith(".cover"):
        return True
    raw = read_bounded(path)
    return is_mail(raw) and read_mail(raw, str(path)).subject.number == 0


def _drafts(path: Path, raw: bytes) -> list[_Draft]:
    """The patches in one file. Answers to them are left out, unless there is nothing else."""
    if is_mail(raw):
        messages = split_mailbox(raw)
        several = len(messages) > 1
        texts = [
            read_mail(message, str(path), line, at if several else 0)
            for at, (line, message) in enumerate(messages, 1)
        ]
    else:
        texts = [read_plain(raw, str(path), path.stem)]
    texts = [text for text in texts if not text.subject.reply] or texts
    drafts = []
    for text in texts:
        if text.subject.number == 0:
            continue
        diff = read_diff(text)
        if diff is not None:
            drafts.append(_Draft(text=text, diff=diff))
        elif text.subject.number:
            raise text.refused(f"{text.subject.text!r}: no diff in it", "give the mail with its patch")
    if not drafts and path.suffix not in (*_SUFFIXES, ".cover"):
        raise UserError(f"{path}: no diff in it; give a patch, a mailbox or a directory of patches")
    return drafts


def _newest(drafts: list[_Draft]) -> list[_Draft]:
    """The patches of the highest version; the same mail twice (by Message-ID) counts once."""
    version = max((draft.subject.version for draft in drafts), default=1)
    seen: dict[str, _Draft] = {}
    for at, draft in enumerate(drafts):
        if draft.subject.version == version:
            seen.setdefault(draft.text.message_id or f"{at} ", draft)
    return list(seen.values())


def _arranged(source: Path, drafts: list[_Draft], ordered: bool) -> Series:
    """Order *drafts* by n/m; by their places where no patch has a number, or file names say it."""
    if not drafts:
        raise UserError(f"{source}: no diff in it; give a patch, a mailbox or a directory of patches")
    numbers = [draft.subject.number or 0 for draft in drafts]
    totals = {draft.subject.total for draft in drafts}
    numbered = all(numbers) and len(set(numbers)) == len(numbers) and len(totals) == 1
    if numbered and (not ordered or numbers == sorted(numbers)):
        total = max(*numbers, *(draft.subject.total or 0 for draft in drafts))
        drafts = sorted(drafts, key=lambda draft: draft.subject.number or 0)
        return _series(source, drafts, [(number, total) for number in sorted(numbers)])
    if any(numbers) and not ordered:
        _refuse_muddle(drafts)
    return _series(source, drafts, [(at, len(drafts)) for at in range(1, len(drafts) + 1)])


def _refuse_muddle(drafts: list[_Draft]) -> None:
    """Name the first patch that cannot be placed among those with a number."""
    seen: dict[int, _Draft] = {}
    total = next(draft.subject.total for draft in drafts if draft.subject.number)
    for draft in drafts:
        number, title = draft.subject.number, draft.subject.text
        if number is None:
            raise draft.text.refused(f"{title!r} has no n/m as the others have", "number it, or take it out")
        if draft.subject.total != total:
            raise draft.text.refused(
                f"{title!r} is {number}/{draft.subject.total} among patches n/{total}",
                "give one series at a time",
            )
        if number in seen:
            raise draft.text.refused(
                f"{title!r} is {number}/{total}, and so is {seen[number].text.origin}", "keep one of the two"
            )
        seen[number] = draft


def _series(source: Path, drafts: list[_Draft], places: list[tuple[int, int]]) -> Series:
    there = {number for number, _ in places}
    return Series(
        name=source.resolve().stem if source.is_file() else source.resolve().name,
        version=max(draft.subject.version for draft in drafts),
        patches=tuple(
            Patch(
                number=number,
                total=total,
                subject=draft.subject.text,
                author=draft.text.author,
                message_id=draft.text.message_id,
                diff=draft.diff.data,
                files=draft.diff.files,
                origin=draft.text.origin,
            )
            for draft, (number, total) in zip(drafts, places, strict=True)
        ),
        missing=tuple(number for number in range(1, places[0][1] + 1) if number not in there),
        source=str(source),
    )
