# SPDX-License-Identifier: GPL-2.0-only
"""A listener's events told apart from those of others that have the same tasks."""

from __future__ import annotations

from msgspec.structs import replace

from harness.events import Ahead, Event, Finished, Listener, Note, Started, Work, within


class Within:
    """Passes events on to *listener* with *name* before each task, title and note."""

    def __init__(self, name: str, listener: Listener) -> None:
        self._name = name
        self._listener = listener

    def __call__(self, event: Event) -> None:
        """Pass *event* on."""
        if isinstance(event, Note):
            self._listener(replace(event, text=f"{self._name}: {event.text}"))
            return
        event = replace(event, task=self._of(event.task))
        if isinstance(event, Started | Finished):
            event = replace(event, title=self._of(event.title))
        if isinstance(event, Ahead):
            event = replace(event, in_turn=self._work(event.in_turn), beside=self._work(event.beside))
        self._listener(event)

    def _of(self, task: str) -> str:
        return within(self._name, task)

    def _work(self, work: tuple[Work, ...]) -> tuple[Work, ...]:
        return tuple(Work(self._of(one.task), one.seconds) for one in work)
