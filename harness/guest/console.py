# SPDX-License-Identifier: GPL-2.0-only
"""The guest's serial console: QEMU writes it to a file, and this reads along while it grows."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness.deadline import Deadline

_POLL = 0.02
_CHUNK = 1 << 16
_BOUND = 32 << 20
"""bytes of console kept in memory and believed; a guest that prints more has gone mad"""

Reader = Callable[[bytes], None]


def believed(printed: bytes | bytearray) -> str:
    """What of a console's bytes is taken for its text; those that are no text become U+FFFD."""
    return printed[:_BOUND].decode("utf-8", "replace")


class Console:
    """Follows the file *path*. Readers are called from the following thread, each byte once, in order."""

    def __init__(self, path: Path, readers: tuple[Reader, ...] = ()) -> None:
        self.path = path
        self._readers = readers
        self._seen = bytearray()
        self._ends_met = 0
        self._heard = time.monotonic()
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"console {path.name}", daemon=True)
        path.touch()
        self._thread.start()

    def text(self) -> str:
        """All that was read up to now."""
        with self._changed:
            return believed(self._seen)

    def quiet(self) -> float:
        """Seconds since the last byte; since the beginning when there was none."""
        with self._changed:
            return time.monotonic() - self._heard

    def wait_for(self, pattern: re.Pattern[bytes], deadline: Deadline, give_up: Callable[[], bool]) -> bool:
        """True once *pattern* is found anywhere; False when *give_up* says so or the time is up."""
        while True:
            hopeless = give_up()
            if hopeless:
                self._catch_up()  # a guest's last words come just before its end
            with self._changed:
                if pattern.search(self._seen):
                    return True
                if hopeless or deadline.expired():
                    return False
                self._changed.wait(min(_POLL, deadline.remaining()))

    def close(self) -> None:
        """Read what is left in the file and stop following.

        Raises what a reader raised: a console that was not read to its end must not look clean.
        """
        self._closing.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _catch_up(self) -> None:
        """Wait until all that is in the file by now was read: the end was met twice from here on."""
        with self._changed:
            goal = self._ends_met + 2
            while self._ends_met < goal and self._thread.is_alive():
                self._changed.wait(_POLL)

    def _follow(self) -> None:
        try:
            self._read_along()
        except Exception as error:  # kept for close(); this thread has nobody to raise it to
            self._error = error

    def _read_along(self) -> None:
        with self.path.open("rb") as stream:
            while True:
                last_look = self._closing.is_set()
                chunk = stream.read(_CHUNK)
                if chunk:
                    self._take(chunk)
                    continue
                with self._changed:
                    self._ends_met += 1
                    self._changed.notify_all()
                if last_look:
                    return
                self._closing.wait(_POLL)

    def _take(self, chunk: bytes) -> None:
        with self._changed:
            room = _BOUND - len(self._seen)
            chunk = chunk[: max(room, 0)]
            self._seen += chunk
            self._heard = time.monotonic()
            self._changed.notify_all()
        for reader in self._readers:
            reader(chunk)
