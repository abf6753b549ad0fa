# SPDX-License-Identifier: GPL-2.0-only
"""Frames against an ELF file with DWARF: a program of three functions, compiled here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.build.symbols import open_symbols
from harness.console.model import Frame
from harness.deadline import Deadline
from harness.errors import UserError

SOURCE = {
    "init/main.c": "int charge(int);\nvoid start_kernel(void)\n{\n\tcharge(1);\n}\n",
    "mm/memcontrol.c": (
        "volatile int usage;\n"
        "static inline __attribute__((always_inline)) void refill(int n)\n{\n\tusage = n;\n}\n\n"
        "__attribute__((noinline)) int charge(int n)\n{\n\trefill(n);\n\treturn usage;\n}\n"
    ),
}


@pytest.fixture(scope="module")
def vmlinux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name, text in SOURCE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    out = root / "vmlinux"
    flags = ["-g", "-O1", "-nostdlib", "-ffreestanding", "-static", "-e", "start_kernel", "-o", str(out)]
    subprocess.run(["gcc", *flags, *(str(root / name) for name in SOURCE)], check=True)
    return out


def size_of(vmlinux: Path, function: str) -> int:
    table = subprocess.run(["nm", "-n", vmlinux], check=True, capture_output=True, text=True).stdout
    starts = [(int(line.split()[0], 16), line.split()[2]) for line in table.splitlines()]
    at = [name for _start, name in starts].index(function)
    return next(start for start, _name in starts[at:] if start > starts[at][0]) - starts[at][0]


def behind_call(vmlinux: Path) -> int:
    code = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "--disassemble=start_kernel", vmlinux],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    starts = [(int(line.split(":")[0], 16), "call" in line) for line in code if line.startswith("  ")]
    at = next(number for number, (_address, call) in enumerate(starts) if call)
    return starts[at + 1][0] - starts[0][0]


def test_a_frame_gets_its_line_and_the_calls_inlined_into_it(vmlinux: Path) -> None:
    symbols = open_symbols(vmlinux, Deadline.after(60))
    stack = (Frame(function="charge", at=0, size=size_of(vmlinux, "charge"), exact=True),)
    inner, outer = symbols.frames(stack)
    assert (inner.function, inner.file, inner.line, inner.inlined) == ("refill", "mm/memcontrol.c", 4, True)
    assert (outer.function, outer.file, outer.line, outer.inlined) == ("charge", "mm/memcontrol.c", 9, False)


def test_a_return_address_is_the_calls_line(vmlinux: Path) -> None:
    """The call is the line before the closing brace, whose code the return address already is."""
    symbols = open_symbols(vmlinux, Deadline.after(60))
    frame = Frame(function="start_kernel", at=behind_call(vmlinux), size=size_of(vmlinux, "start_kernel"))
    places = [symbols.frames((one,))[0] for one in (frame, replace(frame, exact=True))]
    assert [(place.file, place.line) for place in places] == [("init/main.c", 4), ("init/main.c", 5)]


@pytest.mark.parametrize(
    "frame",
    [
        Frame(function="nowhere", at=1, size=2),
        Frame(function="charge"),
        Frame(function="charge", at=1, size=2, module="memcg"),
        Frame(function="charge", file="mm/x.c", line=3, inlined=True),
    ],
)
def test_what_cannot_be_told_stays_as_it_is(vmlinux: Path, frame: Frame) -> None:
    assert open_symbols(vmlinux, Deadline.after(60)).frames((frame,)) == (frame,)


def test_no_vmlinux_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        open_symbols(tmp_path / "vmlinux", Deadline.after(60))
    image = tmp_path / "bzImage"
    image.write_bytes(b"MZ\xea\x07")
    with pytest.raises(UserError, match="not an ELF file; give the vmlinux"):
        open_symbols(image, Deadline.after(60))


def test_an_elf_file_without_symbols_is_the_users_error(tmp_path: Path, vmlinux: Path) -> None:
    bare = tmp_path / "vmlinux"
    subprocess.run(["strip", "-o", bare, vmlinux], check=True)
    with pytest.raises(UserError, match="has no symbols"):
        open_symbols(bare, Deadline.after(60)).frames((Frame(function="charge", at=1, size=2),))
