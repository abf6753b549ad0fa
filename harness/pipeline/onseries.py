# SPDX-License-Identifier: GPL-2.0-only
"""What ``apply --output`` and ``series repair`` write."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener
from harness.files import write_whole
from harness.series.model import Series
from harness.series.repair import Repair
from harness.series.write import as_mbox, as_quilt
from harness.tree.model import Applied
from harness.tree.output import write_copy
from harness.tree.source import open_tree

_MAILBOX = (".mbox", ".mbx", ".eml", ".patch")


def repaired(series: Series, applied: Applied) -> tuple[Repair, ...]:
    """A Repair for each patch of *series*; ``whole`` where no white space was lost."""
    found = applied.repairs or (None,) * len(series.patches)
    return tuple(
        Repair(patch=patch, status="whole") if repair is None else repair
        for patch, repair in zip(series.patches, found, strict=True)
    )


def write_series(series: Series, repairs: Sequence[Repair], out: Path) -> None:
    """Write the repaired *series* to *out*: one mailbox when it is called NAME.mbox, else a quilt directory.

    UserError when *out* is there already and is not a file to be replaced by another.
    """
    whole = msgspec.structs.replace(series, patches=tuple(repair.patch for repair in repairs))
    if out.suffix in _MAILBOX:
        if out.is_dir():
            raise UserError(f"{out}: is a directory; give another name, or remove it")
        _need_parent(out)
        write_whole(out, as_mbox(whole))
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is there already; give a new directory, or NAME.mbox for a mailbox")
    _need_parent(out)
    files = as_quilt(whole)
    fresh = Path(tempfile.mkdtemp(dir=out.absolute().parent, prefix=f".{out.name}."))
    try:
        for name, data in files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(data)
        fresh.chmod(0o755)
        fresh.replace(out)
    except OSError as error:
        raise InfraError(f"{out}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _need_parent(out: Path) -> None:
    if not out.absolute().parent.is_dir():
        raise UserError(f"{out}: {out.absolute().parent} is no directory; make it first")


def patched_copy(
    applied: Applied, count: int, tree: str, out: Path, *, cache: Path, listener: Listener, deadline: Deadline
) -> tuple[str, ...]:
    """Make *out* a copy of *tree* with the first *count* patches on; the files that were written."""
    with open_tree(tree, cache=cache, listener=listener, deadline=deadline) as opened:
        return write_copy(opened, applied.prefixes[count], out, listener=listener, deadline=deadline)
