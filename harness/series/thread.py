# SPDX-License-Identifier: GPL-2.0-only
"""Which mails of a mailbox are the series: by In-Reply-To, numbers and versions (RFC 5322, 3.6.4).

A mailbox holds more than a series: answers with patches in them, the version before, another
series sent as an answer to this one, a single mail sent again. Where no choice is safe it is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from harness.errors import UserError
from harness.series.text import Text

_Key = tuple[str, int, int]
_SHOWN = 3
_MOST_GROUPS = 300


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The mails of one series."""

    texts: tuple[Text, ...]
    """patches, in the order of the mailbox; each may still turn out to have no diff"""
    cover: Text | None = None
    notes: tuple[str, ...] = ()


class _Group(msgspec.Struct, kw_only=True):
    """Mails that were sent as one series."""

    loose: bool
    """nothing but the mailbox holds it together"""
    root: str
    covers: list[Text]
    patches: list[Text]

    def version(self) -> int:
        return max(text.subject.version for text in [*self.covers, *self.patches])

    def total(self) -> int:
        return max((text.subject.total or 0 for text in [*self.covers, *self.patches]), default=0)

    def numbers(self) -> set[int]:
        return {text.subject.number for text in self.patches if text.subject.number}

    def title(self) -> str:
        return ascii((self.covers or self.patches)[0].subject.text[:80])

    def titles(self) -> set[str]:
        return {text.subject.text.lower() for text in [*self.covers, *self.patches]}

    def senders(self) -> set[str]:
        return {text.sender for text in [*self.covers, *self.patches] if text.sender}


def choose(source: str, texts: list[Text], wanted: str = "") -> Choice:
    """The series in *texts*; the one that has the message id *wanted*, or else the newest version.

    Raises UserError when there are several series that are not versions of one.
    """
    notes: list[str] = []
    texts = _once(texts, notes)
    by_id = {text.message_id: text for text in texts if text.message_id}
    sent, answers = _answers_apart(texts, by_id)
    groups = _groups(sent, by_id)
    if not groups:
        if answers:
            notes.append("only answers are there: the patches in them are taken")
        return Choice(texts=tuple(answers), notes=tuple(notes))
    chosen = _newest(source, groups, wanted, notes)
    patches = _filled(chosen, groups, by_id, notes)
    patches = _resent(patches, notes)
    patches += _answers_that_belong(chosen, patches, answers, notes)
    taken = {id(text) for text in patches}
    left = sum(id(text) not in taken for text in answers)
    if left:
        notes.append(f"{left} {'answer' if left == 1 else 'answers'} left out")
    return Choice(
        texts=tuple(patches), cover=chosen.covers[-1] if chosen.covers else None, notes=tuple(notes)
    )


def _once(texts: list[Text], notes: list[str]) -> list[Text]:
    """Each mail once: by Message-ID; a mail that came by two lists may have two ids and one text."""
    seen: dict[object, Text] = {}
    for at, text in enumerate(texts):
        same = (text.subject, text.sender, text.date, text.body) if text.message_id and text.sender else at
        if text.message_id and ("id", text.message_id) in seen:
            continue
        if same in seen:
            continue
        seen[("id", text.message_id) if text.message_id else at] = text
        seen[same] = text
    unique = list({id(text): text for text in seen.values()}.values())
    if len(unique) < len(texts):
        notes.append(f"{len(texts) - len(unique)} mails left out that are there twice")
    return unique


def _answers_apart(texts: list[Text], by_id: dict[str, Text]) -> tuple[list[Text], list[Text]]:
    """What was sent as a patch, and what answers one: by ``Re:``, or by having no tag and a parent."""
    tagged = any(text.subject.tagged and not text.subject.reply for text in texts)
    sent: list[Text] = []
    answers: list[Text] = []
    for text in texts:
        known = any(parent in by_id for parent in text.parents)
        is_answer = text.subject.reply or (tagged and known and not text.subject.tagged)
        (answers if is_answer else sent).append(text)
    return sent, answers


