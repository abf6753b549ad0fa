# SPDX-License-Identifier: GPL-2.0-only
"""The guest's image: made once for a recipe and a toolchain, without root, and kept in the cache."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.events import Listener, Task, task
from harness.files import locked, make_directory, require_space
from harness.guest.image_archive import make_scratch, make_swap, pack, stage
from harness.guest.image_key import Keys, compute_keys, read_toolchain, require_tools
from harness.guest.image_sources import fetch_sources
from harness.guest.model import Image
from harness.process import run

_BUILDING = ".building-"
_SPACE = 400 << 20
_BUILD_LINES = 11900
"""what userland.mk says from beginning to end, roughly; only the progress bar believes it"""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """manifest.json beside an image: what it was made of."""

    image: str
    userland: str
    toolchain: str
    packages: dict[str, str]
    """Debian's source package versions by name"""


def prepare(cache: Path, recipe: Path, *, jobs: int, listener: Listener, deadline: Deadline) -> Image:
    """The image for *recipe* (the project's qemu/), made under *cache*/images unless it is there.

    One that is there costs no network and no build. A change to our own programs builds those
    and packs again; only a change to userland.mk and its two files, or to the toolchain, fetches
    and builds the source packages. Up to *jobs* processes. UserError when the cache cannot be written or
    is full; InfraError for a missing tool (with the package), a failed download or build (with
    its last words).
    """
    keys = compute_keys(recipe, read_toolchain(recipe, deadline))
    image = Image(key=keys.image, directory=cache / "images" / keys.image)
    if image.directory.is_dir():
        return image
    require_tools()
    images = make_directory(cache / "images", "the image cache")
    userlands = make_directory(cache / "userland", "the image cache")
    with locked(images / ".lock", deadline, "the image cache"):
        if image.directory.is_dir():
            return image
        userland = userlands / keys.userland
        if not userland.is_dir():
            require_space(cache, _SPACE, "building the guest's userland")
            with _building(userlands) as work:
                _build_userland(work, userland, recipe, jobs, listener, deadline)
        with _building(images) as work, task(listener, "image", "guest image"):
            _build_image(work, image.directory, recipe, userland, keys, jobs, deadline)
    return image


@contextmanager
def _building(parent: Path) -> Iterator[Path]:
    """A directory to build in beside the result. What a killed run left is removed: the lock is ours."""
    for leftover in parent.glob(f"{_BUILDING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build_userland(
    work: Path, result: Path, recipe: Path, jobs: int, listener: Listener, deadline: Deadline
) -> None:
    with task(listener, "sources", "guest userland: source packages"):
        versions = fetch_sources(work, deadline)
    with task(listener, "userland", "guest userland: build", _BUILD_LINES) as current:
        _make(work, recipe / "userland.mk", jobs, deadline, current)
    (work / "versions.json").write_bytes(msgspec.json.encode(versions))
    (work / "versions.json").rename(work / "out" / "versions.json")
    (work / "out").rename(result)


def _build_image(
    work: Path, result: Path, recipe: Path, userland: Path, keys: Keys, jobs: int, deadline: Deadline
) -> None:
    programs, binaries, done = work / "programs", work / "userland", work / "done"
    programs.mkdir()
    done.mkdir()
    shutil.copytree(userland, binaries, ignore=shutil.ignore_patterns("versions.json"))
    _make(programs, recipe / "src" / "Makefile", jobs, deadline, None)
    stage(work / "tree", overlay=recipe / "root", userland=binaries, programs=programs)
    pack(work / "tree", done / "initramfs.cpio.gz", deadline)
    make_swap(done / "swap.img", deadline)
    make_scratch(done / "scratch.img", deadline)
    shutil.copy2(userland / "dropbearmulti", done / "dropbearmulti")
    manifest = Manifest(
        image=keys.image,
        userland=keys.userland,
        toolchain=keys.toolchain,
        packages=msgspec.json.decode((userland / "versions.json").read_bytes(), type=dict[str, str]),
    )
    (done / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    done.rename(result)


def _make(cwd: Path, makefile: Path, jobs: int, deadline: Deadline, current: Task | None) -> None:
    count = 0

    def heard(line: str) -> None:
        nonlocal count
        count += 1
        if current is not None:
            current.progress(count, line.strip()[:60], max(count, _BUILD_LINES))

    done = run(
        ["make", f"-j{max(1, jobs)}", "-f", makefile.resolve()],
        cwd=cwd,
        deadline=deadline,
        env={"LC_ALL": "C", "MAKEFLAGS": "", "CFLAGS": "", "LDFLAGS": ""},
        on_line=heard,
    )
    if done.exit != 0:
        raise InfraError(f"{makefile.name}: make failed with {done.exit}: {done.last_lines(4)}")
