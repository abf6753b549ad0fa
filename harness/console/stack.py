# SPDX-License-Identifier: GPL-2.0-only
"""The stacks and the instruction pointers in a report's lines.

Formats: arch/x86/kernel/dumpstack*.c and process_*.c (2.6.27 to 6.12), arch/arm/kernel/traps.c,
arch/arm64/kernel/{stacktrace,process}.c, arch/powerpc/kernel/process.c, arch/riscv and arch/s390 as arm64;
with file and line behind where scripts/decode_stacktrace.sh or syzkaller's like have been over it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from harness.console.model import Frame

_NAME = r"[A-Za-z_$][\w.$]{0,200}"
_RUST = r"<[^\n+]{3,160}>[\w:]{0,80}"
_HEX = r"0x[0-9a-f]{1,8}"
_ADDRESS = r"(?:\[<[^>]{0,24}>\] *|\[[0-9a-f]{8,16}\] *)"
_CALL = rf"(?P<function>{_NAME}|{_RUST})\+(?P<at>{_HEX})(?:/(?P<size>{_HEX}))?"
_PLACE = r"(?P<file>[\w./+-]{2,200}\.\w):(?P<line>\d{1,7})"
_MODULE = r"(?: \[(?P<module>[\w-]{1,60})[^\]]{0,60}\])?"

_HEADER = re.compile(
    r"(?:\s*|.{0,80}[0-9a-f]{16} ?)"
    r"(?:Call [Tt]race|[Bb]acktrace|Stack [Bb]acktrace)(?: \(crc [0-9a-f]+\))?(?::|$)"
)
_FRAME = re.compile(rf" *{_ADDRESS}{{0,2}}(?P<doubtful>\? )?{_CALL}{_MODULE}(?: +{_PLACE})?")
_INLINED = re.compile(
    rf" *\[< {{0,8}}inline {{0,8}}>\] *(?P<function>{_NAME})(?: {_PLACE})?"
    rf"| +(?P<function2>{_NAME}|{_RUST}) "
    r"(?P<file2>[\w./+-]{2,200}\.\w{1,2}):(?P<line2>\d{1,7}) \[inline\]"
)
# arch/arm: "[<addr>] (callee) from [<addr>] (caller+0x1/0x2)", from 5.19 " callee from caller+0x1/0x2".
_FROM = re.compile(
    rf" *(?:\[<[0-9a-f]+>\] )?\(?(?P<callee>{_NAME})(?: \[[\w-]+\])?\)? from (?:\[<[0-9a-f]+>\] )?\(?{_CALL}"
)
_USER = r"00(?:33|23|2b|73):"
_POINTER = re.compile(
    r" *(?:RIP|EIP|IP|pc ?|epc *|PC|NIP)(?: is at|:| ) ?(?:: *)?"
    rf"(?!{_USER})(?:[0-9a-f]{{4}}:)?(?:[0-9a-f]{{8,16}} )?"
    rf"{_ADDRESS}{{0,2}}{_CALL}{_MODULE}(?: +{_PLACE})?"
)
_HELD = re.compile(rf".{{0,300}}?[,)]? at: {_ADDRESS}?{_CALL}")
_OLD = re.compile(r"Pid: \d+, comm: ")
"""until 3.9; since then "CPU: 0 PID: 1 Comm: " (lib/dump_stack.c)"""
_BARE = re.compile(rf"{_NAME}\+{_HEX}/{_HEX}(?: |$)")
_OVER = re.compile(
    r"$|-+\[ (?:end|cut)|Allocated by|Freed by|The buggy|Memory state|Uninit was|Local variable|Sending NMI"
    r"|NMI backtrace|Showing all|other info|Last potentially|Kernel Offset|Rebooting in|INFO: |Modules linked"
)
_REGISTERS = re.compile(r" *(?:R[A-Z0-9]{2}|E[A-Z]{2}|[CD]R\d|[CDEFGS]S|PKRU|Code): ?[0-9a-fB]")
"""registers of an interrupt within a stack"""
_LEVEL = re.compile(r"\s*</?[A-Z]{2,12}\d?>\s*")


@dataclass
class Stacks:
    """What a report's lines hold."""

    pointer: list[Frame] = field(default_factory=list)
    """instruction pointers in the kernel, as they come"""
    held: list[Frame] = field(default_factory=list)
    """where the locks were taken that it lists"""
    traces: list[list[Frame]] = field(default_factory=list)
    """frames below each ``Call Trace:``, with the instruction pointers in between"""
    leads: list[list[Frame]] = field(default_factory=list)
    """for each of the traces the instruction pointer that was printed before it, or nothing"""
    loose: list[Frame] = field(default_factory=list)
    """frames before the first of these, up to the first blank line behind them"""