def _groups(texts: list[Text], by_id: dict[str, Text]) -> list[_Group]:
    """*texts* by the series that they were sent as, in order of appearance."""
    groups: dict[_Key, _Group] = {}
    answered = {parent for text in texts for parent in text.parents[:1]}
    heads = _tops(texts, by_id, _of_one_series)
    roots = _tops(texts, by_id, lambda _above, _text: True)
    for text in texts:
        key = _key(text, heads[id(text)], answered)
        root = roots[id(text)]
        group = groups.setdefault(
            key,
            _Group(
                loose=key[0] == "",
                root=root.parents[-1] if root.parents else root.message_id,
                covers=[],
                patches=[],
            ),
        )
        (group.covers if text.subject.number == 0 else group.patches).append(text)
    return _merged(list(groups.values()))


def _key(text: Text, head: Text, answered: set[str]) -> _Key:
    """What mails of one series share: the *head* of the thread in which all have its version and total."""
    version, total = text.subject.version, text.subject.total or 0
    if head.message_id in answered and (head.subject.number == 0 or not head.parents):
        return (head.message_id, version, total)
    if head.parents:
        return (head.parents[0], version, total)
    return ("", version, 0)


def _tops(texts: list[Text], by_id: dict[str, Text], joined: Callable[[Text, Text], bool]) -> dict[int, Text]:
    """For each mail, by ``id()``, the last one up its thread to which mails that are *joined* lead."""
    tops: dict[int, Text] = {}
    for text in texts:
        path: dict[int, Text] = {}
        at = text
        while id(at) not in tops and id(at) not in path:
            path[id(at)] = at
            above = next((by_id[parent] for parent in at.parents if parent in by_id), None)
            if above is None or not joined(above, at):
                break
            at = above
        top = tops.get(id(at), at)
        tops.update(dict.fromkeys(path, top))
    return tops


def _of_one_series(above: Text, text: Text) -> bool:
    one, other = above.subject, text.subject
    alike = one.version == other.version and one.total == other.total
    return alike and one.number is not None and not one.reply and other.number != 0


def _merged(groups: list[_Group]) -> list[_Group]:
    """Put the pieces of a series whose thread is broken together: numbers that do not meet, one sender."""
    whole: list[_Group] = []
    if len(groups) > _MOST_GROUPS:
        return groups  # a list's archive: which series is meant will have to be said
    for group in groups:
        into = next((other for other in whole if _pieces(other, group)), None)
        if into is None:
            whole.append(group)
            continue
        into.covers += group.covers
        into.patches += group.patches
        into.loose = into.loose and group.loose
    return whole


def _pieces(one: _Group, other: _Group) -> bool:
    if (one.version(), one.total()) != (other.version(), other.total()) or not one.total():
        return False
    if one.numbers() & other.numbers():
        return False
    if one.covers and other.covers:  # sent twice: in one thread, by one sender
        return one.root == other.root and bool(one.senders() & other.senders())
    return one.loose or other.loose or one.root == other.root or bool(one.senders() & other.senders())


def _newest(source: str, groups: list[_Group], wanted: str, notes: list[str]) -> _Group:
    """The group to take; the others go to *notes*."""
    if wanted:
        for group in groups:
            if any(text.message_id == wanted for text in [*group.covers, *group.patches]):
                return group
    numbered = [group for group in groups if group.numbers() or group.covers]
    strays = [group for group in groups if group not in numbered]
    if numbered and strays and not any(group.loose for group in strays):
        count = sum(len(group.patches) for group in strays)
        notes.append(f"{count} {'patch' if count == 1 else 'patches'} of other threads left out")
        groups = numbered
    elif not numbered:
        return _unnumbered(groups, notes)
    whole = [group for group in groups if group.patches] or groups
    top = max(whole, key=_rank)
    for group in whole:
        if group is top:
            continue
        if not _versions_of_one(top, group):
            shown = ", ".join(each.title() for each in whole[:_SHOWN])
            raise UserError(
                f"{source}: {len(whole)} series in one mailbox ({shown}); give one at a time, or a "
                "message-id: of the one you mean"
            )
        if group.version() == top.version():
            top.patches += group.patches
            top.covers += group.covers
        else:
            notes.append(f"version {group.version()} left out for version {top.version()}")
    return top


