# SPDX-License-Identifier: GPL-2.0-only
"""A value as it is kept in a results directory: JSON for people and for msgspec, whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import UserError
from harness.files import write_whole
from harness.report.plaintext import encodable

T = TypeVar("T")


def write_kept(path: Path, value: object) -> Path:
    """Write *value* to *path*, indented. Bytes that were not UTF-8 (lone surrogates) become ``\\xNN``."""
    text = msgspec.json.format(msgspec.json.encode(encodable(msgspec.to_builtins(value))), indent=2)
    write_whole(path, text + b"\n")
    return path


def read_kept(path: Path, kind: type[T], command: str, mend: str) -> T:
    """The *kind* that *command* left at *path*; UserError, with *mend*, if it is missing or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}; name a directory that `{command}` left"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not as `{command}` writes it: {error}; {mend}") from error
