# SPDX-License-Identifier: GPL-2.0-only
"""A listener's events told apart from those of others that have the same tasks."""

from __future__ import annotations

from msgspec.structs import replace

from harness.events import Event, Finished, Listener, Note, Started


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
        event = replace(event, task=f"{self._name}: {event.task}")
        if isinstance(event, Started | Finished):
            event = replace(event, title=f"{self._name}: {event.title}")
        self._listener(event)
