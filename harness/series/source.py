# SPDX-License-Identifier: GPL-2.0-only
"""What the user names as a series: a path in any form, commits of a repository, a mail of an archive."""

from __future__ import annotations

from pathlib import Path

from harness.deadline import Deadline
from harness.series.lore import read_thread, split_mail
from harness.series.model import Series
from harness.series.range import read_range, split_range
from harness.series.read import read_series


def open_series(spec: str, *, cache: Path, deadline: Deadline) -> Series:
    """The series that *spec* names.

    ``message-id:ID`` or ``https://lore.kernel.org/LIST/ID/`` is fetched by b4 and kept in *cache*;
    ``REPO@A..B``, or ``A..B`` in the current directory, are commits; all else is a path. What is there
    as a file or directory is a path, whatever its name; "" is the series without patches. Raises UserError or
    InfraError, one line.
    """
    if not spec:
        return Series(name="", version=1, patches=())
    mail = split_mail(spec)
    if mail is not None:
        return read_thread(mail, spec, cache=cache, deadline=deadline)
    path = Path(spec).expanduser()
    if not path.exists():
        commits = split_range(spec)
        if commits is not None:
            return read_range(commits, spec, deadline)
    return read_series(path)
