# SPDX-License-Identifier: GPL-2.0-only
"""A series by its message id or its page in a public-inbox archive (lore.kernel.org), fetched by b4.

b4 knows archives, mirrors and their proofs of work; which mails of the thread are the series is
settled here, as for any mailbox. What was fetched once is kept.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.files import make_directory
from harness.process import run
from harness.series.model import Series
from harness.series.read import read_series

_PREFIX = "message-id:"
_PAGE = re.compile(
    r"(https?://[^/\s]+)/([^/\s]+)/([^/\s]+@[^/\s]+)(?:/(?:raw|[tT]/?|[tT]\.mbox\.gz|#[^\s]*)?)?(?:#\S*)?"
)
_MESSAGE_ID = re.compile(r"[^\s<>/\x00-\x1f-][^\s<>\x00-\x1f]{0,400}@[^\s<>\x00-\x1f]{1,400}")
_FETCH_SECONDS = 120.0


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail of an archive."""

    message_id: str
    mask: str = ""
    """address of a mail in its archive, ``%s`` for the id; empty for b4's own setting"""


def is_page(spec: str) -> bool:
    """Whether *spec* is the address of a mail's page in an archive."""
    return _PAGE.fullmatch(spec) is not None


def split_mail(spec: str) -> Mail | None:
    """The mail that *spec* names, ``message-id:ID`` or ``https://HOST/LIST/ID/``; None when it names none.

    Raises UserError for what begins as such a name and is none.
    """
    if spec.startswith(_PREFIX):
        return Mail(message_id=_checked(spec, spec.removeprefix(_PREFIX).strip().strip("<>")))
    if not spec.startswith(("http://", "https://")):
        return None
    page = _PAGE.fullmatch(spec)
    if page is None:
        raise UserError(
            f"{ascii(spec)[1:-1]}: no page of a mail; give https://lore.kernel.org/LIST/MESSAGE-ID/, "
            "message-id:ID, or the address of a tarball, .mbox or .patch"
        )
    return Mail(message_id=_checked(spec, unquote(page[3])), mask=f"{page[1]}/{page[2]}/%s")


def _checked(spec: str, message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise UserError(f"{ascii(spec)[1:-1]}: no message id; it reads message-id:NAME@HOST")
    return message_id


def read_thread(mail: Mail, spec: str, *, cache: Path, deadline: Deadline) -> Series:
    """The series in the thread of *mail* that holds it; from *cache* when it was fetched before.

    Raises UserError without b4 and for a mail that no archive has, InfraError when it cannot be fetched.
    """
    key = hashlib.sha256(f"{mail.mask}\0{mail.message_id}".encode()).hexdigest()[:24]
    home = make_directory(cache / "series", "the cache of series")
    kept = home / key
    if not (kept / "cur").is_dir():
        _fetch(mail, spec, kept, deadline)
    series = read_series(kept, wanted=mail.message_id)
    return msgspec.structs.replace(
        series,
        source=spec,
        name=mail.message_id if series.name == key else series.name,
        patches=tuple(
            msgspec.structs.replace(patch, origin=f"message-id:{patch.message_id}")
            for patch in series.patches
        ),
    )


def _fetch(mail: Mail, spec: str, kept: Path, deadline: Deadline) -> None:
    """Put the thread of *mail* into the maildir *kept*, whole or not at all."""
    program = find_b4()
    if program is None:
        raise UserError(
            f"{ascii(spec)[1:-1]}: b4 is not there to fetch it; pip install b4, or give the mails as a file"
        )
    mask = ("-c", f"b4.midmask={mail.mask}") if mail.mask else ()
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetch-") as scratch:
        done = run(
            [
                program,
                "-n",
                "--no-stdin",
                *mask,
                "mbox",
                "-C",
                "-M",
                "-o",
                scratch,
                "-n",
                "thread",
                "--",
                mail.message_id,
            ],
            cwd=Path(scratch),
            deadline=deadline.within(_FETCH_SECONDS),
        )
        found = Path(scratch) / "thread"
        if done.exit != 0 or not (found / "new").is_dir() or not (found / "cur").is_dir():
            said = ascii(done.last_lines(2))[1:300]
            raise InfraError(f"{ascii(spec)[1:-1]}: b4 could not fetch it: {said}")
        if not kept.exists():
            shutil.move(found, kept)


def find_b4() -> Path | None:
    """b4 beside our own interpreter, as in a virtual environment, or else on PATH."""
    beside = Path(sys.executable).parent / "b4"
    found = str(beside) if beside.is_file() else shutil.which("b4")
    return Path(found) if found else None
