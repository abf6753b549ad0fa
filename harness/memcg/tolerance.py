# SPDX-License-Identifier: GPL-2.0-only
"""How far a measured value may be off: the sum of terms, each with its number and its cause."""

from __future__ import annotations

import msgspec

from harness.memcg.interface import Term, at_least, read
from harness.memcg.record import Begin
from harness.memcg.stream import CaseStream
from harness.tree.model import Version

_WORDS = {"cpu": "CPUs", "node": "nodes", "worker": "workers", "isolated": "pages of the workers"}


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """In bytes, and how it was computed."""

    size: int
    terms: str


def tolerance(
    terms: tuple[Term, ...], stream: CaseStream, begin: Begin, kernel: Version, *, held: int, under: bool
) -> Tolerance:
    """What *terms* allow on this machine and kernel.

    *held* is the most kernel memory, in bytes, that the group had once its workload had ended; *under*
    asks for a measured value below the expected one.
    """
    pages = 0
    words = []
    for term in terms:
        each = _pages(term, begin, kernel)
        if not each or (under and term.side == "over") or not _seen(term, stream):
            continue
        counts = {
            "cpu": begin.cpus,
            "node": begin.nodes,
            "worker": max(begin.workers, _told(stream, "tasks")),
            "isolated": _told(stream, "isolated"),
        }
        things = sum(counts[name] for name in term.per)
        if not things:
            continue
        names = f"{things} " + " and ".join(_WORDS[name] for name in term.per)
        for name in term.times:
            things, names = things * counts[name], f"{names} x {counts[name]} {_WORDS[name]}"
        size, text = things * each, f"{names} x {each} pages of {term.name}"
        drain = _drained(term, stream)
        if drain:
            kept = -(-held // begin.page_size) if term.drained == "kernel" else 0
            size, text = min(size, kept), f"{min(size, kept)} pages of {term.name} (after {drain})"
        pages += size
        words.append(text)
    listed = " + ".join(words) or "none"
    return Tolerance(size=pages * begin.page_size, terms=f"{listed} = {pages} pages x {begin.page_size}")


def _pages(term: Term, begin: Begin, kernel: Version) -> int:
    if begin.iface not in term.iface:
        return 0
    sizes = [size.pages for size in term.sizes if at_least(kernel, size.since)]
    return sizes[-1] if sizes else 0


def _told(stream: CaseStream, fact: str) -> int:
    """The sum of a fact of the workers': tasks that charge at once, or pages off their lists at once."""
    said = [work.facts.get(fact, "") for work in stream.work]
    return sum(int(count) for count in said if count.isdecimal())


def _seen(term: Term, stream: CaseStream) -> bool:
    """Whether the group had at some time what the term is about."""
    return not term.seen or any((read(sample.files, term.seen) or 0) > 0 for sample in stream.samples)


def _drained(term: Term, stream: CaseStream) -> str:
    """The step that emptied it, if one did."""
    for action in term.drained_by:
        step = stream.last_step(action)
        if step is not None and step.errno == 0:
            return action
    return ""
