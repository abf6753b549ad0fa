# SPDX-License-Identifier: GPL-2.0-only
"""One monotonic deadline, handed down from whoever knows how long the whole may take."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from harness.errors import DeadlineExpired


@dataclass(frozen=True)
class Deadline:
    """A point on the monotonic clock, in seconds; ``math.inf`` is never."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline *seconds* from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def never(cls) -> Deadline:
        """A deadline that does not expire."""
        return cls(math.inf)

    def remaining(self) -> float:
        """Seconds left, never negative; infinite for :meth:`never`."""
        return max(0.0, self.at - time.monotonic())

    def expired(self) -> bool:
        """True once the time is up."""
        return self.remaining() <= 0.0

    def within(self, seconds: float) -> Deadline:
        """The sooner of this deadline and *seconds* from now."""
        return Deadline(min(self.at, time.monotonic() + seconds))

    def check(self, what: str) -> None:
        """Raise :class:`DeadlineExpired` naming *what*, if the time is up."""
        if self.expired():
            raise DeadlineExpired(f"{what}: no time left")
