# SPDX-License-Identifier: GPL-2.0-only
"""A kernel for a tree with files laid over it: out of the cache, or built."""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness import process
from harness.build.failure import BuildFailed, failure
from harness.build.kconfig import Config, configure, install
from harness.build.kerneldir import store_config, store_kernel, stored_config, stored_kernel
from harness.build.make import Make
from harness.build.model import Kernel
from harness.build.objects import Objects
from harness.build.profile import Profile
from harness.build.toolchain import Toolchain
from harness.build.warnings import compiled
from harness.deadline import Deadline
from harness.errors import InfraError
from harness.events import Listener, Task, silent, task
from harness.files import make_directory, require_space
from harness.tree.model import Overlay, Tree
from harness.tree.overlay import overlay_hash
from harness.tree.workcopy import put

__all__ = ["BuildFailed", "build_directory", "expected_seconds", "kernel_for"]

# Raise it when the same inputs are to give another kernel: how make is called, what is stored.
_RECIPE = "1"
_NEEDED_SPACE = 2 << 30


@dataclass(frozen=True)
class _Order:
    tree: Tree
    overlay: Overlay
    profile: Profile
    cache: Path
    toolchain: Toolchain
    jobs: int
    listener: Listener
    deadline: Deadline

    @property
    def build_dir(self) -> Path:
        """One per tree and profile, at a stable path: make compiles only what changed since."""
        return build_directory(self.tree, self.profile)

    def config_key(self) -> str:
        """From what Kconfig reads: the tree, what is laid over its Kconfig files, rows, compiler."""
        laid = {path: data for path, data in self.overlay.items() if _decides_config(path)}
        rows = [one.row.line() + str(one.row.needed) for one in self.profile.wanted(self.tree.version)]
        return _hash(
            _RECIPE, self.tree.fingerprint, overlay_hash(laid), "\n".join(rows), self.toolchain.identity()
        )

    def kernel_key(self, config: Config) -> str:
        return _hash(
            _RECIPE,
            self.tree.fingerprint,
            overlay_hash(self.overlay),
            config.text,
            self.toolchain.identity(),
        )

    def stored(self) -> Kernel | None:
        """The kernel, if configuration and kernel are both in the cache."""
        config = stored_config(self.cache, self.config_key())
        return stored_kernel(self.cache, self.kernel_key(config)) if config else None


def build_directory(tree: Tree, profile: Profile) -> Path:
    """Where the kernels of *tree* configured by *profile* are built, one after the other."""
    return tree.source.parent / "build" / profile.name


def kernel_for(
    tree: Tree,
    overlay: Overlay,
    profile: Profile,
    *,
    cache: Path,
    toolchain: Toolchain,
    jobs: int,
    listener: Listener,
    deadline: Deadline,
) -> Kernel:
    """The kernel of *tree* with *overlay* laid over it, configured by *profile*.

    One that is in *cache* is returned without a file being touched. Otherwise the overlay is put
    on ``tree.source`` and the kernel built with *jobs* jobs; what is in ``tree.source`` stays
    there until the next call. The caller holds the tree (harness.tree.source.open_tree), so nobody
    else builds in it meanwhile. Raises BuildFailed when the sources do not build, UserError when
    the configuration loses a symbol, InfraError and DeadlineExpired for the machine.
    """
    order = _Order(tree, overlay, profile, cache, toolchain, jobs, listener, deadline)
    found = order.stored()
    if found is not None:
        return found
    make_directory(order.build_dir, "the build directory")
    put(tree, overlay)
    config = _configured(order)
    kept = stored_kernel(cache, order.kernel_key(config))
    return kept if kept is not None else _build(order, config)


def expected_seconds(
    tree: Tree, overlay: Overlay, profile: Profile, *, cache: Path, toolchain: Toolchain
) -> float | None:
    """What :func:`kernel_for` would take, as far as is known: nothing from the cache, else as the last build
    there; None where there was none."""
    order = _Order(tree, overlay, profile, cache, toolchain, 1, silent, Deadline.never())
    return 0.0 if order.stored() else Objects(tree.source, order.build_dir).expected_seconds()


def _configured(order: _Order) -> Config:
    """The configuration, out of the cache or asked of the tree, which has the overlay on."""
    key = order.config_key()
    config = stored_config(order.cache, key)
    if config is None:
        log = order.build_dir / "configure.log"
        log.unlink(missing_ok=True)
        config = configure(
            order.tree,
            order.build_dir,
            order.profile,
            order.toolchain,
            listener=order.listener,
            deadline=order.deadline,
            log=log,
        )
        store_config(order.cache, key, config)
    return config


def _build(order: _Order, config: Config) -> Kernel:
    require_space(order.build_dir, _NEEDED_SPACE, "a kernel build")
    install(config, order.build_dir)
    objects = Objects(order.tree.source, order.build_dir)
    expected = objects.begin(config.enabled())
    make = Make(order.tree.source, order.build_dir, order.toolchain, objects.log, order.deadline)
    began = time.monotonic()
    title = f"build {order.tree.name}, profile {order.profile.name}"
    with task(order.listener, "build", title, expected) as current:
        done = make.run("bzImage", jobs=order.jobs, on_line=_Counter(current))
        seconds = time.monotonic() - began
        log = order.build_dir / "build.log"
        shutil.copyfile(objects.log, log)
        if done.exit < 0:
            raise InfraError(f"make was ended by signal {-done.exit} (log: {log})")
        if done.exit != 0:
            lines = objects.lines()
            objects.stop()
            raise failure(lines, order.tree.source, order.build_dir, log)
        pvh = config.values().get("PVH") == "y"
        kernel = Kernel(
            key=order.kernel_key(config),
            release=_release(make),
            directory=order.build_dir,
            cached=False,
            seconds=seconds,
            warnings=objects.finish(seconds),
            pvh=pvh,
        )
        return store_kernel(order.cache, kernel, _products(order, pvh, log))


def _products(order: _Order, pvh: bool, log: Path) -> dict[str, Path]:
    """What is kept of a build, by the name that it has in the cache."""
    out = order.build_dir
    products = {
        "bzImage": out / "arch/x86/boot/bzImage",
        "System.map": out / "System.map",
        "config": out / ".config",
        "build.log": log,
    }
    if pvh:
        stripped = out / ".harness" / "vmlinux"
        done = process.run(
            ["strip", "--strip-all", "-o", stripped, out / "vmlinux"], cwd=out, deadline=order.deadline
        )
        if done.exit != 0:
            raise InfraError(f"strip vmlinux: {done.last_lines(1)}")
        products["vmlinux"] = stripped
    return products


def _release(make: Make) -> str:
    """What the build wrote for ``make kernelrelease`` to print."""
    path = make.build_dir / "include/config/kernel.release"
    return path.read_text(encoding="utf-8", errors="replace").strip()


class _Counter:
    """Counts objects as make names them, and tells the task."""

    def __init__(self, current: Task) -> None:
        self._current = current
        self._done = 0

    def __call__(self, line: str) -> None:
        target = compiled(line)
        if target is not None:
            self._done += 1
            self._current.progress(self._done, target)


def _decides_config(path: str) -> bool:
    return PurePosixPath(path).name.startswith(("Kconfig", "Makefile"))


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:".encode() + part.encode())
    return digest.hexdigest()
