# SPDX-License-Identifier: GPL-2.0-only
"""What a report is called: its row's title, or that of the first of the row's forms that fits its lines."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.console.model import Frame
from harness.console.stack import Stacks, opens_stack, stacks_of
from harness.console.table import Form, Heads, Place, Row

CORRUPTED = "corrupted"
"""stands for the function where none can be told, as in syzkaller's titles"""

_CLONE = re.compile(r"\.(?:constprop|isra|part|cold|llvm|lto_priv|\d+\b).*|\$.*")
_OLD_CALL = re.compile(r"(?:(?:compat_)?(?:SyS|SYSC)|C_SYSC|ksys|_{2,4}sys|__(?:se|do)_sys)_(?=\w)")
"""in front of a system call's name, down to its own"""
_CALL_OF_USER = re.compile(
    r"(?:compat_sys|__(?:x64|ia32|x32|arm64|s390x?|riscv|powerpc|loongarch)_(?:compat_)?sys"
    r"|__(?:do|se)_compat_sys)_(?=\w)"
)
"""the same of an architecture's entry, which goes by ``sys_``"""
_FAULTS = re.compile(r"should_fail|fail_dump")
_MANGLED = re.compile(r"_ZN?(?P<length>\d+)(?P<rest>\w+)")
_HASH = re.compile(r"(?<![A-Za-z0-9])(?:0x)?[0-9a-f]{6,}")
"""an address, or what is in the name of a BPF program"""
_VARIES = (
    (re.compile(r"\b([A-Za-z][\w.]+)\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?"), r"\1"),
    (_HASH, "ADDR"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "IP"),
    (re.compile(r"(\.\w+)(?::\d+)+"), r"\1:LINE"),
    (re.compile(r"CPU#\d+"), "CPU"),
    (re.compile(r"(?<!\w)\d+(?!\w)|\d{7,}"), "NUM"),
)
"""what differs from one time to the next, and what stands for it"""
_LONGEST = 120
"""characters, after which the field's databases cut titles off"""


@dataclass(frozen=True)
class Named:
    """A report's name, and what it was taken from."""

    title: str
    kind: str
    function: str
    found: dict[str, str]
    stack: tuple[Frame, ...]
    corrupted: bool


def name_of(row: Row, found: dict[str, str], messages: Sequence[str], heads: Heads) -> Named:
    """Name the report that *row* began, *found* being its groups and *messages* its lines."""
    text = "\n".join(messages)
    form, match = _form(row, text)
    words = {"file": "", "line": "", "what": "", "access": "", **found}
    words.update({name: value for name, value in match.items() if value})
    words["what"] = _general(words["what"])
    stacks = stacks_of(messages)
    if _muddled(messages, stacks, heads):
        stacks.traces.clear()
    places = row.find if form is None or form.find is None else form.find
    skip = (form.skip if form else "") or row.skip
    skipped = re.compile(skip) if skip else None
    frames, function = _function(places, words.get("function", ""), stacks, heads, skipped)
    title = form.title if form else row.title
    bare = (form.bare or row.bare) if form else row.bare
    lacking = "{function}" in title and not function
    if lacking and bare:
        title = bare
    shown = title.format_map({**words, "function": _HASH.sub("ADDR", function) or CORRUPTED})
    return Named(
        title=" ".join(shown.split())[:_LONGEST].strip(),
        kind=(form.kind if form else "") or row.kind,
        function=function or (_guess(words.get("function", ""), stacks, heads) if lacking else ""),
        found=words,
        stack=tuple(frames),
        corrupted=lacking,
    )


def _muddled(messages: Sequence[str], stacks: Stacks, heads: Heads) -> bool:
    """True when the stack may be of a task that was having its stack printed as the report came."""
    for frame in stacks.traces[0] if stacks.traces else ():
        if _FAULTS.match(frame.function):
            return True
        if not heads.passed_over(plain(frame.function)):
            break
    before = itertools.takewhile(lambda said: not opens_stack(said), messages)
    return any(heads.muddle.match(said) for said in before)


def plain(function: str) -> str:
    """The function as its source names it, without what the compiler appended to a clone; a system call
    without the architecture's wrapping."""
    mangled = _MANGLED.fullmatch(function)
    if mangled:
        return mangled["rest"][: int(mangled["length"])]
    return _OLD_CALL.sub("", _CALL_OF_USER.sub("sys_", _CLONE.sub("", function)))


def _form(row: Row, text: str) -> tuple[Form | None, dict[str, str]]:
    for form in row.forms:
        match = re.search(form.when, text, re.MULTILINE)
        if match:
            return form, match.groupdict()
    return None, {}


