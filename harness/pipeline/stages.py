# SPDX-License-Identifier: GPL-2.0-only
"""The stages of a run, as its listener is told of them."""

from __future__ import annotations

from collections.abc import Iterable

from harness.events import Ahead, Listener, Work

RUN = "run"
"""the task that has these stages: whoever starts a run begins and ends it"""
_NAMES = ("tree", "apply", "analyse", "build", "cells", "judge", "blame")
_UNKNOWN = (Work("what nobody knows the length of"),)


class Stages:
    """Tells *listener* at which stage the run is."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def at(
        self, name: str, in_turn: Iterable[Work] = _UNKNOWN, beside: Iterable[Work] = (), lanes: int = 1
    ) -> None:
        """The run is at *name*, and that is ahead of it."""
        number = _NAMES.index(name) + 1
        self._listener(Ahead(RUN, name, number, len(_NAMES), tuple(in_turn), tuple(beside), lanes))
