# SPDX-License-Identifier: GPL-2.0-only
"""Building the toy kernel: what is built, what is not, and what is remembered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.build import kernel as kernel_module
from harness.build.kernel import BuildFailed, expected_seconds, kernel_for
from harness.build.model import Kernel
from harness.build.profile import Profile, Row, Wanted
from harness.build.toolchain import Toolchain, find_toolchain
from harness.build.warnings import new_against
from harness.deadline import Deadline
from harness.errors import DeadlineExpired, UserError
from harness.events import Event, Progress, silent
from harness.paths import CONFIGS
from harness.tree.model import Overlay, Tree

NAMES = ("SWAP", "CGROUPS", "MEMCG", "DEBUG_KERNEL", "DEBUG_VM")
MEMCG = "mm/memcontrol.c"


@pytest.fixture(name="toolchain", scope="module")
def _toolchain() -> Toolchain:
    return find_toolchain("gcc", Deadline.after(30))


def _profile(names: tuple[str, ...]) -> Profile:
    rows = (
        Wanted(CONFIGS / "kconfig" / "base.yaml", Row(name=name, value="y", why="a test")) for name in names
    )
    return Profile("toy", tuple(rows))


class _Builder:
    """kernel_for with everything but tree, overlay and profile settled."""

    def __init__(self, tree: Tree, cache: Path, toolchain: Toolchain) -> None:
        self.tree = tree
        self.cache = cache
        self.toolchain = toolchain
        self.events: list[Event] = []

    def __call__(self, overlay: Overlay | None = None, names: tuple[str, ...] = NAMES) -> Kernel:
        self.events.clear()
        return kernel_for(
            self.tree,
            overlay or {},
            _profile(names),
            cache=self.cache,
            toolchain=self.toolchain,
            jobs=2,
            listener=self.events.append,
            deadline=Deadline.after(60),
        )

    def source(self, path: str) -> bytes:
        return (self.tree.source / path).read_bytes()

    def expected(self, overlay: dict[str, bytes]) -> float | None:
        """What a call with *overlay* will take."""
        return expected_seconds(
            self.tree, overlay, _profile(NAMES), cache=self.cache, toolchain=self.toolchain
        )

    def compiled(self) -> set[str]:
        """What the last call compiled."""
        return {event.text for event in self.events if isinstance(event, Progress)}


@pytest.fixture(name="build")
def _build(toy_tree: Tree, tmp_path: Path, toolchain: Toolchain) -> _Builder:
    return _Builder(toy_tree, tmp_path / "cache", toolchain)


def _with_warning(source: bytes) -> bytes:
    return source.replace(b"\tmemcg->usage -= nr_pages;", b"\tint spare;\n\tmemcg->usage -= nr_pages;")


def test_a_kernel_is_stored_whole(build: _Builder) -> None:
    kernel = build()
    assert not kernel.cached
    assert kernel.release == "6.1.0"
    assert {path.name for path in kernel.directory.iterdir()} == {
        "bzImage", "System.map", "config", "build.log", "kernel.json",
    }  # fmt: skip
    assert kernel.directory.parent == build.cache / "kernels"
    assert "CONFIG_MEMCG=y" in kernel.config.read_text()
    assert "mem_cgroup_charge" in (kernel.directory / "System.map").read_text()
    assert "mm/memcontrol.o" in build.compiled()


def test_the_same_inputs_touch_nothing(build: _Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build()

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("nothing was to be put, configured or made")

    for name in ("put", "configure", "install", "Make"):
        monkeypatch.setattr(kernel_module, name, refuse)
    again = build()
    assert again.cached
    assert (again.key, again.release, again.seconds) == (first.key, first.release, first.seconds)
    assert build.events == []


def test_a_patched_file_is_all_that_is_compiled(build: _Builder) -> None:
    base = build()
    patched = build({MEMCG: build.source(MEMCG) + b"\nint memcg_extra;\n"})
    assert patched.key != base.key
    assert {one for one in build.compiled() if one.endswith(".o")} == {"mm/memcontrol.o"}
    assert "memcg_extra" in (patched.directory / "System.map").read_text()
    assert "memcg_extra" not in (base.directory / "System.map").read_text()


def test_what_a_build_will_take_is_known_from_the_last_one_there(build: _Builder) -> None:
    edited = {MEMCG: build.source(MEMCG) + b"\nint memcg_extra;\n"}
    assert build.expected({}) is None
    build()
    assert build.expected({}) == 0.0, "in the cache"
    assert build.expected(edited) is None, "a build of everything tells nothing of one of a file"
    assert build(edited).seconds > 0
    again = build.expected({MEMCG: build.source(MEMCG) + b"\nint memcg_more;\n"})
    assert again == pytest.approx(build(edited).seconds)


def test_a_new_warning_is_found_and_stays_with_its_object(build: _Builder) -> None:
    base = build()
    text = _with_warning(build.source(MEMCG))
    patched = build({MEMCG: text})
    (warning,) = new_against(base, patched)
    assert (warning.file, warning.option) == (MEMCG, "-Wunused-variable")
    swap = build({MEMCG: text, "mm/swap.c": build.source("mm/swap.c") + b"\nint more;\n"})
    assert "mm/memcontrol.o" not in build.compiled()
    assert new_against(base, swap) == (warning,)
    mended = build({MEMCG: build.source(MEMCG).replace(b"int spare;", b"")})
    assert new_against(base, mended) == ()


def test_an_error_is_named_and_nothing_stored(build: _Builder) -> None:
    broken = build.source(MEMCG) + b"\nint f(void) { return nowhere; }\n"
    with pytest.raises(BuildFailed) as caught:
        build({MEMCG: broken})
    assert caught.value.errors[0].startswith(f"{MEMCG}:24: 'nowhere' undeclared")
    assert caught.value.log.exists()
    assert not list((build.cache).glob("kernels/*"))
    assert not build({}).cached


def test_a_lost_symbol_stops_before_anything_is_compiled(build: _Builder) -> None:
    with pytest.raises(UserError, match="NOWHERE=y is lost"):
        build(names=("NOWHERE",))
    assert build.compiled() == set()


def test_a_kconfig_laid_over_the_tree_is_configured_anew(build: _Builder) -> None:
    build()
    laid = {"mm/Kconfig": build.source("mm/Kconfig") + b"\nconfig NEW_ONE\n\tbool\n\tdefault y\n"}
    build(laid)
    assert len(list((build.cache / "configs").iterdir())) == 2
    build({MEMCG: build.source(MEMCG) + b"\nint other;\n"})
    assert len(list((build.cache / "configs").iterdir())) == 2


def test_a_full_build_expects_a_number_and_a_partial_one_does_not(build: _Builder) -> None:
    build()
    assert {event.total for event in build.events if isinstance(event, Progress)} != {None}
    build({MEMCG: build.source(MEMCG) + b"\nint other;\n"})
    assert {event.total for event in build.events if isinstance(event, Progress)} == {None}


def test_an_object_cut_short_by_a_kill_is_made_again(build: _Builder) -> None:
    base = build()
    out = build.tree.source.parent / "build" / "toy"
    # As a SIGKILL in the middle of an incremental build leaves it: mark, new truncated object, old .cmd.
    (out / ".harness" / "unfinished").touch()
    os.utime(out / ".harness" / "unfinished", (1, 1))
    os.utime(out / "mm" / ".swap.o.cmd", (2, 2))
    (out / "mm" / "swap.o").write_bytes(b"")
    (out / ".harness" / "build.log").write_text("  CC      mm/swap.o\nmm/swap.c:1:1: warning: kept [-Wx]\n")
    again = build({MEMCG: build.source(MEMCG) + b"\nint other;\n"})
    assert "mm/swap.o" in build.compiled()
    assert new_against(base, again) == ()
    assert not (out / ".harness" / "unfinished").exists()


def test_no_time_left_is_not_the_kernels_fault(toy_tree: Tree, tmp_path: Path, toolchain: Toolchain) -> None:
    with pytest.raises(DeadlineExpired):
        kernel_for(
            toy_tree,
            {},
            Profile("toy", ()),
            cache=tmp_path / "cache",
            toolchain=toolchain,
            jobs=1,
            listener=silent,
            deadline=Deadline.after(0),
        )


def test_with_pvh_qemu_gets_a_vmlinux_without_symbols(build: _Builder) -> None:
    plain, pvh = build(), build(names=(*NAMES, "HYPERVISOR_GUEST", "PVH"))
    assert plain.image == plain.bzimage
    assert pvh.image == pvh.directory / "vmlinux"
    assert b"mem_cgroup_charge" not in pvh.image.read_bytes()
    assert b"mem_cgroup_charge" in pvh.bzimage.read_bytes()