def _general(what: str) -> str:
    """*what* without numbers and addresses, which differ from one time to the next."""
    for pattern, instead in _VARIES:
        what = pattern.sub(instead, what)
    return what


def _function(
    places: Iterable[Place], head: str, stacks: Stacks, heads: Heads, skipped: re.Pattern[str] | None
) -> tuple[list[Frame], str]:
    """The frames of the place at which a function is found, and that function."""
    for place in places:
        for frames in _at(place, head, stacks, heads):
            function = _named(place, frames, heads, skipped)
            if function:
                return _whole(frames, stacks), function
    return _whole([], stacks), ""


def _named(place: Place, frames: list[Frame], heads: Heads, skipped: re.Pattern[str] | None) -> str:
    """What *frames* are named after; "" where none of them tells."""
    if place == "held":
        return next((plain(one.function) for one in frames), "")
    names = list(_telling(frames, heads, None if place == "meets" else skipped))
    if place == "meets":
        met = next(filter(None, (heads.meeting("hung", name) for name in names)), "")
        return met or next((name for name in names if not heads.passed_over(name, skipped)), "")
    if place in ("call", "stall"):
        return _called(names, heads)
    return next(iter(names), "")


def _called(names: Sequence[str], heads: Heads) -> str:
    """The function that the innermost dispatcher called, or the dispatcher itself where many meet in it.

    Where exactly a CPU was when it was looked at is chance, in which handler it was is not.
    """
    for at, name in enumerate(names):
        if heads.dispatchers.search(name):
            return heads.meeting("stall", name) or names[max(at - 1, 0)]
    return ""


def _whole(frames: list[Frame], stacks: Stacks) -> list[Frame]:
    """The stack that *frames* are of: the instruction pointer that was printed above it comes first."""
    for trace, lead in zip(stacks.traces, stacks.leads, strict=False):
        if trace is frames or (len(frames) <= 1 and trace):
            return [*lead, *_without_repeat(trace, lead)]
    return frames or stacks.loose


def _without_repeat(trace: list[Frame], lead: list[Frame]) -> list[Frame]:
    """*trace* without the instruction pointer that is printed once more below it."""
    return trace[:-1] if lead and trace[-1:] == lead else trace


def _guess(head: str, stacks: Stacks, heads: Heads) -> str:
    """Where it happened as far as can be told, for a report whose title must not be sure of it."""
    if head:
        return plain(head)
    places = (stacks.pointer[:1], *stacks.traces, stacks.loose)
    return next((name for frames in places for name in _telling(frames, heads, None)), "")


def _telling(frames: Iterable[Frame], heads: Heads, more: re.Pattern[str] | None) -> Iterator[str]:
    """The names that tell something. A call that only a decoder can have added has no say: the same report as
    the kernel printed it must have the same title."""
    for frame in frames:
        name = plain(frame.function)
        if not frame.inlined and not heads.passed_over(name, more):
            yield name


def _at(place: Place, head: str, stacks: Stacks, heads: Heads) -> Iterator[list[Frame]]:
    if place == "head":
        yield [Frame(function=head)] if head else []
    elif place == "stacked":
        yield [Frame(function=head)] if head and (stacks.pointer or any(stacks.traces)) else []
    elif place == "ip":
        yield stacks.pointer[:1]
    elif place == "held":
        yield stacks.held[:1]
    elif place == "holds":
        yield from ([frame] for frame in stacks.held)
    elif place in ("trace", "meets"):
        yield from stacks.traces
    elif place == "loose" or (place == "below" and stacks.pointer):
        yield stacks.loose
    elif place in ("call", "stall"):
        yield from _running(place, stacks, heads)


def _running(place: Place, stacks: Stacks, heads: Heads) -> Iterator[list[Frame]]:
    """Of each stack what a CPU was at; for a stall that is below the first tick, which noticed it, or
    else the first stack, when it was printed by the CPU that stalled."""
    stacked = [*zip(stacks.traces, stacks.leads, strict=True), (stacks.loose, [])]
    if place == "call":
        yield from ([*lead, *frames] for frames, lead in stacked)
        return
    yield next(filter(None, (_below_tick(frames, heads) for frames, _lead in stacked)), [])
    frames, lead = stacked[0]
    if lead:
        yield [*lead, *frames]


def _below_tick(frames: list[Frame], heads: Heads) -> list[Frame]:
    for at, frame in enumerate(frames):
        if heads.ticks.search(plain(frame.function)):
            return frames[at + 1 :]
    return []
