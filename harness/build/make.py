# SPDX-License-Identifier: GPL-2.0-only
"""One way of calling make on a kernel tree, out of tree and always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import process
from harness.build.toolchain import Toolchain
from harness.deadline import Deadline

_ENVIRONMENT = {
    # Ours may be started by a make of its own, whose job server its grandchildren cannot reach.
    "MAKEFLAGS": "",
    "MFLAGS": "",
    "MAKELEVEL": "",
    # Warnings are read, in English and ASCII. Top Makefile: "unexport LC_ALL", so that alone is not enough.
    "LC_ALL": "C",
    "LANG": "C",
    "LC_CTYPE": "C",
    "LC_MESSAGES": "C",
    "LANGUAGE": "",
    "KBUILD_VERBOSE": "0",
    # Two builds of one source are to be one image.
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
    "KBUILD_BUILD_USER": "harness",
    "KBUILD_BUILD_HOST": "harness",
}


@dataclass(frozen=True)
class Make:
    """make for the sources in *source*, all output in *build_dir*, all it says in *log*."""

    source: Path
    build_dir: Path
    toolchain: Toolchain
    log: Path
    deadline: Deadline

    def command(self, *targets: str, jobs: int = 1) -> tuple[str, ...]:
        """The command, to be run in ``source``.

        ``-Otarget`` (GNU make 4.0) keeps what one target's recipe says in one piece, so that a
        compiler's warnings stand right after the line that names the object.
        """
        fixed = (
            "ARCH=x86_64",
            f"O={self.build_dir}",
            "LOCALVERSION=",
            "KCFLAGS=-pipe",
            *self.toolchain.variables(),
        )
        return ("make", "-Otarget", f"-j{jobs}", *fixed, *targets)

    def run(
        self,
        *targets: str,
        jobs: int = 1,
        stdin: bytes | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> process.Completed:
        """Make *targets*; the exit code is the caller's to judge. InfraError if make cannot be started."""
        return process.run(
            self.command(*targets, jobs=jobs),
            cwd=self.source,
            deadline=self.deadline,
            env=_ENVIRONMENT,
            log=self.log,
            stdin=stdin,
            on_line=on_line,
        )
