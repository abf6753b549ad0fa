# SPDX-License-Identifier: GPL-2.0-only
"""Further files for a guest: a cpio archive that is laid behind the image, kept in the cache by content."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.files import locked, make_directory
from harness.process import run

_BUILDING = ".building-"
_RECIPE = "1"


def pack_extra(files: Mapping[str, Path], cache: Path, deadline: Deadline) -> Path:
    """An archive with the contents of *files*, by their absolute path in the guest, all executable.

    Not compressed: unpacking costs an emulated CPU more than the host's memory is worth. Directories that
    the image has stay as they are. InfraError when cpio fails or a file cannot be read.
    """
    home = make_directory(cache / "extra", "the cache of extra archives")
    try:
        archive = home / f"{_key(files)}.cpio"
        with locked(home / ".lock", deadline, "the cache of extra archives"):
            if not archive.is_file():
                _make(files, home, archive, deadline)
    except OSError as error:
        raise InfraError(f"{error.filename}: cannot go into the guest: {error.strerror}") from error
    return archive


def _key(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256(_RECIPE.encode())
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name].read_bytes()).digest())
    return digest.hexdigest()[:20]


def _make(files: Mapping[str, Path], home: Path, archive: Path, deadline: Deadline) -> None:
    for leftover in home.glob(f"{_BUILDING}*"):  # of a run that was killed: the lock is ours
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_BUILDING, dir=home) as scratch:
        root, made = Path(scratch) / "root", Path(scratch) / "extra.cpio"
        for name, source in files.items():
            target = root / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755)
        names = sorted(root.rglob("*"))
        for path in names:
            if path.is_dir():
                path.chmod(0o755)
        done = run(
            ["cpio", "-o", "-H", "newc", "--reproducible", "-R", "0:0", "--quiet", "-0", "-O", made],
            cwd=root,
            deadline=deadline,
            stdin="\0".join(str(path.relative_to(root)) for path in names).encode(),
        )
        if done.exit != 0:
            raise InfraError(f"cpio failed with {done.exit}: {done.last_lines(2)}")
        made.rename(archive)
