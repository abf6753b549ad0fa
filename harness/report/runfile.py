# SPDX-License-Identifier: GPL-2.0-only
"""``run.json``: a run as it is kept, and read again by every other report."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import msgspec

from harness.errors import UserError
from harness.files import write_whole
from harness.pipeline.model import Run
from harness.report.plaintext import encodable

NAME = "run.json"


def write_run(directory: Path, run: Run) -> Path:
    """Write *run* to ``run.json`` in *directory*, whole or not at all; may be called again as it goes on.

    Bytes that were not UTF-8 (lone surrogates in Python) are kept as ``\\xNN``. InfraError when the
    file cannot be written; ValueError for a number that JSON has no word for.
    """
    # msgspec writes NaN and infinity as null, which no reader of a float would take back.
    value = msgspec.to_builtins(run)
    _refuse_endless(value, "run")
    path = directory / NAME
    text = msgspec.json.format(msgspec.json.encode(encodable(value)), indent=2)
    write_whole(path, text + b"\n")
    return path


def read_run(path: Path) -> Run:
    """The run in the file *path*, or in ``run.json`` of the directory *path*; UserError if it is damaged.

    ``finished`` is empty in the file of a run that was cut off: that is a run, not an error.
    """
    if path.is_dir():
        path = path / NAME
    try:
        run = msgspec.json.decode(path.read_bytes(), type=Run)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}; name a directory that `harness run` left"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a run as `harness run` writes it: {error}; make it again") from error
    for name in _names(run):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise UserError(f"{path}: names {name!r}, which is outside of the run's directory; make it again")
    return run


def _names(run: Run) -> list[str]:
    """Every file of the run that reports read or write: whoever made run.json chose these."""
    cases = [case for cell in run.cells for case in cell.cases]
    consoles = [cell.console for cell in run.cells]
    return [*consoles, *(case.samples for case in cases), *(case.drift for case in cases)]


def cut_off(run: Run) -> bool:
    """True when the harness did not live to finish *run*: what is there is true, but not all."""
    return not run.finished


def _refuse_endless(value: object, where: str) -> None:
    if isinstance(value, float) and value - value != 0.0:  # true of NaN and of both infinities
        raise ValueError(f"{where} is {value}: a report holds finite numbers")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_endless(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _refuse_endless(inner, f"{where}[{index}]")
