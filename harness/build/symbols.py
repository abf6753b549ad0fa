# SPDX-License-Identifier: GPL-2.0-only
"""File, line and inlined calls of a stack's frames, out of a vmlinux with DWARF.

binutils' nm and addr2line do the reading: they know the DWARF of every compiler that built a kernel, and
are there where kernels are built.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from harness.console.model import Frame, Report
from harness.console.naming import plain
from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.process import run

_SYMBOL = re.compile(r"(?P<address>[0-9a-f]{8,16})(?: (?P<size>[0-9a-f]{8,16}))? [tTwW] (?P<name>\S+)")
_AT = re.compile(r"0x[0-9a-f]{8,16}")
_PLACE = re.compile(r"(?P<file>.+):(?P<line>\d+)(?: \(discriminator \d+\))?")
PADDING = 16
"""bytes: functions begin at multiples of it (gcc's -falign-functions for x86-64)"""
_ANCHOR = ("start_kernel", "init/main.c")
"""a function that every kernel has, and where: tells the tree's own directory"""


@dataclass
class Symbols:
    """One vmlinux."""

    vmlinux: Path
    deadline: Deadline
    strict: bool = False
    """a function that is not as long as the frame's is another one, even if no other has the name"""
    _own_sizes: dict[int, int] = field(default_factory=dict)
    _addresses: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _sorted: list[int] = field(default_factory=list)
    _root: str = ""

    def frames(self, stack: Sequence[Frame]) -> tuple[Frame, ...]:
        """*stack* with file and line, and the inlined calls put before the frame that holds them.

        A frame whose function the vmlinux does not have, or has twice and of the same size, stays as it is.
        """
        places = {at: self._address(frame) for at, frame in enumerate(stack)}
        known = {address for address in places.values() if address}
        calls = self._calls(known) if known else {}
        found: list[Frame] = []
        for at, frame in enumerate(stack):
            found += _with(frame, calls.get(places[at], ()))
        return tuple(found)

    def _address(self, frame: Frame) -> int:
        """Where *frame* stands in the vmlinux; 0 if that cannot be told.

        A return address is behind its call, which may be the function's last instruction, and the next
        line's first: the byte before it belongs to the call.
        """
        if frame.inlined or frame.module or not frame.size:
            return 0
        named = self._symbols()[frame.function]
        starts = [start for start in named if self._fits(start, frame.size)]
        starts = starts or ([] if self.strict else named)
        return starts[0] + frame.at - (0 if frame.exact else 1) if len(starts) == 1 else 0

    def _fits(self, start: int, size: int) -> bool:
        """What follows a function may be another than in the kernel: then its own size decides, which is less
        than what the kernel prints by what fills up to the next function."""
        own = self._own_sizes.get(start, 0)
        return self._size(start) == size or (self.strict and own > 0 and 0 <= size - own < PADDING)

    def _size(self, start: int) -> int:
        """Bytes up to the next symbol: what the kernel itself prints as a function's size."""
        after = bisect_right(self._sorted, start)
        return self._sorted[after] - start if after < len(self._sorted) else 0

    def _symbols(self) -> dict[str, list[int]]:
        if not self._addresses:
            for line in self._ask("nm", "--numeric-sort", "--print-size", str(self.vmlinux)):
                match = _SYMBOL.fullmatch(line)
                if match:
                    start = int(match["address"], 16)
                    self._addresses[match["name"]].append(start)
                    self._own_sizes[start] = int(match["size"] or "0", 16)
            if not self._addresses:
                raise UserError(f"{self.vmlinux}: has no symbols; give the vmlinux, not the bzImage")
            self._sorted = sorted({start for starts in self._addresses.values() for start in starts})
        return self._addresses

    def _calls(self, addresses: Iterable[int]) -> dict[int, tuple[Frame, ...]]:
        """Innermost first, the last one being the function itself."""
        anchor = (self._symbols()[_ANCHOR[0]] or [0])[0]
        wanted = [anchor, *addresses]
        answer = self._ask(
            "addr2line", "-afie", str(self.vmlinux), stdin="".join(f"{address:#x}\n" for address in wanted)
        )
        groups = _groups(answer)
        if not self._root:
            first = groups.get(anchor, ())
            file = first[-1].file if first else ""
            self._root = file.removesuffix(_ANCHOR[1]) if file.endswith(_ANCHOR[1]) else ""
        return {
            address: tuple(replace(call, file=call.file.removeprefix(self._root)) for call in calls)
            for address, calls in groups.items()
        }

    def _ask(self, *argv: str, stdin: str = "") -> list[str]:
        lines: list[str] = []
        done = run(
            argv,
            cwd=self.vmlinux.parent,
            deadline=self.deadline,
            stdin=stdin.encode() if stdin else None,
            on_line=lines.append,
        )
        if done.exit == 127:  # noqa: PLR2004 -- what a shell says of a command that is not there
            raise InfraError(f"{argv[0]} is not installed; apt-get install binutils")
        if done.exit:
            raise UserError(f"{self.vmlinux}: {argv[0]} cannot read it: {done.last_lines(1)}")
        return lines


def placed(report: Report) -> Report:
    """*report* at the line of its function's frame, where the kernel printed none itself."""
    own = (one for one in report.stack if one.file and plain(one.function) == report.function)
    frame = None if report.file else next(own, None)
    return replace(report, file=frame.file, line=frame.line) if frame else report


def open_symbols(vmlinux: Path, deadline: Deadline, *, strict: bool = False) -> Symbols:
    """The symbols of *vmlinux*. UserError when it is no ELF file."""
    try:
        with vmlinux.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise UserError(f"{vmlinux}: {error.strerror}") from error
    if magic != b"\x7fELF":
        raise UserError(f"{vmlinux}: not an ELF file; give the vmlinux, not the bzImage")
    return Symbols(vmlinux.absolute(), deadline, strict)


def _groups(lines: Sequence[str]) -> dict[int, tuple[Frame, ...]]:
    """addr2line's answer: an address, then for each call the function's line and the place's."""
    groups: dict[int, tuple[Frame, ...]] = {}
    address = 0
    function = ""
    for line in lines:
        if _AT.fullmatch(line):
            address, function = int(line, 16), ""
            groups[address] = ()
        elif not function:
            function = line
        else:
            place = _PLACE.fullmatch(line)
            if place and place["file"] != "??":
                call = Frame(function=function, file=place["file"], line=int(place["line"]), inlined=True)
                groups[address] = (*groups[address], call)
            function = ""
    return groups


def _with(frame: Frame, calls: Sequence[Frame]) -> list[Frame]:
    if not calls:
        return [frame]
    return [*calls[:-1], replace(frame, file=calls[-1].file, line=calls[-1].line)]
