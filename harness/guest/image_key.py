# SPDX-License-Identifier: GPL-2.0-only
"""What a guest image is made of, as two keys that are computed without network and in milliseconds."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.image_archive import SYSTEM_PATH
from harness.process import run

TOOLS = (
    ("musl-gcc", "musl-tools"),
    ("make", "make"),
    ("apt-get", "apt"),
    ("dpkg-source", "dpkg-dev"),
    ("strip", "binutils"),
    ("cpio", "cpio"),
    ("mkswap", "util-linux"),
    ("mke2fs", "e2fsprogs"),
)
"""what is run, and the package that brings it"""

_USERLAND = ("userland.mk", "busybox.sed", "dropbear.h")
_IMAGE = ("src", "root")
_CODE = Path(__file__).resolve().parent
_LENGTH = 20


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Hex digests: of what the source packages are built with, and of the whole image."""

    userland: str
    """the recipe and the toolchain; the packages' versions are recorded in the result, not asked for"""
    image: str
    """the userland's key, our sources in qemu/, and the code that packs them"""
    toolchain: str


def require_tools(tools: Sequence[tuple[str, str]] = TOOLS) -> None:
    """InfraError, naming the command that installs them, unless all are there."""
    missing = [(tool, package) for tool, package in tools if not shutil.which(tool, path=SYSTEM_PATH)]
    if missing:
        names = ", ".join(tool for tool, _package in missing)
        packages = " ".join(sorted({package for _tool, package in missing}))
        raise InfraError(f"to make the guest's image {names} must be there; run: apt-get install {packages}")


def compute_keys(recipe: Path, toolchain: str) -> Keys:
    """The keys for the project's *recipe* directory and a *toolchain* as :func:`read_toolchain` says it."""
    userland = _digest([toolchain.encode(), *_contents(recipe, [recipe / name for name in _USERLAND])])
    ours = [path for name in _IMAGE for path in (recipe / name).rglob("*") if path.is_file()]
    code = sorted(_CODE.glob("image*.py"))
    image = _digest([userland.encode(), *_contents(recipe, ours), *_contents(_CODE, code)])
    return Keys(userland=userland, image=image, toolchain=toolchain)


def read_toolchain(cwd: Path, deadline: Deadline) -> str:
    """The compiler's first line about itself and musl's version, both as installed."""
    require_tools(TOOLS[:1])
    compiler = run(["musl-gcc", "--version"], cwd=cwd, deadline=deadline, env={"LC_ALL": "C"})
    musl = run(["dpkg-query", "-W", "-f", "musl ${Version}", "musl-dev"], cwd=cwd, deadline=deadline)
    if compiler.exit != 0 or musl.exit != 0:
        raise InfraError("musl-gcc does not work; run: apt-get install --reinstall musl-tools musl-dev gcc")
    return f"{compiler.output.splitlines()[0]}, {musl.output.strip()}"


def _contents(root: Path, paths: Iterable[Path]) -> Iterable[bytes]:
    """Name and contents of each, in the order of the names."""
    for path in sorted(paths):
        yield str(path.relative_to(root)).encode()
        yield path.read_bytes()


def _digest(parts: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()[:_LENGTH]
