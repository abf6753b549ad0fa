# SPDX-License-Identifier: GPL-2.0-only
"""What a stage tells its listener while it works. Stages never print; progress bars and logs listen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec


class Started(msgspec.Struct, frozen=True, tag=True):
    """A task began. ``task`` names it until :class:`Finished`; ``total`` is in the task's own units."""

    task: str
    title: str
    total: float | None = None


class Progress(msgspec.Struct, frozen=True, tag=True):
    """How far a task is: ``done`` of ``total``, with a few words on what it is at."""

    task: str
    done: float
    total: float | None = None
    text: str = ""


class Finished(msgspec.Struct, frozen=True, tag=True):
    """A task ended, well or not, after ``seconds``."""

    task: str
    title: str
    outcome: str
    seconds: float


class Note(msgspec.Struct, frozen=True, tag=True):
    """Something worth a line in the log."""

    text: str
    warning: bool = False


class Work(msgspec.Struct, frozen=True):
    """Something that is still to be done: by the task of that name, in about so many seconds."""

    task: str
    seconds: float | None = None
    """None where nobody can say"""


class Ahead(msgspec.Struct, frozen=True, tag=True):
    """The running task ``task`` is at one of its stages; this is all that is still ahead of it."""

    task: str
    stage: str
    number: int
    total: int
    in_turn: tuple[Work, ...] = ()
    """one after the other, the stage at hand included"""
    beside: tuple[Work, ...] = ()
    """then these, ``lanes`` of them at a time"""
    lanes: int = 1


Event = Started | Progress | Finished | Note | Ahead
Listener = Callable[[Event], None]


def within(name: str, task: str) -> str:
    """What *task* is called where several have it: that of *name*."""
    return f"{name}: {task}"


def silent(_event: Event) -> None:
    """The listener that does nothing."""


class Task:
    """One running task; tells the listener how far it is."""

    def __init__(self, listener: Listener, name: str, title: str, total: float | None) -> None:
        self._listener = listener
        self._name = name
        self.title = title
        self.outcome = "done"
        self._total = total

    def progress(self, done: float, text: str = "", total: float | None = None) -> None:
        """Say that *done* units are done, and what is being worked on."""
        self._listener(Progress(self._name, done, total or self._total, text))

    def ahead(
        self,
        stage: str,
        number: int,
        total: int,
        in_turn: Iterable[Work] = (),
        beside: Iterable[Work] = (),
        lanes: int = 1,
    ) -> None:
        """Say at which stage this is, and what is still to be done, as :class:`Ahead` has it."""
        self._listener(Ahead(self._name, stage, number, total, tuple(in_turn), tuple(beside), lanes))

    def absorb(self, event: Event) -> None:
        """A listener for a task that is all of this one's work: its progress is this one's own."""
        match event:
            case Started(_, title, total):
                self.progress(0, title, total)
            case Progress(_, done, total, text):
                self.progress(done, text, total)
            case Note():
                self._listener(event)


@contextmanager
def task(listener: Listener, name: str, title: str, total: float | None = None) -> Iterator[Task]:
    """Announce a task for the length of the block; set ``.outcome`` to say more than "done"."""
    began = time.monotonic()
    current = Task(listener, name, title, total)
    listener(Started(name, title, total))
    try:
        yield current
    except BaseException:
        current.outcome = "failed"
        raise
    finally:
        listener(Finished(name, current.title, current.outcome, time.monotonic() - began))
