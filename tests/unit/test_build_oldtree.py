# SPDX-License-Identifier: GPL-2.0-only
"""A toy tree with a build of 2008: what new tools refuse in it, and that the shipped table mends it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.build.kernel import BuildFailed, kernel_for
from harness.build.mend import Mending, mending_for
from harness.build.model import Kernel
from harness.build.profile import Profile, Row, Wanted
from harness.build.toolchain import Toolchain, find_toolchain
from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import silent
from harness.paths import CONFIGS
from harness.tree.model import Overlay, Tree
from harness.tree.source import open_tree
from harness.tree.workcopy import read

TABLE = CONFIGS / "old-trees.yaml"
# Lines of our own that have what the table's patterns look for, where it looks for it.
OLD_FILES = {
    "kernel/timeconst.pl": "my @val = ();\nexit 0 if (!defined(@val));\n",
    "arch/x86/vdso/Makefile": "A = -m elf_x86_64 -x\nB = -m elf_i386\n",
    "include/acpi/acpiosxf.h": "acpi_status __initdata acpi_os_initialize(void);\n",
    "kernel/mutex.c": "void __mutex_lock_slowpath(atomic_t *lock_count);\n"
    "void __mutex_unlock_slowpath(atomic_t *lock_count);\n",
    "scripts/Kbuild.include": "make-cmd = $(subst \\#,\\\\\\#,$(cmd))\n",
}


def _make_old(source: Path) -> None:
    """Turn the toy kernel into one of 2.6.27-rc3: its version, its Kconfig targets, what is wrong in it."""
    makefile = source / "Makefile"
    text = makefile.read_text()
    for name, value in (("VERSION", "2"), ("PATCHLEVEL", "6"), ("SUBLEVEL", "27"), ("EXTRAVERSION", "-rc3")):
        text = re.sub(rf"^{name} =.*$", f"{name} = {value}", text, count=1, flags=re.MULTILINE)
    text = text.replace(".PHONY: bzImage kernelrelease tinyconfig allnoconfig olddefconfig", ".PHONY: FORCE")
    text = text.replace("tinyconfig allnoconfig olddefconfig:", "config %config: FORCE")
    text += "\n/ %/: ;\n$(objtree)/.config: ;\ninclude $(srctree)/scripts/Kbuild.include\n"
    makefile.write_text(text)
    (source / "scripts/kconfig/Makefile").write_text("# targets: allnoconfig oldconfig\n")
    for path, lines in OLD_FILES.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(lines)


@pytest.fixture(name="tree")
def _tree(toy_source: Path, tmp_path: Path) -> Iterator[Tree]:
    _make_old(toy_source)
    with open_tree(
        str(toy_source), cache=tmp_path / "trees", listener=silent, deadline=Deadline.after(60)
    ) as tree:
        yield tree


@pytest.fixture(name="toolchain", scope="module")
def _toolchain() -> Toolchain:
    return find_toolchain("gcc", Deadline.after(30))


def _mending(tree: Tree, toolchain: Toolchain) -> Mending:
    return mending_for(tree.version, toolchain, TABLE, force=False)


def _build(tree: Tree, overlay: Overlay, toolchain: Toolchain, cache: Path) -> Kernel:
    rows = tuple(
        Wanted(TABLE, Row(name=name, value="y", why="a test")) for name in ("SWAP", "CGROUPS", "MEMCG")
    )
    return kernel_for(
        tree,
        overlay,
        Profile("toy", rows),
        cache=cache,
        toolchain=toolchain,
        jobs=2,
        listener=silent,
        deadline=Deadline.after(60),
    )


def test_as_it_is_todays_make_does_not_configure_it(tree: Tree, toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises((BuildFailed, UserError), match="No rule to make target 'allnoconfig'"):
        _build(tree, {}, toolchain, tmp_path / "cache")


def test_mended_it_builds_and_the_users_tree_is_as_it_was(
    tree: Tree, toolchain: Toolchain, tmp_path: Path, toy_source: Path
) -> None:
    given = {path: path.read_bytes() for path in toy_source.rglob("*") if path.is_file()}
    mending = _mending(tree, toolchain)
    overlay, made = mending.lay({}, lambda path: read(tree, path), tree.origin)
    kernel = _build(tree, overlay, mending.dress(toolchain), tmp_path / "cache")
    assert kernel.release == "2.6.27-rc3"
    assert {one.file for one in made} == {"Makefile", *OLD_FILES}
    assert {path: path.read_bytes() for path in toy_source.rglob("*") if path.is_file()} == given
    assert b"__used;" in (tree.source / "kernel/mutex.c").read_bytes()
    assert b"__used" not in (toy_source / "kernel/mutex.c").read_bytes()


def test_the_configuration_is_completed_by_oldconfig(
    tree: Tree, toolchain: Toolchain, tmp_path: Path
) -> None:
    mending = _mending(tree, toolchain)
    overlay, _made = mending.lay({}, lambda path: read(tree, path), tree.origin)
    kernel = _build(tree, overlay, mending.dress(toolchain), tmp_path / "cache")
    assert "CONFIG_MEMCG=y" in kernel.config.read_text()


def test_the_flags_reach_every_compilation(tree: Tree, toolchain: Toolchain, tmp_path: Path) -> None:
    mending = _mending(tree, toolchain)
    overlay, _made = mending.lay({}, lambda path: read(tree, path), tree.origin)
    _build(tree, overlay, mending.dress(toolchain), tmp_path / "cache")
    commands = list((tree.source.parent / "build").rglob(".memcontrol.o.cmd"))
    assert commands and all("-fno-pie -mno-sse" in path.read_text() for path in commands)


def test_a_second_build_compiles_nothing(tree: Tree, toolchain: Toolchain, tmp_path: Path) -> None:
    mending = _mending(tree, toolchain)
    overlay, _made = mending.lay({}, lambda path: read(tree, path), tree.origin)
    dressed = mending.dress(toolchain)
    first = _build(tree, overlay, dressed, tmp_path / "cache")
    again = _build(tree, overlay, dressed, tmp_path / "other-cache")
    assert "CC " in first.log.read_text()
    assert "CC " not in again.log.read_text()


def test_the_edits_themselves_are_what_the_tools_take(tree: Tree, toolchain: Toolchain) -> None:
    """perl runs the mended script; the given one it does not compile."""
    overlay, _made = _mending(tree, toolchain).lay({}, lambda path: read(tree, path), tree.origin)
    given, mended = OLD_FILES["kernel/timeconst.pl"].encode(), overlay["kernel/timeconst.pl"]
    for script, code in ((given, 255), (mended, 0)):
        done = subprocess.run(["perl"], input=script, capture_output=True, check=False)
        assert done.returncode == code
