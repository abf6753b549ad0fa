# SPDX-License-Identifier: GPL-2.0-only
"""What tests of several rooms start from."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.events import silent
from harness.tree.model import Tree
from harness.tree.source import open_tree

TOYKERNEL = Path(__file__).parent / "toykernel"


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg-cache"))
    # What python3 in PATH is may be a wrapper that takes longer than all that the toy kernel does.
    monkeypatch.setenv("PYTHON3", sys.executable)


@pytest.fixture
def toy_source(tmp_path: Path) -> Path:
    """A fresh copy of the toy kernel's sources (tests/toykernel/README.md): what a user would give."""
    return Path(shutil.copytree(TOYKERNEL, tmp_path / "toy-source"))


@pytest.fixture
def toy_tree(toy_source: Path, tmp_path: Path) -> Iterator[Tree]:
    """The toy kernel, opened as the harness opens a user's tree."""
    with open_tree(
        str(toy_source), cache=tmp_path / "trees-cache", listener=silent, deadline=Deadline.after(60)
    ) as tree:
        yield tree


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """main() takes the signals that end a command; give them back to pytest."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
