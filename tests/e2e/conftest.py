# SPDX-License-Identifier: GPL-2.0-only
"""End to end: the command as a user calls it, a real kernel, a real QEMU. The cache is the user's own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.paths import PROJECT

HARNESS = (str(Path(sys.executable).parent / "harness"),)


@pytest.fixture(autouse=True)
def _own_surroundings() -> None:
    """In place of the unit tests' private cache: kernels and trees are made once, not once a test."""


class Answer:
    """What one call of the command gave."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.exit = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr

    @property
    def json(self) -> Any:
        """stdout as the one JSON object that it must be."""
        return json.loads(self.stdout)


@pytest.fixture(scope="session")
def harness() -> Callable[..., Answer]:
    """Call the command; never longer than *timeout* seconds."""

    def call(*words: str | Path, timeout: float = 1500.0) -> Answer:
        done = subprocess.run(
            [*HARNESS, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=PROJECT,
            check=False,
        )
        return Answer(done)

    return call


@pytest.fixture(scope="session")
def base_kernel(harness: Callable[..., Answer]) -> Path:
    """The default plan's base kernel, from the cache once it was built."""
    answer = harness("build", "--upto", "0", "--json", timeout=2400)
    assert answer.exit == 0, answer.stderr
    return Path(answer.json["image"])