def stacks_of(messages: Iterable[str]) -> Stacks:
    """Read *messages*, the kernel's words line by line."""
    reader = _Reader()
    for said in messages:
        reader.read(said)
    return reader.done()


class _Reader:
    """Knows whether the next line may be a frame, and of which stack."""

    def __init__(self) -> None:
        self._stacks = Stacks()
        self._current: list[Frame] | None = None
        self._loose_over = False
        self._seen = 0
        """instruction pointers that stand before the last stack"""
        self._old = False
        self._before = ""
        """the line before"""

    def read(self, said: str) -> None:
        """Take one more line."""
        self._old = self._old or _OLD.match(said) is not None
        opens = _HEADER.match(said)
        before, self._before = self._before, said
        if opens:
            self._open()
            self._frame(said[opens.end() :])
        elif _OVER.match(said) and (said or not shows_registers(before)):
            self._current = None
            self._loose_over = self._loose_over or bool(self._stacks.loose)
        elif said[:1].isspace() or said[:1] in "[(" or _BARE.match(said):
            self._frame(said)
        else:
            self._aside(said)

    def done(self) -> Stacks:
        """All that was read."""
        stacks = self._stacks
        stacks.traces = [_certain(frames, self._old) for frames in stacks.traces]
        stacks.loose = _certain(stacks.loose, self._old)
        return stacks

    def _open(self) -> None:
        self._current = []
        self._loose_over = True
        self._stacks.traces.append(self._current)
        self._stacks.leads.append(self._stacks.pointer[self._seen :][-1:])
        self._seen = len(self._stacks.pointer)

    def _frame(self, said: str) -> None:
        frames = _frames(said)
        if self._current is not None:
            self._current += frames
        elif not self._loose_over:
            self._stacks.loose += frames
        _note_held(said, self._stacks)

    def _aside(self, said: str) -> None:
        pointer = _POINTER.match(said)
        if pointer:
            frame = replace(_frame(pointer), exact=True)
            self._stacks.pointer.append(frame)
            if self._current is not None:
                self._current.append(frame)
        _note_held(said, self._stacks)


def _certain(frames: list[Frame], old: bool) -> list[Frame]:
    """Without what the unwinder doubts; *old* kernels built without frame pointers, and those of today built
    with CONFIG_UNWINDER_GUESS, doubt all, even the function that prints the stack.

    Of others a stack of which nothing else is left was cut up.
    """
    certain = [frame for frame in frames if not frame.doubtful]
    guessed = old or any(frame.function.startswith("dump_stack") for frame in frames)
    return certain or (frames if guessed else [])


def opens_stack(said: str) -> bool:
    """True for the line above a stack."""
    return _HEADER.match(said) is not None


def shows_registers(said: str) -> bool:
    """True for a line of registers, after which a stack may go on even behind an empty line."""
    return _REGISTERS.match(said) is not None


def _note_held(said: str, stacks: Stacks) -> None:
    held = _HELD.match(said) if " at: " in said else None
    if held:
        stacks.held.append(_frame(held))


def _frames(said: str) -> list[Frame]:
    said = _LEVEL.sub(" ", said, count=1)
    arm = _FROM.match(said)
    if arm:
        return [Frame(function=arm["callee"]), _frame(arm)]
    match = _FRAME.match(said)
    if match:
        frame = _frame(match)
        if match["doubtful"] or said.endswith("(unreliable)"):
            return [replace(frame, doubtful=True)]
        return [frame]
    match = _INLINED.match(said)
    if match is None:
        return []
    return [
        Frame(
            function=match["function"] or match["function2"],
            file=match["file"] or match["file2"] or "",
            line=int(match["line"] or match["line2"] or 0),
            inlined=True,
        )
    ]


def _frame(match: re.Match[str]) -> Frame:
    groups = match.groupdict()
    return Frame(
        function=groups["function"],
        at=int(groups.get("at") or "0", 16),
        size=int(groups.get("size") or "0", 16),
        module=groups.get("module") or "",
        file=groups.get("file") or "",
        line=int(groups.get("line") or 0),
    )
