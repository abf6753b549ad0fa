# SPDX-License-Identifier: GPL-2.0-only
"""What a build directory remembers of the builds in it: objects, warnings, an unfinished build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.build.halfwritten import remove_half_written
from harness.build.model import CompilerWarning
from harness.build.warnings import Warnings, parse
from harness.files import write_whole

# Lines of kbuild for compiled targets, over symbols that are `y`: 1,350 for 762 and 1,154 for 588
# (6.1), 704 for 218 (2.6.27), all within 5% of this line.
_OBJECTS_AT_ZERO = 490
_OBJECTS_PER_SYMBOL = 1.13


class _Memory(msgspec.Struct, kw_only=True):
    complete: bool = False
    """a build ended well here, so the next compiles only what changed"""
    warnings: Warnings = {}
    seconds: float = 0.0
    """what the last build took that compiled what had changed; 0 where there was none"""


@dataclass(frozen=True)
class Objects:
    """The memory of *build_dir*, in its ``.harness`` directory, for sources in *source*."""

    source: Path
    build_dir: Path

    @property
    def log(self) -> Path:
        """Output of the build at hand. One that is there before a build is of one that was cut off."""
        return self.build_dir / ".harness" / "build.log"

    @property
    def _unfinished(self) -> Path:
        return self.build_dir / ".harness" / "unfinished"

    @property
    def _memory(self) -> Path:
        return self.build_dir / ".harness" / "memory.json"

    def begin(self, enabled: int) -> float | None:
        """Get ready for a build: what a killed one left is mended, its warnings are kept.

        The number of objects to expect of a full build, from *enabled* symbols; None when only
        what changed will be compiled.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self._unfinished.exists():
            remove_half_written(self.build_dir, self._unfinished.stat().st_mtime)
        memory = self._fold()
        self._unfinished.touch()
        return None if memory.complete else _OBJECTS_AT_ZERO + enabled * _OBJECTS_PER_SYMBOL

    def expected_seconds(self) -> float | None:
        """What a build of what has changed will take, by the last one; None where that is not known."""
        return self._remembered().seconds or None

    def finish(self, seconds: float) -> tuple[CompilerWarning, ...]:
        """The build ended well, after *seconds*: every warning of the kernel as it now is, sorted."""
        memory = self._fold(ended_after=seconds)
        self._unfinished.unlink(missing_ok=True)
        return tuple(sorted(one for said in memory.warnings.values() for one in said))

    def stop(self) -> None:
        """make ended by itself and failed: nothing is half written."""
        self._fold()
        self._unfinished.unlink(missing_ok=True)

    def lines(self) -> list[str]:
        """The build's output."""
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def _remembered(self) -> _Memory:
        if not self._memory.exists():
            return _Memory()
        return msgspec.json.decode(self._memory.read_bytes(), type=_Memory)

    def _fold(self, ended_after: float | None = None) -> _Memory:
        """Take the log into the memory: a target compiled again replaces its warnings.

        The log goes, so that no build's output is taken twice; callers keep a copy.
        """
        memory = self._remembered()
        memory.warnings |= parse(self.lines(), self.source, self.build_dir)
        if ended_after is not None:
            memory.seconds = ended_after if memory.complete else 0.0
            memory.complete = True
        write_whole(self._memory, msgspec.json.encode(memory))
        self.log.unlink(missing_ok=True)
        return memory
