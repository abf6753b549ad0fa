# SPDX-License-Identifier: GPL-2.0-only
"""Lines for the stacks of toy kernels that were built without debug information."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from harness.build import debug_objects
from harness.build.debug_objects import DebugObjects
from harness.build.kernel import build_directory, kernel_for
from harness.build.profile import Profile, Row, Wanted
from harness.build.toolchain import Toolchain, find_toolchain
from harness.console.model import Frame
from harness.deadline import Deadline
from harness.events import silent
from harness.paths import CONFIGS
from harness.tree.model import Overlay, Tree
from harness.tree.workcopy import put, read

MEMCG = "mm/memcontrol.c"
SHIFT = 7
"""lines that the patched file has before all others"""


@pytest.fixture(name="toolchain", scope="module")
def _toolchain() -> Toolchain:
    return find_toolchain("gcc", Deadline.after(30))


class _Built:
    """The base, and a kernel with a patch on that moves every line of one file."""

    def __init__(self, tree: Tree, cache: Path, toolchain: Toolchain) -> None:
        self.tree = tree
        wanted = tuple(
            Wanted(CONFIGS / "kconfig" / "base.yaml", Row(name=name, value="y", why="a test"))
            for name in ("SWAP", "CGROUPS", "MEMCG")
        )
        profile = Profile("toy", wanted)
        self.build_dir = build_directory(tree, profile)
        patched: Overlay = {MEMCG: b"\n" * SHIFT + (read(tree, MEMCG) or b"")}
        self.base, self.patched = (
            DebugObjects(
                tree=tree,
                overlay=overlay,
                kernel=kernel_for(
                    tree,
                    overlay,
                    profile,
                    cache=cache,
                    toolchain=toolchain,
                    jobs=2,
                    listener=silent,
                    deadline=Deadline.after(60),
                ),
                build_dir=self.build_dir,
                cache=cache,
                deadline=Deadline.after(60),
            )
            for overlay in ({}, patched)
        )

    def stack(self, function: str, name: str, more: int = 0) -> tuple[Frame, ...]:
        """A frame for each of the first bytes of *function*, whose size is printed *more* than it is."""
        said = subprocess.run(
            ["nm", "-S", self.build_dir / name], check=True, capture_output=True, text=True
        ).stdout
        sizes = {line.split()[-1]: line.split()[1] for line in said.splitlines() if len(line.split()) == 4}
        size = int(sizes[function], 16)
        return tuple(
            Frame(function=function, at=at, size=size + more, exact=True) for at in range(min(size, 12))
        )

    def state(self) -> dict[str, int]:
        """When each file of the sources and of the build directory was last written."""
        roots = (self.tree.source, self.build_dir)
        return {str(path): path.stat().st_mtime_ns for root in roots for path in root.rglob("*")}


@pytest.fixture(name="built")
def _built(toy_tree: Tree, tmp_path: Path, toolchain: Toolchain) -> _Built:
    return _Built(toy_tree, tmp_path / "cache", toolchain)


def _line(built: _Built, text: str) -> int:
    """Of the base's file."""
    lines = (read(built.tree, MEMCG) or b"").decode().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def _lines(frames: tuple[Frame, ...], function: str) -> set[int]:
    return {frame.line for frame in frames if frame.function == function and frame.file == MEMCG}


def test_a_stack_gets_lines_and_inlined_calls_and_nothing_else_changes(built: _Built) -> None:
    before = built.state()
    stack = (
        *built.stack("mem_cgroup_charge", "mm/memcontrol.o")[:4],
        *built.stack("swap_out", "mm/swap.o")[:2],
    )
    frames = built.patched.frames(stack)
    assert built.patched.said == []
    assert _line(built, "memcg->usage + nr_pages") + SHIFT in _lines(frames, "try_charge")
    assert any(frame.inlined for frame in frames if frame.function == "try_charge")
    assert {frame.file for frame in frames if frame.function == "swap_out"} == {"mm/swap.c"}
    assert all(frame.line for frame in frames)
    assert built.state() == before


def test_the_lines_are_those_of_the_kernel_asked_about(built: _Built) -> None:
    """The patched one was built last; the base's sources are put back for its stacks."""
    stack = built.stack("mem_cgroup_uncharge", "mm/memcontrol.o")
    own, patched = (_lines(one.frames(stack), "mem_cgroup_uncharge") for one in (built.base, built.patched))
    assert own
    assert patched == {line + SHIFT for line in own}


def test_an_object_is_compiled_once(built: _Built) -> None:
    stack = built.stack("mem_cgroup_charge", "mm/memcontrol.o")
    first = built.base.frames(stack)
    put(built.tree, {MEMCG: b"no C at all"})
    assert built.base.frames(stack) == first


def test_another_size_is_another_function(built: _Built) -> None:
    stack = built.stack("mem_cgroup_charge", "mm/memcontrol.o", more=32)
    assert built.base.frames(stack) == stack
    assert built.base.said == [
        "mem_cgroup_charge is not as long in mm/memcontrol.o as the console has it: no line"
    ]


def test_what_fills_up_to_the_next_function_counts_as_the_kernel_counts_it(built: _Built) -> None:
    stack = built.stack("mem_cgroup_charge", "mm/memcontrol.o", more=3)
    assert _lines(built.base.frames(stack), "mem_cgroup_charge")


@pytest.mark.parametrize(
    "frame",
    [
        Frame(function="nowhere", at=1, size=16),
        Frame(function="mem_cgroup_charge", at=1, size=16, module="memcg"),
        Frame(function="mem_cgroup_charge"),
    ],
)
def test_what_no_object_has_stays_as_it_is(built: _Built, frame: Frame) -> None:
    assert built.base.frames((frame,)) == (frame,)


def test_objects_of_another_configuration_are_not_asked(built: _Built) -> None:
    (built.build_dir / ".config").write_text("# CONFIG_MEMCG is not set\n")
    stack = built.stack("mem_cgroup_charge", "mm/memcontrol.o")
    assert built.base.frames(stack) == stack
    assert "is not configured as 6.1.0 was any more" in built.base.said[0]


def test_what_does_not_compile_is_said(built: _Built, tmp_path: Path) -> None:
    stack = built.stack("mem_cgroup_charge", "mm/memcontrol.o")
    broken = dataclasses.replace(built.base, overlay={MEMCG: b"no C at all"}, cache=tmp_path / "other")
    assert broken.frames(stack) == stack
    assert broken.said[0].startswith("mm/memcontrol.o does not compile with -g: ")
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_file()]


def test_so_many_objects_and_no_more(built: _Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_objects, "_OBJECTS", 1)
    swap = built.stack("swap_out", "mm/swap.o")[:1]
    charge = built.stack("mem_cgroup_charge", "mm/memcontrol.o")[:1]
    frames = built.base.frames((*swap, *charge))
    assert frames[0].file == "mm/swap.c"
    assert frames[-1] == charge[0]
