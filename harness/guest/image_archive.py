# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs as bytes that depend on nothing but what is put into it, and the guest's disks."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.process import run

# mkswap and mke2fs live there, and a plain user's PATH on Debian does not lead there.
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
SWAP_BYTES = 256 << 20
SCRATCH_BYTES = 512 << 20
_UUID = "6d656d63-672d-6861-726e-657373000000"
_EMPTY = ("dev", "proc", "sys", "tmp", "root/.ssh", "etc/dropbear")
_PRIVATE = ("root", "root/.ssh", "etc/dropbear")
"""dropbear refuses authorized_keys that others could have written"""


def stage(tree: Path, *, overlay: Path, userland: Path, programs: Path) -> None:
    """Lay out the guest's root in *tree*: *overlay* as it is, binaries and links in bin, init at the top.

    *userland* holds binaries and a file ``links`` of "NAME TARGET" lines; *programs* holds binaries, of
    which ``init`` becomes /init, and directories of what they were made of. Modes and times are
    fixed (755 or 644; 1970).
    """
    shutil.copytree(overlay, tree)
    for name in (*_EMPTY, "bin"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    for binary in (*userland.iterdir(), *programs.iterdir()):
        if binary.is_file() and binary.name != "links":
            shutil.copyfile(binary, tree / "bin" / binary.name)
    (tree / "bin" / "init").rename(tree / "init")
    for line in (userland / "links").read_text(encoding="ascii").splitlines():
        name, target = line.split()
        (tree / "bin" / name).symlink_to(target)
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        runnable = path.is_dir() or path.parent.name == "bin" or path == tree / "init"
        path.chmod(0o755 if runnable else 0o644)
    for name in _PRIVATE:
        (tree / name).chmod(0o700)
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (0, 0), follow_symlinks=False)


def pack(tree: Path, archive: Path, deadline: Deadline) -> None:
    """*tree* as a gzip'd newc cpio, all of it root's. No root needed: the kernel's own built-in
    initramfs has /dev/console, and init makes the other nodes."""
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    plain = archive.with_suffix("")
    done = run(
        ["cpio", "-o", "-H", "newc", "--reproducible", "-R", "0:0", "--quiet", "-0", "-O", plain.resolve()],
        cwd=tree,
        deadline=deadline,
        stdin="\0".join(names).encode(),
    )
    if done.exit != 0:
        raise InfraError(f"cpio failed with {done.exit}: {done.last_lines(2)}")
    archive.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()


def make_swap(path: Path, deadline: Deadline) -> None:
    """A sparse file with a swap signature."""
    _sparse(path, SWAP_BYTES)
    _run_tool(["mkswap", "-q", "-U", _UUID, path.name], path.parent, deadline)


def make_scratch(path: Path, deadline: Deadline) -> None:
    """A sparse file with an empty ext2 that 2.6.27 can mount: no journal, none of the newer features."""
    _sparse(path, SCRATCH_BYTES)
    command = ["mke2fs", "-q", "-F", "-t", "ext2", "-O", "none,filetype,sparse_super,large_file"]
    command += ["-b", "4096", "-I", "128", "-N", "4096", "-m", "0", "-U", _UUID]
    command += ["-E", f"nodiscard,lazy_itable_init=0,hash_seed={_UUID}", path.name]
    _run_tool(command, path.parent, deadline)


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)
    path.chmod(0o600)


def _run_tool(command: list[str], cwd: Path, deadline: Deadline) -> None:
    env = {"PATH": SYSTEM_PATH, "E2FSPROGS_FAKE_TIME": "1", "LC_ALL": "C"}
    done = run(command, cwd=cwd, deadline=deadline, env=env)
    if done.exit != 0:
        raise InfraError(f"{command[0]} failed with {done.exit}: {done.last_lines(2)}")