def _rank(group: _Group) -> tuple[int, bool]:
    return group.version(), any(text.subject.resend for text in [*group.covers, *group.patches])


def _unnumbered(groups: list[_Group], notes: list[str]) -> _Group:
    """Single patches, all of them; of the same patch in several versions the newest."""
    version = max(group.version() for group in groups)
    patches = [text for group in groups for text in group.patches]
    newest = [text for text in patches if text.subject.version == version]
    if len(newest) < len(patches):
        notes.append(f"{len(patches) - len(newest)} of older versions left out for version {version}")
    order = {id(text): at for at, text in enumerate(patches)}
    newest.sort(key=lambda text: order[id(text)])
    return _Group(loose=True, root="", covers=[], patches=newest)


def _versions_of_one(one: _Group, other: _Group) -> bool:
    """One series, sent again: by thread, by a title in common, or since nothing speaks against it."""
    same_title = bool(one.titles() & other.titles())
    if one.version() == other.version():
        resent = any(text.subject.resend for text in [*one.covers, *one.patches])
        return (one.loose and other.loose) or (resent and same_title)
    return one.loose or other.loose or one.root == other.root or same_title


def _filled(chosen: _Group, groups: list[_Group], by_id: dict[str, Text], notes: list[str]) -> list[Text]:
    """Where single patches alone were sent anew, as answers to theirs, the rest of the version before."""
    numbers = chosen.numbers()
    above = [
        next((by_id[parent] for parent in text.parents if parent in by_id), None) for text in chosen.patches
    ]
    partial = not chosen.covers and 0 < len(numbers) < chosen.total()
    if not partial or not all(
        old is not None
        and old.subject.number == new.subject.number
        and old.subject.total == new.subject.total
        for old, new in zip(above, chosen.patches, strict=True)
    ):
        return list(chosen.patches)
    before = next((group for group in groups if above[0] in group.patches and group is not chosen), None)
    if before is None:
        return list(chosen.patches)
    rest = [text for text in before.patches if text.subject.number not in numbers]
    shown = ", ".join(str(number) for number in sorted(numbers))
    notes.append(f"version {chosen.version()} has {shown} alone; the rest is of version {before.version()}")
    chosen.covers += before.covers
    return [*rest, *chosen.patches]


def _resent(patches: list[Text], notes: list[str]) -> list[Text]:
    """Without the mails that a RESEND takes the place of."""
    resent = {text.subject.number for text in patches if text.subject.resend and text.subject.number}
    kept = [text for text in patches if text.subject.resend or text.subject.number not in resent]
    if len(kept) < len(patches):
        notes.append(f"{len(patches) - len(kept)} mails left out for the same sent again (RESEND)")
    return kept


def _answers_that_belong(
    chosen: _Group, patches: list[Text], answers: list[Text], notes: list[str]
) -> list[Text]:
    """Patches of the series that were sent under ``Re:``, by its sender, where a number is missing."""
    there = Counter(text.subject.number for text in patches)
    found: list[Text] = []
    for text in answers:
        subject = text.subject
        fits = subject.number and subject.total == chosen.total() and subject.version == chosen.version()
        if fits and not there[subject.number] and text.sender in chosen.senders() and _has_diff(text):
            there[subject.number] += 1
            notes.append(f"{subject.number}/{subject.total} was sent as an answer")
            found.append(text)
    return found


def _has_diff(text: Text) -> bool:
    return "\n--- " in text.body and "\n+++ " in text.body and "\n@@ " in text.body
