# SPDX-License-Identifier: GPL-2.0-only
"""What a stage tells its listener while it works. Stages never print; progress bars and logs listen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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


Event = Started | Progress | Finished | Note
Listener = Callable[[Event], None]


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
