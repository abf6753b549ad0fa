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
_OLD_CALL = re.compile(r"(?:compat_SyS|SyS|C_SYSC|SYSC)_(?=\w)")
_CALL_OF_USER = re.compile(
    r"(?:compat_sys|ksys"
    r"|__(?:x64|ia32|x32|arm64|s390x?|riscv|powerpc|loongarch)_(?:compat_)?sys"
    r"|__(?:do|se)_(?:compat_)?sys)_(?=\w)"
)
_FAULTS = re.compile(r"should_fail|fail_dump")
_INTO = re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+")
_ADDRESS = re.compile(r"\b(?:0x)?[0-9a-f]{8,16}\b|\b0x[0-9a-f]+\b")
_MANGLED = re.compile(r"_ZN?(?P<length>\d+)(?P<rest>\w+)")
_NUMBER = re.compile(r"(?<![A-Za-z_0-9])\d+|\d{4,}")
_LONGEST = 180
_NEAR = 4
"""innermost frames among which a function that waits for other CPUs is what a stall is named after"""


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
    skipped = re.compile(rf"(?:{skip})\Z") if skip else None
    frames, function = _function(places, words.get("function", ""), stacks, heads, skipped)
    title = form.title if form else row.title
    bare = (form.bare or row.bare) if form else row.bare
    lacking = "{function}" in title and not function
    if lacking and bare:
        title = bare
    shown = title.format_map({**words, "function": function or CORRUPTED})
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
        if not heads.skipped.match(plain(frame.function)):
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
    return _NUMBER.sub("NUM", _ADDRESS.sub("ADDR", _INTO.sub("", what)))


def _function(
    places: Iterable[Place], head: str, stacks: Stacks, heads: Heads, skipped: re.Pattern[str] | None
) -> tuple[list[Frame], str]:
    """The frames of the place at which a function is found, and that function."""
    for place in places:
        for frames in _at(place, head, stacks, heads):
            function = next(_telling(frames, heads.skipped, skipped), "")
            if function:
                return _whole(frames, stacks), heads.alias(function) or function
    return _whole([], stacks), ""


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
    return next((name for frames in places for name in _telling(frames, heads.skipped, None)), "")


def _telling(
    frames: Iterable[Frame], skipped: re.Pattern[str], more: re.Pattern[str] | None
) -> Iterator[str]:
    for frame in frames:
        name = plain(frame.function)
        if not skipped.match(name) and not (more is not None and more.match(name)):
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
    elif place == "trace":
        yield from stacks.traces
    elif place == "loose":
        yield stacks.loose
    else:
        yield from _called(place, stacks, heads)


def _called(place: Place, stacks: Stacks, heads: Heads) -> Iterator[list[Frame]]:
    """Of each stack the function that a dispatcher called; for a stall below the tick that noticed it.

    Where exactly the CPU was at that moment is chance, in which handler it was is not.
    """
    for frames, lead in (*zip(stacks.traces, stacks.leads, strict=True), (stacks.loose, [])):
        below = _below_tick(frames, heads) if place == "stall" else []
        if not below and (lead or place == "call"):
            below = [*lead, *frames]
        waits = next((at for at, one in enumerate(below[:_NEAR]) if heads.alias(plain(one.function))), None)
        if waits is not None:
            yield below[waits:]
        called = _last_called(below, heads)
        if called is not None:
            yield below[called:]
        elif place == "stall" and _below_tick(frames, heads):
            yield below


def _last_called(frames: list[Frame], heads: Heads) -> int | None:
    """Where in *frames* stands the innermost function that a dispatcher called."""
    names = [plain(frame.function) for frame in frames]
    for at, (inner, outer) in enumerate(itertools.pairwise(names)):
        if heads.dispatchers.match(outer) and not heads.skipped.match(inner):
            return at
    return None


def _below_tick(frames: list[Frame], heads: Heads) -> list[Frame]:
    for at, frame in enumerate(frames):
        if heads.ticks.match(plain(frame.function)):
            return frames[at + 1 :]
    return []
