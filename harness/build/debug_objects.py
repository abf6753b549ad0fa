# SPDX-License-Identifier: GPL-2.0-only
"""File, line and inlined calls of a stack, for a kernel that was built without debug information.

The few objects that hold the stack's functions are compiled once more, with the very words of the build
and ``-g``: the code stays what it was, so a function and an offset into it lead to the same instruction.
With ``-g1`` gcc 12 gives the ud2 of a BUG, which it puts behind the function's end, no line of its own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from harness.build.model import Kernel
from harness.build.recorded import compilation, definers
from harness.build.symbols import PADDING, open_symbols
from harness.console.model import Frame
from harness.deadline import Deadline
from harness.errors import InfraError
from harness.process import run
from harness.tree.model import Overlay, Tree
from harness.tree.workcopy import put

_FRAMES = 16
"""of a stack, innermost first, that are looked at"""
_OBJECTS = 6
"""that are compiled for a stack, at most"""


@dataclass
class DebugObjects:
    """The objects of one kernel with line numbers, kept in the cache under the kernel's key.

    The caller holds the tree. Asking may put *overlay* on the private copy, as building the kernel does;
    in the build directory nothing is written.
    """

    tree: Tree
    overlay: Overlay
    kernel: Kernel
    build_dir: Path
    """where the kernel was built, or another prefix of its series in the same configuration"""
    cache: Path
    deadline: Deadline
    said: list[str] = field(default_factory=list)
    """why frames stayed bare, a line each"""

    def frames(self, stack: Sequence[Frame]) -> tuple[Frame, ...]:
        """*stack* with what could be found out; see ``said`` for the rest. Raises HarnessError, OSError."""
        head = stack[:_FRAMES]
        if not self._as_built():
            self.said.append(f"{self.build_dir} is not configured as {self.kernel.release} was any more")
            return tuple(stack)
        names = self._chosen(head)
        objects = [path for name in dict.fromkeys(names.values()) if (path := self._compiled(name))]
        if not objects:
            return tuple(stack)
        with tempfile.TemporaryDirectory(prefix="memcg-harness-") as directory:
            image = self._linked(objects, Path(directory))
            found = open_symbols(image, self.deadline, strict=True).frames(head)
        found = tuple(replace(frame, file=self._in_tree(frame.file)) for frame in found)
        self._say_bare(found, names)
        return (*found, *stack[_FRAMES:])

    def _as_built(self) -> bool:
        """The objects of another configuration are other code; so are headers that Kconfig wrote."""
        config = self.build_dir / ".config"
        return config.is_file() and config.read_bytes() == self.kernel.config.read_bytes()

    def _chosen(self, head: Sequence[Frame]) -> dict[str, str]:
        """The object of each function, as far as that is certain, and no more than are to be compiled."""
        sizes = {frame.function: frame.size for frame in head if frame.size and not frame.module}
        known = definers(self.build_dir, sizes.keys(), self.deadline)
        chosen: dict[str, str] = {}
        for function, size in sizes.items():
            names = [name for name in known.get(function, ()) if compilation(self.build_dir, name)]
            fitting = [name for name in names if 0 <= size - known[function][name] < PADDING]
            certain = fitting or names
            taken = set(chosen.values())
            if len(certain) == 1 and (certain[0] in taken or len(taken) < _OBJECTS):
                chosen[function] = certain[0]
        return chosen

    def _compiled(self, name: str) -> Path | None:
        """The object *name* with line numbers, out of the cache or made; None if it does not compile."""
        kept = self.cache / "debug-objects" / self.kernel.key / name
        if kept.is_file():
            return kept
        put(self.tree, self.overlay)
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_name(f".{os.getpid()}-{kept.name}")
        words = compilation(self.build_dir, name)
        try:
            done = run(
                [*words, "-g", "-o", str(new)],
                cwd=self.build_dir,
                deadline=self.deadline,
                env={"LC_ALL": "C"},
            )
            if done.exit == 0:
                new.rename(kept)
                return kept
        finally:
            new.unlink(missing_ok=True)
        self.said.append(f"{name} does not compile with -g: {done.last_lines(1)}")
        return None

    def _linked(self, objects: Sequence[Path], directory: Path) -> Path:
        """*objects* in one image, so that each function has an address of its own. It is never run."""
        image = directory / "linked"
        lenient = ("--unresolved-symbols=ignore-all", "--noinhibit-exec", "--allow-multiple-definition")
        argv: list[str | Path] = ["ld", "--entry=0", *lenient, "-o", image, *objects]
        done = run(argv, cwd=directory, deadline=self.deadline)
        if not image.is_file():
            raise InfraError(f"ld: {done.last_lines(1)}")
        return image

    def _in_tree(self, file: str) -> str:
        """*file* relative to the tree, or to the build directory if the build made it."""
        if not file:
            return ""
        path = Path(os.path.realpath(self.build_dir / file))
        for root in (self.tree.source, self.build_dir):
            if path.is_relative_to(root):
                return str(path.relative_to(root))
        return file

    def _say_bare(self, found: Sequence[Frame], names: dict[str, str]) -> None:
        bare = dict.fromkeys(frame.function for frame in found if frame.function in names and not frame.file)
        self.said += [
            f"{function} is not as long in {names[function]} as the console has it: no line"
            for function in bare
        ]
