# SPDX-License-Identifier: GPL-2.0-only
"""The command that a build left beside an object, and who defines a function."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.build.recorded import compilation, definers
from harness.deadline import Deadline

NEW = (
    "cmd_mm/swap.o := ccache gcc -Wp,-MMD,mm/.swap.o.d -Wall -mcmodel=kernel -DKBUILD_MODFILE='\"mm/swap\"' "
    "-c -o mm/swap.o /src/mm/swap.c   ; ./tools/objtool/objtool --hacks=noinstr   mm/swap.o\n\n"
    "source_mm/swap.o := /src/mm/swap.c\n"
)
OLD = (
    'cmd_mm/swap.o := gcc -fno-pie -Wp,-MD,mm/.swap.o.d -mcmodel=kernel -D"KBUILD_STR(s)=$(pound)s" '
    "-c -o mm/swap.o /src/mm/swap.c\n\ndeps_mm/swap.o := \\\n  /src/mm/swap.c \\\n"
)


def _record(directory: Path, text: str) -> tuple[str, ...]:
    (directory / "mm").mkdir(exist_ok=True)
    (directory / "mm" / ".swap.o.cmd").write_text(text)
    return compilation(directory, "mm/swap.o")


def test_a_new_build(tmp_path: Path) -> None:
    expected = (
        "ccache",
        "gcc",
        "-Wall",
        "-mcmodel=kernel",
        '-DKBUILD_MODFILE="mm/swap"',
        "-c",
        "/src/mm/swap.c",
    )
    assert _record(tmp_path, NEW) == expected
    assert _record(tmp_path, "saved" + NEW) == expected


def test_an_old_build(tmp_path: Path) -> None:
    expected = ("gcc", "-fno-pie", "-mcmodel=kernel", "-DKBUILD_STR(s)=#s", "-c", "/src/mm/swap.c")
    assert _record(tmp_path, OLD) == expected


@pytest.mark.parametrize(
    "text",
    [
        NEW.replace("-mcmodel=kernel ", "-m16 "),
        NEW.replace("swap.c ", "swap.S "),
        "cmd_mm/swap.o := ld -m elf_x86_64 -r -o mm/swap.o mm/a.o mm/b.o\n",
        "cmd_mm/swap.o := gcc 'unended -mcmodel=kernel -c -o mm/swap.o /src/mm/swap.c\n",
        "",
    ],
)
def test_what_is_not_the_kernels_own_c_is_not_compiled(tmp_path: Path, text: str) -> None:
    assert _record(tmp_path, text) == ()


def test_no_record_at_all(tmp_path: Path) -> None:
    assert compilation(tmp_path, "mm/swap.o") == ()


def test_every_object_that_defines_a_function_is_named(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.c").write_text(f"int twice(int n) {{ return 2 * n; }}\nint {name};\n")
        subprocess.run(["gcc", "-c", "-O1", f"{name}.c"], cwd=tmp_path, check=True)
        if name != "c":  # not a target of kbuild's
            (tmp_path / f".{name}.o.cmd").touch()
    found = definers(tmp_path, {"twice", "thrice"}, Deadline.after(60))
    assert found.keys() == {"twice"}
    assert found["twice"].keys() == {"a.o", "b.o"}
    assert found["twice"]["a.o"] == found["twice"]["b.o"] > 0


def test_an_empty_directory_defines_nothing(tmp_path: Path) -> None:
    assert definers(tmp_path, {"twice"}, Deadline.after(60)) == {}
